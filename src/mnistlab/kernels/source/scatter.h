// scatter: dx[i][x + kx] += dy[o][x] * w[o][i][ky][kx], over o and ky
//
// The gradient of an unpadded convolution's input. Gathering would multiply the border's zeros,
// half of the work for 5x5 kernels on small images; here each gradient is added to the columns that
// it came from.
#pragma once

#include "contract.h"

struct Scattering {
    const Lanes
        *dy;  // the first output's row that meets kernel row `top`; the row above it meets the next
    int64_t dy_step;  // from one output to the next, in Lanes
    int dy_row;       // from one row to the next, in Lanes
    const float *w;   // of the first output and input
    int64_t w_output, w_input;
    int outputs, top, bottom;  // kernel rows top..bottom - 1
    Lanes *dx;
    int64_t dx_step;  // from one input to the next, in Lanes
    int held;         // leading columns of dx that already contain a part of their sum
};

template <int KERNEL, int INPUTS, int COLUMNS>
void scatter_block(const Scattering &k) {
    constexpr int REACH = COLUMNS + KERNEL - 1;
    for (int p = 0; p < PARTS; p++) {
        Part sum[INPUTS][REACH];
#pragma GCC unroll 16
        for (int i = 0; i < INPUTS; i++)
#pragma GCC unroll 16
            for (int c = 0; c < REACH; c++)
                sum[i][c] = c < k.held ? k.dx[i * k.dx_step + c].part[p] : Part{};
        for (int o = 0; o < k.outputs; o++)
            for (int ky = k.top; ky < k.bottom; ky++) {
                const Lanes *dy = k.dy + o * k.dy_step - int64_t(ky - k.top) * k.dy_row;
                const float *w = k.w + o * k.w_output + ky * KERNEL;
                Part grad[COLUMNS];
#pragma GCC unroll 16
                for (int c = 0; c < COLUMNS; c++) grad[c] = dy[c].part[p];
#pragma GCC unroll 16
                for (int i = 0; i < INPUTS; i++)
#pragma GCC unroll 16
                    for (int kx = 0; kx < KERNEL; kx++) {
                        const float weight = w[i * k.w_input + kx];
#pragma GCC unroll 16
                        for (int c = 0; c < COLUMNS; c++)
                            sum[i][c + kx] = fma(grad[c], weight, sum[i][c + kx]);
                    }
            }
#pragma GCC unroll 16
        for (int i = 0; i < INPUTS; i++)
#pragma GCC unroll 16
            for (int c = 0; c < REACH; c++) k.dx[i * k.dx_step + c].part[p] = sum[i][c];
    }
}

// Columns; the same on every processor, since sums of columns of two blocks depend on it.
constexpr int MOST_SCATTERED = 2;

constexpr int inputs_beside(int kernel) {
    const int fit = (REGISTERS == 32 ? 24 : 12) / (MOST_SCATTERED + kernel - 1);
    return fit < 1 ? 1 : fit;
}

template <int KERNEL, int INPUTS, int COLUMNS>
void scatter_columns(const Scattering &k, int columns) {
    if constexpr (COLUMNS > 0) {
        if (columns == COLUMNS) return scatter_block<KERNEL, INPUTS, COLUMNS>(k);
        scatter_columns<KERNEL, INPUTS, COLUMNS - 1>(k, columns);
    }
}

template <int KERNEL, int INPUTS>
void scatter_inputs(const Scattering &k, int inputs, int columns) {
    if constexpr (INPUTS > 0) {
        if (inputs == INPUTS) return scatter_columns<KERNEL, INPUTS, MOST_SCATTERED>(k, columns);
        scatter_inputs<KERNEL, INPUTS - 1>(k, inputs, columns);
    }
}

// dy: outputs x height x width; dx: inputs x (height + KERNEL - 1) x (width + KERNEL - 1); weights
// of the next output are w_output further.
template <int KERNEL>
void scatter(const Lanes *dy, int outputs, int height, int width, const float *w, int64_t w_output,
             Lanes *dx, int inputs) {
    const int rows = height + KERNEL - 1, columns = width + KERNEL - 1;
    const int input_parts = parts_of(inputs, inputs_beside(KERNEL)),
              column_parts = parts_of(width, MOST_SCATTERED);
    for (int i = 0; i < input_parts; i++) {
        const int i_begin = part_begin(inputs, input_parts, i),
                  i_count = part_begin(inputs, input_parts, i + 1) - i_begin;
        for (int row = 0; row < rows; row++) {
            const int top = row < height ? 0 : row - height + 1,
                      bottom = row < KERNEL ? row + 1 : KERNEL;
            for (int c = 0; c < column_parts; c++) {
                const int begin = part_begin(width, column_parts, c),
                          end = part_begin(width, column_parts, c + 1);
                const Scattering k{dy + int64_t(row - top) * width + begin,
                                   int64_t(height) * width,
                                   width,
                                   w + int64_t(i_begin) * KERNEL * KERNEL,
                                   w_output,
                                   KERNEL * KERNEL,
                                   outputs,
                                   top,
                                   bottom,
                                   dx + (int64_t(i_begin) * rows + row) * columns + begin,
                                   int64_t(rows) * columns,
                                   c ? KERNEL - 1 : 0};
                scatter_inputs<KERNEL, inputs_beside(KERNEL)>(k, i_count, end - begin);
            }
        }
    }
}
