// contract: y[o][c] = start[o] + sum over terms t of w[o, t] * x[t, c]
//
// The inner loop of convolutions and linear layers, forward and back to x, with its accumulators
// held in registers. Terms are found through tables of offsets, so one loop serves every kernel
// size, and its transpose.
#pragma once

#include <algorithm>

#include "lanes.h"

constexpr int ACCUMULATORS = REGISTERS == 32 ? 28 : 12;
constexpr int MOST_COLUMNS = REGISTERS == 32 ? 7 : 4;
constexpr int MOST_COLUMNS_ALONE = REGISTERS == 32 ? 14 : 8;  // of a single output
constexpr int MOST_OUTPUTS = REGISTERS == 32 ? 12 : 8;
constexpr int CACHED_LANES = 448;  // of x, in most of a first-level cache of 32 KiB

constexpr int outputs_beside(int columns) {
    return ACCUMULATORS / columns < MOST_OUTPUTS ? ACCUMULATORS / columns : MOST_OUTPUTS;
}

struct Contraction {
    const Lanes *x;
    const int32_t *x_at;  // per term, in Lanes
    const float *w;
    const int32_t *w_at;  // per term
    int64_t w_step;       // from one output to the next
    int terms;
    Lanes *y;
    int64_t y_step;      // from one output to the next, in Lanes
    const float *start;  // per output; null is zero
    bool add;            // to what y holds, in place of start
    int64_t y_column = 1;  // from one column to the next, in Lanes
};

template <int OUTPUTS, int COLUMNS>
void contract_block(const Contraction &k) {
    for (int p = 0; p < PARTS; p++) {
        Part sum[OUTPUTS][COLUMNS];
        for (int o = 0; o < OUTPUTS; o++)
            for (int c = 0; c < COLUMNS; c++)
                sum[o][c] = k.add ? k.y[o * k.y_step + c * k.y_column].part[p]
                                  : splat(k.start ? k.start[o] : 0.0f);
        for (int t = 0; t < k.terms; t++) {
            const Lanes *x = k.x + k.x_at[t];
            const float *w = k.w + k.w_at[t];
#pragma GCC unroll 12
            for (int o = 0; o < OUTPUTS; o++) {
                const float weight = w[o * k.w_step];
#pragma GCC unroll 8
                for (int c = 0; c < COLUMNS; c++) sum[o][c] += x[c].part[p] * weight;
            }
        }
        for (int o = 0; o < OUTPUTS; o++)
            for (int c = 0; c < COLUMNS; c++)
                k.y[o * k.y_step + c * k.y_column].part[p] = sum[o][c];
    }
}

// Parts of nearly equal size, none above `most`.
inline int parts_of(int count, int most) { return (count + most - 1) / most; }
inline int part_begin(int count, int parts, int index) {
    return static_cast<int>(int64_t(count) * index / parts);
}

template <int OUTPUTS, int COLUMNS>
void contract_outputs(const Contraction &k, int outputs) {
    if constexpr (OUTPUTS > 0) {
        if (outputs == OUTPUTS) return contract_block<OUTPUTS, COLUMNS>(k);
        contract_outputs<OUTPUTS - 1, COLUMNS>(k, outputs);
    }
}

template <int COLUMNS>
void contract_columns(const Contraction &k, int outputs, int columns) {
    if constexpr (COLUMNS > 0) {
        if (columns == COLUMNS)
            return contract_outputs<outputs_beside(COLUMNS), COLUMNS>(k, outputs);
        contract_columns<COLUMNS - 1>(k, outputs, columns);
    }
}

template <int COLUMNS>
void contract_alone(const Contraction &k, int columns) {
    if constexpr (COLUMNS > 0) {
        if (columns == COLUMNS) return contract_block<1, COLUMNS>(k);
        contract_alone<COLUMNS - 1>(k, columns);
    }
}

// How a contraction is cut into blocks; the cut follows from the shape alone.
struct Blocks {
    int outputs, columns, output_parts, column_parts;

    Blocks(int outputs, int columns)
        : outputs(outputs),
          columns(columns),
          column_parts(parts_of(columns, outputs == 1 ? MOST_COLUMNS_ALONE : MOST_COLUMNS)) {
        const int widest = (columns + column_parts - 1) / column_parts;
        output_parts = outputs == 1 ? 1 : parts_of(outputs, outputs_beside(widest));
    }
};

// `rows` rows of `columns` positions for `outputs` outputs; x and y advance by a row's length in
// Lanes. `chunk` terms of a block's x fit into the first-level cache; 0: none reads what another
// reads. Every order of the blocks gives the same bits, since each sum goes on where it was left.
inline void contract(Contraction k, int outputs, int rows, int columns, int64_t x_row,
                     int64_t y_row, int chunk = 0) {
    if (rows > 1 && x_row == columns && y_row == columns && k.y_column == 1) {
        columns *= rows;
        rows = 1;
    }
    const Blocks blocks(outputs, columns);
    const Contraction whole = k;
    if (chunk == 0) chunk = CACHED_LANES / parts_of(columns, blocks.column_parts);
    const int chunks = std::max(parts_of(whole.terms, chunk), 1);
    const auto block = [&](int row, int c, int o) {
        const int c_begin = part_begin(columns, blocks.column_parts, c);
        const int c_count = part_begin(columns, blocks.column_parts, c + 1) - c_begin;
        const int o_begin = part_begin(outputs, blocks.output_parts, o);
        const int o_count = part_begin(outputs, blocks.output_parts, o + 1) - o_begin;
        k.w = whole.w + o_begin * k.w_step;
        k.start = whole.start ? whole.start + o_begin : nullptr;
        k.x = whole.x + row * x_row + c_begin;
        k.y = whole.y + o_begin * k.y_step + row * y_row + c_begin * k.y_column;
        if (outputs == 1) contract_alone<MOST_COLUMNS_ALONE>(k, c_count);
        else contract_columns<MOST_COLUMNS>(k, o_count, c_count);
    };
    for (int row = 0; row < rows; row++)
        for (int c = 0; c < blocks.column_parts; c++)
            for (int i = 0; i < chunks; i++) {
                const int begin = part_begin(whole.terms, chunks, i);
                k.x_at = whole.x_at + begin;
                k.w_at = whole.w_at + begin;
                k.terms = part_begin(whole.terms, chunks, i + 1) - begin;
                k.add = whole.add || i;
                for (int o = 0; o < blocks.output_parts; o++) block(row, c, o);
            }
}
