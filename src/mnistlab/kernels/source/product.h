// multiply_matrices: c[m][n] = start[n] + sum over k of a[m][k] * b[k][n], for every image, with
// accumulators held in registers. b is either an image's, as a is, or the same for all images.
#pragma once

#include "contract.h"

template <class Right>
struct MatrixProduct {
    const Lanes *a;
    int64_t a_row, a_term;  // steps in Lanes
    const Right *b;
    int64_t b_term, b_column;  // in elements
    Lanes *c;
    int64_t c_row, c_column;
    int terms;
    const float *start;  // per column; null is zero
    bool add;            // to what c holds, in place of start
};

inline Part part_of(const Lanes &lanes, int p) { return lanes.part[p]; }
inline float part_of(float value, int) { return value; }

// A column of b costs a load, and a row of a too; scalars may be loaded by the multiplication.
constexpr int MOST_ROWS = REGISTERS == 32 ? 5 : 3, MOST_ACROSS = REGISTERS == 32 ? 5 : 3;

// What sums start from: told by the type, so that they never leave the registers.
enum class Start { ZERO, VALUES, RESULT };

template <class Right, int ROWS, int COLUMNS, Start START>
void product_block(const MatrixProduct<Right> &k) {
    for (int p = 0; p < PARTS; p++) {
        Part sum[ROWS][COLUMNS];
#pragma GCC unroll 8
        for (int m = 0; m < ROWS; m++)
#pragma GCC unroll 8
            for (int n = 0; n < COLUMNS; n++)
                if constexpr (START == Start::ZERO) sum[m][n] = Part{};
                else if constexpr (START == Start::VALUES) sum[m][n] = splat(k.start[n]);
                else sum[m][n] = k.c[m * k.c_row + n * k.c_column].part[p];
        const Lanes *a = k.a;
        const Right *b = k.b;
        for (int t = 0; t < k.terms; t++, a += k.a_term, b += k.b_term) {
            Part left[ROWS];
#pragma GCC unroll 8
            for (int m = 0; m < ROWS; m++) left[m] = a[m * k.a_row].part[p];
#pragma GCC unroll 8
            for (int n = 0; n < COLUMNS; n++) {
                const auto right = part_of(b[n * k.b_column], p);
#pragma GCC unroll 8
                for (int m = 0; m < ROWS; m++) sum[m][n] = fma(left[m], right, sum[m][n]);
            }
        }
#pragma GCC unroll 8
        for (int m = 0; m < ROWS; m++)
#pragma GCC unroll 8
            for (int n = 0; n < COLUMNS; n++) k.c[m * k.c_row + n * k.c_column].part[p] = sum[m][n];
    }
}

template <class Right, int ROWS, int COLUMNS>
void product_start(const MatrixProduct<Right> &k) {
    if (k.add) product_block<Right, ROWS, COLUMNS, Start::RESULT>(k);
    else if (k.start) product_block<Right, ROWS, COLUMNS, Start::VALUES>(k);
    else product_block<Right, ROWS, COLUMNS, Start::ZERO>(k);
}

template <class Right, int ROWS, int COLUMNS>
void product_columns(const MatrixProduct<Right> &k, int columns) {
    if constexpr (COLUMNS > 0) {
        if (columns == COLUMNS) return product_start<Right, ROWS, COLUMNS>(k);
        product_columns<Right, ROWS, COLUMNS - 1>(k, columns);
    }
}

template <class Right, int ROWS>
void product_rows(const MatrixProduct<Right> &k, int rows, int columns) {
    if constexpr (ROWS > 0) {
        if (rows == ROWS) return product_columns<Right, ROWS, MOST_ACROSS>(k, columns);
        product_rows<Right, ROWS - 1>(k, rows, columns);
    }
}

template <class Right>
void multiply_matrices(MatrixProduct<Right> k, int rows, int columns) {
    const MatrixProduct<Right> whole = k;
    const int row_parts = parts_of(rows, MOST_ROWS), column_parts = parts_of(columns, MOST_ACROSS);
    for (int m = 0; m < row_parts; m++) {
        const int row = part_begin(rows, row_parts, m);
        const int row_count = part_begin(rows, row_parts, m + 1) - row;
        k.a = whole.a + row * k.a_row;
        for (int n = 0; n < column_parts; n++) {
            const int column = part_begin(columns, column_parts, n);
            k.b = whole.b + column * k.b_column;
            k.c = whole.c + row * k.c_row + column * k.c_column;
            k.start = whole.start ? whole.start + column : nullptr;
            product_rows<Right, MOST_ROWS>(k, row_count,
                                           part_begin(columns, column_parts, n + 1) - column);
        }
    }
}
