// correlate: dw[o][t] = sum over positions and images of dy[o][position] * x[position, t]
//
// The inner loop of the gradient of a convolution's weights.
#pragma once

#include "contract.h"

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
    float *dw;
    int64_t dw_step;  // from one output to the next
    bool add;         // to what dw holds
    int part_begin = 0, part_end = PARTS;
    Part *held = nullptr;            // sums between one band of rows and the next
    bool first = true, last = true;  // band
};

template <int OUTPUTS, int TAPS>
void correlate_block(const Correlation &k) {
    Part sum[OUTPUTS][TAPS] = {};
    if (!k.first)
        for (int o = 0; o < OUTPUTS; o++)
            for (int t = 0; t < TAPS; t++) sum[o][t] = k.held[o * TAPS + t];
    int32_t at[TAPS];
    for (int t = 0; t < TAPS; t++) at[t] = k.x_at[t];
    for (int p = k.part_begin; p < k.part_end; p++)
        for (int row = 0; row < k.rows; row++) {
            const Lanes *x = k.x + row * k.x_row, *dy = k.dy + row * k.columns;
            for (int c = 0; c < k.columns; c++) {
                Part tap[TAPS];
#pragma GCC unroll 12
                for (int t = 0; t < TAPS; t++) tap[t] = x[at[t] + c].part[p];
#pragma GCC unroll 8
                for (int o = 0; o < OUTPUTS; o++) {
                    const Part grad = dy[o * k.dy_step + c].part[p];
#pragma GCC unroll 12
                    for (int t = 0; t < TAPS; t++) sum[o][t] += grad * tap[t];
                }
            }
        }
    for (int o = 0; o < OUTPUTS; o++)
        for (int t = 0; t < TAPS; t++) {
            if (!k.last) {
                k.held[o * TAPS + t] = sum[o][t];
                continue;
            }
            float &dw = k.dw[o * k.dw_step + t];
            dw = (k.add ? dw : 0.0f) + total(sum[o][t]);
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

// Parts that correlate() keeps sums in.
inline int64_t correlate_held(int outputs, int taps) {
    return std::min<int64_t>(outputs, CORRELATED_OUTPUTS) * taps;
}

// Bands of rows, so that what a band reads stays in the first-level cache while the taps go over
// it. The order of the sums is that of a single band.
inline void correlate(Correlation k, int outputs, int taps, Part *held) {
    if (k.rows > 1 && k.x_row == k.columns) {
        k.columns *= k.rows;
        k.x_row = k.rows = 1;
    }
    const int most_taps = outputs == 1 ? MOST_TAPS_ALONE : MOST_TAPS;
    const int output_parts = parts_of(outputs, CORRELATED_OUTPUTS);
    const int tap_parts = parts_of(taps, most_taps);
    const Correlation whole = k;
    const int most_rows = std::max(1, CORRELATED_LANES / ((CORRELATED_OUTPUTS + 2) * k.columns));
    const int bands = tap_parts > 4 ? parts_of(k.rows, most_rows) : 1;
    for (int o = 0; o < output_parts; o++) {
        const int o_begin = part_begin(outputs, output_parts, o);
        const int o_count = part_begin(outputs, output_parts, o + 1) - o_begin;
        for (int pass = 0; pass < (bands > 1 ? PARTS : 1) * bands; pass++) {
            const int band = pass % bands, row = part_begin(whole.rows, bands, band);
            if (bands > 1) k.part_begin = pass / bands, k.part_end = k.part_begin + 1;
            k.rows = part_begin(whole.rows, bands, band + 1) - row;
            k.first = pass == 0;
            k.last = pass + 1 == (bands > 1 ? PARTS : 1) * bands;
            k.x = whole.x + row * k.x_row;
            k.dy = whole.dy + o_begin * k.dy_step + int64_t(row) * k.columns;
            k.held = held;
            for (int t = 0; t < tap_parts; t++) {
                const int t_begin = part_begin(taps, tap_parts, t);
                const int t_count = part_begin(taps, tap_parts, t + 1) - t_begin;
                k.x_at = whole.x_at + t_begin;
                k.dw = whole.dw + o_begin * k.dw_step + t_begin;
                correlate_outputs<CORRELATED_OUTPUTS>(k, o_count, t_count);
                k.held += o_count * t_count;
            }
        }
    }
}
