// correlate: dw[o][t] = sum over positions and images of dy[o][position] * x[position, t]
//
// The inner loop of the gradient of a convolution's weights.
#pragma once

#include "contract.h"

constexpr int CORRELATED_OUTPUTS = 4;
constexpr int MOST_TAPS = REGISTERS == 32 ? 6 : 3;

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
};

template <int OUTPUTS, int TAPS>
void correlate_block(const Correlation &k) {
    Part sum[OUTPUTS][TAPS] = {};
    int32_t at[TAPS];
    for (int t = 0; t < TAPS; t++) at[t] = k.x_at[t];
    for (int p = 0; p < PARTS; p++)
        for (int row = 0; row < k.rows; row++) {
            const Lanes *x = k.x + row * k.x_row, *dy = k.dy + row * k.columns;
            for (int c = 0; c < k.columns; c++) {
                Part tap[TAPS];
#pragma GCC unroll 8
                for (int t = 0; t < TAPS; t++) tap[t] = x[at[t] + c].part[p];
#pragma GCC unroll 8
                for (int o = 0; o < OUTPUTS; o++) {
                    const Part grad = dy[o * k.dy_step + c].part[p];
#pragma GCC unroll 8
                    for (int t = 0; t < TAPS; t++) sum[o][t] += grad * tap[t];
                }
            }
        }
    for (int o = 0; o < OUTPUTS; o++)
        for (int t = 0; t < TAPS; t++) {
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
        if (outputs == OUTPUTS) return correlate_taps<OUTPUTS, MOST_TAPS>(k, taps);
        correlate_outputs<OUTPUTS - 1>(k, outputs, taps);
    }
}

inline void correlate(Correlation k, int outputs, int taps) {
    const int output_parts = parts_of(outputs, CORRELATED_OUTPUTS), tap_parts = parts_of(taps, MOST_TAPS);
    const Correlation whole = k;
    for (int o = 0; o < output_parts; o++) {
        const int o_begin = part_begin(outputs, output_parts, o);
        const int o_count = part_begin(outputs, output_parts, o + 1) - o_begin;
        k.dy = whole.dy + o_begin * k.dy_step;
        for (int t = 0; t < tap_parts; t++) {
            const int t_begin = part_begin(taps, tap_parts, t);
            k.x_at = whole.x_at + t_begin;
            k.dw = whole.dw + o_begin * k.dw_step + t_begin;
            correlate_outputs<CORRELATED_OUTPUTS>(k, o_count, part_begin(taps, tap_parts, t + 1) - t_begin);
        }
    }
}
