// correlate: dw[o][t] = sum over positions and images of dy[o][position] * x[position, t]
//
// The inner loop of the gradient of a convolution's weights.
#pragma once

#include "contract.h"
#include "transpose.h"

constexpr int CORRELATED_OUTPUTS = 4;
constexpr int MOST_TAPS = REGISTERS == 32 ? 6 : 3;
constexpr int MOST_TAPS_ALONE = 2 * MOST_TAPS;  // of a single output
constexpr int CORRELATED_LANES = 512;           // of x and dy, in a first-level cache of 32 KiB

struct Correlation {
    const Lanes *x;
    const int32_t *x_at;      // per tap, in Lanes
    int64_t x_row, x_column;  // in Lanes; x_column: 1 or 2
    const Lanes *dy;          // rows x columns positions
    int64_t dy_step, dy_row;  // from one output, and from one row, to the next, in Lanes
    int rows, columns;
    Lanes *sums;             // per output and tap
    int64_t sums_step;       // from one output to the next
    const int32_t *sums_at;  // per tap
    bool first;              // sums start at zero
};

// STEP: x_column.
template <int STEP, int OUTPUTS, int TAPS>
void correlate_block(const Correlation &k) {
    const int64_t dy_step = k.dy_step;
    int32_t at[TAPS];
    for (int t = 0; t < TAPS; t++) at[t] = k.x_at[t];
    for (int p = 0; p < PARTS; p++) {
        Part sum[OUTPUTS][TAPS] = {};
        if (!k.first)
#pragma GCC unroll 16
            for (int o = 0; o < OUTPUTS; o++)
#pragma GCC unroll 16
                for (int t = 0; t < TAPS; t++)
                    sum[o][t] = k.sums[o * k.sums_step + k.sums_at[t]].part[p];
        for (int row = 0; row < k.rows; row++) {
            const Lanes *x = k.x + row * k.x_row, *dy = k.dy + row * k.dy_row;
            for (int c = 0; c < k.columns; c++, x += STEP) {
                Part tap[TAPS];
#pragma GCC unroll 16
                for (int t = 0; t < TAPS; t++) tap[t] = in_register(x[at[t]].part[p]);
#pragma GCC unroll 16
                for (int o = 0; o < OUTPUTS; o++) {
                    const Part grad = dy[o * dy_step + c].part[p];
#pragma GCC unroll 16
                    for (int t = 0; t < TAPS; t++) sum[o][t] = fma(grad, tap[t], sum[o][t]);
                }
            }
        }
#pragma GCC unroll 16
        for (int o = 0; o < OUTPUTS; o++)
#pragma GCC unroll 16
            for (int t = 0; t < TAPS; t++)
                k.sums[o * k.sums_step + k.sums_at[t]].part[p] = sum[o][t];
    }
}

template <int STEP, int OUTPUTS, int TAPS>
void correlate_taps(const Correlation &k, int taps) {
    if constexpr (TAPS > 0) {
        if (taps == TAPS) return correlate_block<STEP, OUTPUTS, TAPS>(k);
        correlate_taps<STEP, OUTPUTS, TAPS - 1>(k, taps);
    }
}

template <int STEP, int OUTPUTS>
void correlate_outputs(const Correlation &k, int outputs, int taps) {
    if constexpr (OUTPUTS > 0) {
        constexpr int most_taps = OUTPUTS == 1 ? MOST_TAPS_ALONE : MOST_TAPS;
        if (outputs == OUTPUTS) return correlate_taps<STEP, OUTPUTS, most_taps>(k, taps);
        correlate_outputs<STEP, OUTPUTS - 1>(k, outputs, taps);
    }
}

// Adds to the sums of up to CORRELATED_OUTPUTS outputs. Bands of rows, so that what a band reads
// stays in the first-level cache while the taps go over it.
inline void correlate(const Correlation &whole, int outputs, int taps) {
    Correlation k = whole;
    if (k.rows > 1 && k.x_row == k.columns * k.x_column && k.dy_row == k.columns) {
        k.columns *= k.rows;
        k.rows = 1;
    }
    const int rows = k.rows;
    const Cut cut(taps, outputs == 1 ? MOST_TAPS_ALONE : MOST_TAPS);
    const int most_rows = std::max(1, CORRELATED_LANES / ((CORRELATED_OUTPUTS + 2) * k.columns));
    const int bands = cut.parts > 4 ? parts_of(rows, most_rows) : 1;
    for (int band = 0; band < bands; band++) {
        const int row = part_begin(rows, bands, band);
        k.rows = part_begin(rows, bands, band + 1) - row;
        k.first = whole.first && band == 0;
        k.x = whole.x + row * k.x_row;
        k.dy = whole.dy + row * k.dy_row;
        for (int t = 0; t < cut.parts; t++) {
            const int tap = cut.begin(t), count = cut.begin(t + 1) - tap;
            k.x_at = whole.x_at + tap;
            k.sums_at = whole.sums_at + tap;
            if (k.x_column == 1) correlate_outputs<1, CORRELATED_OUTPUTS>(k, outputs, count);
            else correlate_outputs<2, CORRELATED_OUTPUTS>(k, outputs, count);
        }
    }
}
