// contract: y[o][c] = start[o] + sum over terms t of w[o, t] * x[t, c]
//
// The inner loop of convolutions and linear layers, forward and back to x, with its accumulators
// held in registers. Terms are found through tables of offsets, so one loop serves every kernel
// size, and its transpose.
#pragma once

#include "lanes.h"

constexpr int ACCUMULATORS = REGISTERS == 32 ? 28 : 12;
constexpr int MOST_COLUMNS = REGISTERS == 32 ? 7 : 4;
constexpr int MOST_OUTPUTS = REGISTERS == 32 ? 12 : 8;

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
};

template <int OUTPUTS, int COLUMNS>
void contract_block(const Contraction &k) {
    for (int p = 0; p < PARTS; p++) {
        Part sum[OUTPUTS][COLUMNS];
        for (int o = 0; o < OUTPUTS; o++)
            for (int c = 0; c < COLUMNS; c++)
                sum[o][c] = k.add ? k.y[o * k.y_step + c].part[p] : splat(k.start ? k.start[o] : 0.0f);
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
            for (int c = 0; c < COLUMNS; c++) k.y[o * k.y_step + c].part[p] = sum[o][c];
    }
}

// Parts of nearly equal size, none above `most`.
inline int parts_of(int count, int most) { return (count + most - 1) / most; }
inline int part_begin(int count, int parts, int index) { return static_cast<int>(int64_t(count) * index / parts); }

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
        if (columns == COLUMNS) return contract_outputs<outputs_beside(COLUMNS), COLUMNS>(k, outputs);
        contract_columns<COLUMNS - 1>(k, outputs, columns);
    }
}

// How a contraction is cut into blocks; the cut follows from the shape alone.
struct Blocks {
    int outputs, columns, output_parts, column_parts;

    Blocks(int outputs, int columns)
        : outputs(outputs), columns(columns), column_parts(parts_of(columns, MOST_COLUMNS)) {
        output_parts = parts_of(outputs, outputs_beside((columns + column_parts - 1) / column_parts));
    }
};

// `rows` rows of `columns` positions for `outputs` outputs; x and y advance by a row's length in Lanes.
inline void contract(Contraction k, int outputs, int rows, int columns, int64_t x_row, int64_t y_row) {
    const Blocks blocks(outputs, columns);
    const Contraction whole = k;
    for (int o = 0; o < blocks.output_parts; o++) {
        const int o_begin = part_begin(outputs, blocks.output_parts, o);
        const int o_count = part_begin(outputs, blocks.output_parts, o + 1) - o_begin;
        k.w = whole.w + o_begin * k.w_step;
        k.start = whole.start ? whole.start + o_begin : nullptr;
        for (int row = 0; row < rows; row++)
            for (int c = 0; c < blocks.column_parts; c++) {
                const int c_begin = part_begin(columns, blocks.column_parts, c);
                k.x = whole.x + row * x_row + c_begin;
                k.y = whole.y + o_begin * k.y_step + row * y_row + c_begin;
                contract_columns<MOST_COLUMNS>(k, o_count, part_begin(columns, blocks.column_parts, c + 1) - c_begin);
            }
    }
}
