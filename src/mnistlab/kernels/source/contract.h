// contract: y[o][c] = start[o] + sum over terms t of w[o, t] * x[t, c]
//
// The inner loop of convolutions and linear layers, forward and back to x, with its accumulators
// held in registers. Terms are found through tables of offsets, so one loop serves every kernel
// size, and its transpose.
#pragma once

#include <algorithm>

#include "lanes.h"

constexpr int MOST_COLUMNS = REGISTERS == 32 ? 6 : 4;
constexpr int MOST_COLUMNS_ALONE = REGISTERS == 32 ? 14 : 8;  // of a single output
constexpr int MOST_OUTPUTS = REGISTERS == 32 ? 12 : 8;
constexpr int CACHED_LANES = 448;  // of x, in most of a first-level cache of 32 KiB

// Sums, a column of x each, and a weight are in registers.
constexpr int outputs_beside(int columns) {
    return std::min((REGISTERS - 1 - columns) / columns, MOST_OUTPUTS);
}

struct Contraction {
    const Lanes *x;
    const int32_t *x_at;  // per term, in Lanes
    const float *w;
    const int32_t *w_at;  // per term
    int64_t w_step;       // from one output to the next
    int terms;
    Lanes *y;
    int64_t y_step;        // from one output to the next, in Lanes
    const float *start;    // per output; null is zero
    bool add;              // to what y holds, in place of start
    int64_t y_column = 1;  // from one column to the next, in Lanes
    // Add the whole sum to what y holds, which errs less than to go on from there.
    bool add_after = false;
};

// STEP: from one column of x to the next, in Lanes.
template <int STEP, int OUTPUTS, int COLUMNS>
void contract_block(const Contraction &k) {
    for (int p = 0; p < PARTS; p++) {
        Part sum[OUTPUTS][COLUMNS];
#pragma GCC unroll 16
        for (int o = 0; o < OUTPUTS; o++)
#pragma GCC unroll 16
            for (int c = 0; c < COLUMNS; c++)
                sum[o][c] = k.add ? k.y[o * k.y_step + c * k.y_column].part[p]
                                  : splat(k.start ? k.start[o] : 0.0f);
        for (int t = 0; t < k.terms; t++) {
            const Lanes *x = k.x + k.x_at[t];
            const float *w = k.w + k.w_at[t];
#pragma GCC unroll 16
            for (int o = 0; o < OUTPUTS; o++) {
                const float weight = w[o * k.w_step];
#pragma GCC unroll 16
                for (int c = 0; c < COLUMNS; c++)
                    sum[o][c] = fma(x[c * STEP].part[p], weight, sum[o][c]);
            }
        }
#pragma GCC unroll 16
        for (int o = 0; o < OUTPUTS; o++)
#pragma GCC unroll 16
            for (int c = 0; c < COLUMNS; c++) {
                Part &y = k.y[o * k.y_step + c * k.y_column].part[p];
                y = k.add_after ? y + sum[o][c] : sum[o][c];
            }
    }
}

// Parts of nearly equal size, none above `most`.
inline int parts_of(int count, int most) { return (count + most - 1) / most; }
inline int part_begin(int count, int parts, int index) {
    return static_cast<int>(int64_t(count) * index / parts);
}

// The same, whose bounds take no division: the first `longer` parts have one more.
struct Cut {
    int parts, size, longer;

    Cut(int count, int most)
        : parts(parts_of(count, most)), size(count / parts), longer(count % parts) {}
    int begin(int part) const { return part * size + std::min(part, longer); }
    int widest() const { return size + (longer > 0); }
};

using ContractBlock = void (*)(const Contraction &);

template <int STEP, int OUTPUTS, int COLUMNS>
ContractBlock block_of_outputs(int outputs) {
    if constexpr (OUTPUTS > 1)
        if (outputs < OUTPUTS) return block_of_outputs<STEP, OUTPUTS - 1, COLUMNS>(outputs);
    return contract_block<STEP, OUTPUTS, COLUMNS>;
}

template <int STEP, int COLUMNS>
ContractBlock block_of_columns(int outputs, int columns) {
    if constexpr (COLUMNS > 1)
        if (columns < COLUMNS) return block_of_columns<STEP, COLUMNS - 1>(outputs, columns);
    constexpr int most_outputs = COLUMNS > MOST_COLUMNS ? 1 : outputs_beside(COLUMNS);
    return block_of_outputs<STEP, most_outputs, COLUMNS>(outputs);
}

// `rows` rows of `columns` positions for `outputs` outputs; x and y advance by a row's length in
// Lanes. `chunk` terms of a block's x fit into the first-level cache; 0: none reads what another
// reads. Every order of the blocks gives the same bits, since each sum goes on where it was left.
template <int STEP = 1>
void contract(Contraction k, int outputs, int rows, int columns, int64_t x_row, int64_t y_row,
              int chunk = 0) {
    if (!outputs) return;
    const bool joined = x_row == columns && y_row == columns && k.y_column == 1 && STEP == 1;
    if (rows > 1 && joined && columns <= 2 * MOST_COLUMNS) {  // too narrow to fill blocks
        columns *= rows;
        rows = 1;
    }
    const Cut across(columns, outputs == 1 ? MOST_COLUMNS_ALONE : MOST_COLUMNS);
    const Cut down(outputs, outputs == 1 ? 1 : outputs_beside(across.widest()));
    ContractBlock blocks[2][2];  // for the smaller and the larger part, of outputs and of columns
    for (int o = 0; o < 2; o++)
        for (int c = 0; c < 2; c++)
            blocks[o][c] =
                block_of_columns<STEP, MOST_COLUMNS_ALONE>(down.size + o, across.size + c);
    const int chunks = parts_of(k.terms, chunk ? chunk : CACHED_LANES / across.widest());
    const Contraction whole = k;
    const auto run = [&](int row, int c, int o) {
        const int64_t column = across.begin(c), output = down.begin(o);
        k.x = whole.x + row * x_row + column * STEP;
        k.w = whole.w + output * k.w_step;
        k.start = whole.start ? whole.start + output : nullptr;
        k.y = whole.y + output * k.y_step + row * y_row + column * k.y_column;
        blocks[o < down.longer][c < across.longer](k);
    };
    if (chunks <= 1) {
        for (int o = 0; o < down.parts; o++)
            for (int row = 0; row < rows; row++)
                for (int c = 0; c < across.parts; c++) run(row, c, o);
        return;
    }
    for (int row = 0; row < rows; row++)
        for (int c = 0; c < across.parts; c++)
            for (int i = 0; i < chunks; i++) {
                const int term = part_begin(whole.terms, chunks, i);
                k.x_at = whole.x_at + term;
                k.w_at = whole.w_at + term;
                k.terms = part_begin(whole.terms, chunks, i + 1) - term;
                k.add = whole.add || i;
                for (int o = 0; o < down.parts; o++) run(row, c, o);
            }
}
