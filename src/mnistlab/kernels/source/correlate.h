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
    const int32_t *x_at;  // per tap, in Lanes
    int64_t x_row;        // in Lanes
    const Lanes *dy;      // rows x columns positions, close together
    int64_t dy_step;      // from one output to the next, in Lanes
    int rows, columns;
    Lanes *sums;        // per output and tap
    int64_t sums_step;  // from one output to the next
    bool first;         // of the bands of rows: sums start at zero
};

template <int OUTPUTS, int TAPS>
void correlate_block(const Correlation &k) {
    const int64_t dy_step = k.dy_step;
    int32_t at[TAPS];
    for (int t = 0; t < TAPS; t++) at[t] = k.x_at[t];
    for (int p = 0; p < PARTS; p++) {
        Part sum[OUTPUTS][TAPS] = {};
        if (!k.first)
            for (int o = 0; o < OUTPUTS; o++)
                for (int t = 0; t < TAPS; t++) sum[o][t] = k.sums[o * k.sums_step + t].part[p];
        for (int row = 0; row < k.rows; row++) {
            const Lanes *x = k.x + row * k.x_row, *dy = k.dy + row * k.columns;
            for (int c = 0; c < k.columns; c++) {
                Part tap[TAPS];
#pragma GCC unroll 12
                for (int t = 0; t < TAPS; t++) tap[t] = x[at[t] + c].part[p];
#pragma GCC unroll 8
                for (int o = 0; o < OUTPUTS; o++) {
                    const Part grad = dy[o * dy_step + c].part[p];
#pragma GCC unroll 12
                    for (int t = 0; t < TAPS; t++) sum[o][t] = fma(grad, tap[t], sum[o][t]);
                }
            }
        }
        for (int o = 0; o < OUTPUTS; o++)
            for (int t = 0; t < TAPS; t++) k.sums[o * k.sums_step + t].part[p] = sum[o][t];
    }
}

template <int OUTPUTS, int TAPS>
void correlate_taps(const Correlation &k, int taps) {
    if constexpr (TAPS > 0) {
        if (taps == TAPS) return correlate_block<OUTPUTS, TAPS>(k);
        correlate_taps<OUTPUTS, TAPS - 1>(k, taps);
    }
}

template <int OUTPUTS>
void correlate_outputs(const Correlation &k, int outputs, int taps) {
    if constexpr (OUTPUTS > 0) {
        if (outputs == OUTPUTS)
            return correlate_taps<OUTPUTS, OUTPUTS == 1 ? MOST_TAPS_ALONE : MOST_TAPS>(k, taps);
        correlate_outputs<OUTPUTS - 1>(k, outputs, taps);
    }
}

// Lanes that correlate() keeps sums in.
inline int64_t correlate_sums(int outputs, int taps) {
    return std::min<int64_t>(outputs, CORRELATED_OUTPUTS) * taps;
}

// dw = or += the gradients, rows of an output dw_step apart. Bands of rows, so that what a band
// reads stays in the first-level cache while the taps go over it.
inline void correlate(const Correlation &whole, int outputs, int taps, float *dw, int64_t dw_step,
                      bool add) {
    Correlation k = whole;
    if (k.rows > 1 && k.x_row == k.columns) {
        k.columns *= k.rows;
        k.x_row = k.rows = 1;
    }
    const int rows = k.rows;
    const Cut outputs_cut(outputs, CORRELATED_OUTPUTS);
    const Cut taps_cut(taps, outputs == 1 ? MOST_TAPS_ALONE : MOST_TAPS);
    const int most_rows = std::max(1, CORRELATED_LANES / ((CORRELATED_OUTPUTS + 2) * k.columns));
    const int bands = taps_cut.parts > 4 ? parts_of(rows, most_rows) : 1;
    k.sums_step = taps;
    for (int o = 0; o < outputs_cut.parts; o++) {
        const int first = outputs_cut.begin(o), count = outputs_cut.begin(o + 1) - first;
        for (int band = 0; band < bands; band++) {
            const int row = part_begin(rows, bands, band);
            k.rows = part_begin(rows, bands, band + 1) - row;
            k.first = band == 0;
            k.x = whole.x + row * k.x_row;
            k.dy = whole.dy + first * k.dy_step + int64_t(row) * k.columns;
            for (int t = 0; t < taps_cut.parts; t++) {
                const int tap = taps_cut.begin(t);
                k.x_at = whole.x_at + tap;
                k.sums = whole.sums + tap;
                correlate_outputs<CORRELATED_OUTPUTS>(k, count, taps_cut.begin(t + 1) - tap);
            }
        }
        for (int i = 0; i < count; i++)
            totals(whole.sums + i * int64_t(taps), taps, dw + (first + i) * dw_step, add);
    }
}
