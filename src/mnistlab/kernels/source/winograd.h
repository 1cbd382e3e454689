// Winograd: 3x3 convolutions with many channels by minimal filtering F(2x2, 3x3) (Lavin and Gray,
// 2016).
//
// Four outputs take 16 products of a channel in place of 36: of a 4x4 block of the input and of the
// kernel, each transformed. With many channels the transforms cost little beside the products,
// which are 16 contractions over channels.
#pragma once

#include <array>
#include <vector>

#include "contract.h"
#include "transpose.h"

class Winograd {
   public:
    // x: inputs x height x width; above and left of it are `top` and `left` zeros, and zeros
    // wherever else the kernel reaches beyond it. y: outputs x out_height x out_width.
    Winograd(int inputs, int outputs, int height, int width, int top, int left, int out_height,
             int out_width)
        : inputs_(inputs),
          outputs_(outputs),
          height_(height),
          width_(width),
          top_(top),
          left_(left),
          out_height_(out_height),
          out_width_(out_width),
          tiles_across_((out_width + 1) / 2),
          tiles_(tiles_across_ * ((out_height + 1) / 2)) {
        for (int i = 0; i < std::max(MOST_COLUMNS * LANES, inputs); i++) {
            each_.push_back(i);
            for (int n = 1; n <= MOST_COLUMNS; n++) spaced_[n].push_back(i * n);
        }
        for (int i = 0; i < MOST_COLUMNS * LANES; i++) features_.push_back(i * features());
    }

    // Whether it is worth it.
    static bool pays(int inputs, int outputs, int out_height, int out_width) {
        const int tiles = (out_height + 1) / 2 * ((out_width + 1) / 2);
        return inputs >= FEWEST_CHANNELS && outputs >= FEWEST_CHANNELS && tiles >= 4 &&
               4 * 16 * tiles <= 3 * 9 * out_height * out_width;
    }

    // Whether to_weights() can do it.
    bool whole() const { return inputs_ % LANES == 0; }

    // In Lanes.
    int64_t scratch() const {
        const int64_t kernels = (PRODUCTS * int64_t(inputs_) * outputs_ + LANES - 1) / LANES;
        const int64_t forward = kernels + PRODUCTS * (step(inputs_) + step(OUTPUTS_AT_ONCE));
        const int64_t backward =
            kernels + PRODUCTS * (step(inputs_) + step(outputs_)) + step(inputs_);
        return std::max(forward, backward);
    }

    // y = the convolution and the bias, which may be null; or y += the convolution. Weights of
    // output o and input i are at o * w_output + i * w_input, in reverse order if `flipped`. Of all
    // outputs or, if weights, bias and y start later, some.
    void apply(const Lanes *x, const float *weight, int64_t w_output, int64_t w_input, bool flipped,
               int outputs, const float *bias, Lanes *y, bool add, Lanes *scratch) const {
        float *kernels = scratch->values();
        transform_kernels(weight, w_output, w_input, flipped, outputs, kernels);
        Lanes *blocks = scratch + (PRODUCTS * int64_t(inputs_) * outputs + LANES - 1) / LANES;
        Lanes *products = blocks + PRODUCTS * step(inputs_);
        each_part([&](int first, int n) {
            transform_input(x, first, n, blocks);
            for (int o = 0; o < outputs; o += OUTPUTS_AT_ONCE) {
                const int count = std::min(OUTPUTS_AT_ONCE, outputs - o);
                for (int k = 0; k < PRODUCTS; k++)
                    contract(
                        {blocks + k * step(inputs_), spaced_[n].data(),
                         kernels + (int64_t(k) * outputs + o) * inputs_, each_.data(), inputs_,
                         inputs_, products + k * step(OUTPUTS_AT_ONCE), n, nullptr, false},
                        count, 1, n, 0, 0);
                transform_output(products, first, n, count, bias ? bias + o : nullptr,
                                 y + int64_t(o) * out_height_ * out_width_, add);
            }
        });
    }

    // dw = or += the gradient with respect to the weights, rows of outputs dw_step apart.
    void to_weights(const Lanes *x, const Lanes *dy, int outputs, float *dw, int64_t dw_step,
                    bool add, Lanes *scratch) const {
        Lanes *sums = scratch;  // PRODUCTS x outputs x features
        Lanes *blocks = sums + PRODUCTS * int64_t(outputs) * features();
        Lanes *gradients = blocks + PRODUCTS * step(inputs_);
        Lanes *transposed = gradients + PRODUCTS * step(outputs);
        each_part([&](int first, int n) {
            transform_input(x, first, n, blocks);
            transform_gradients(dy, outputs, first, n, gradients);
            for (int k = 0; k < PRODUCTS; k++) {
                const Lanes *block = blocks + k * step(inputs_);
                for (int t = 0; t < n; t++)
                    for (int i = 0; i < inputs_; i += LANES)
                        transpose(block[i * n + t].values(), n * LANES,
                                  transposed[t * LANES * features()].values() + i, inputs_);
                contract(
                    {transposed, features_.data(), gradients[k * step(outputs)].values(),
                     each_.data(), int64_t(n) * LANES, n * LANES,
                     sums + int64_t(k) * outputs * features(), features(), nullptr, first > 0},
                    outputs, 1, features(), 0, 0);
            }
        });
        transform_sums(sums->values(), outputs, dw, dw_step, add);
    }

   private:
    static constexpr int PRODUCTS = 16, FEWEST_CHANNELS = 32, OUTPUTS_AT_ONCE = 32;

    template <class Value>
    using Four = std::array<Value, 4>;

    // The transforms along one dimension.
    template <class Value>
    static Four<Value> of_input(const Four<Value> &x) {
        return {x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]};
    }
    template <class Value>
    static Four<Value> of_kernel(const Value &a, const Value &b, const Value &c) {
        const Value outer = (a + c) * 0.5f, middle = b * 0.5f;
        return {a, outer + middle, outer - middle, c};
    }
    template <class Value>
    static std::array<Value, 3> to_kernel(const Four<Value> &u) {
        const Value sum = (u[1] + u[2]) * 0.5f, difference = (u[1] - u[2]) * 0.5f;
        return {u[0] + sum, difference, u[3] + sum};
    }
    template <class Value>
    static std::array<Value, 2> to_output(const Four<Value> &m) {
        return {m[0] + m[1] + m[2], m[1] - m[2] - m[3]};
    }
    template <class Value>
    static Four<Value> of_gradient(const Value &a, const Value &b) {
        return {a, a + b, a - b, -b};
    }

    int features() const { return inputs_ / LANES; }

    // From one product's values to the next's, for some channels and a part of the tiles; odd, so
    // that they do not compete for the same places of a cache.
    static int64_t step(int channels) { return int64_t(channels) * MOST_COLUMNS + 1; }

    template <class Body>
    void each_part(const Body &body) const {
        const int parts = parts_of(tiles_, MOST_COLUMNS);
        for (int part = 0; part < parts; part++) {
            const int first = part_begin(tiles_, parts, part);
            body(first, part_begin(tiles_, parts, part + 1) - first);
        }
    }

    void transform_kernels(const float *weight, int64_t w_output, int64_t w_input, bool flipped,
                           int outputs, float *kernels) const {
        for (int o = 0; o < outputs; o++)
            for (int first = 0; first < inputs_; first += LANES) {
                const int count = std::min(LANES, inputs_ - first);
                float given[9][LANES] = {}, made[PRODUCTS][LANES];
                for (int i = 0; i < count; i++) {
                    const float *from = weight + o * w_output + (first + i) * w_input;
                    for (int j = 0; j < 9; j++) given[j][i] = from[flipped ? 8 - j : j];
                }
                for (int i = 0; i < LANES; i++) {
                    Four<float> columns[3];
                    for (int j = 0; j < 3; j++)
                        columns[j] = of_kernel(given[j][i], given[3 + j][i], given[6 + j][i]);
                    for (int j = 0; j < 4; j++) {
                        const Four<float> row =
                            of_kernel(columns[0][j], columns[1][j], columns[2][j]);
                        for (int k = 0; k < 4; k++) made[4 * j + k][i] = row[k];
                    }
                }
                for (int k = 0; k < PRODUCTS; k++)
                    std::copy_n(made[k], count,
                                kernels + (int64_t(k) * outputs + o) * inputs_ + first);
            }
    }

    void transform_input(const Lanes *x, int first, int n, Lanes *blocks) const {
        for (int i = 0; i < inputs_; i++, x += int64_t(height_) * width_)
            for (int t = 0; t < n; t++) {
                const int row = (first + t) / tiles_across_ * 2 - top_;
                const int column = (first + t) % tiles_across_ * 2 - left_;
                const Lanes *at = x + int64_t(row) * width_ + column;
                const bool inside =
                    row >= 0 && row + 4 <= height_ && column >= 0 && column + 4 <= width_;
                for (int p = 0; p < PARTS; p++) {
                    Four<Part> rows[4];
                    for (int c = 0; c < 4; c++) {
                        Four<Part> values{};
                        for (int r = 0; r < 4; r++)
                            if (inside || (row + r >= 0 && row + r < height_ && column + c >= 0 &&
                                           column + c < width_))
                                values[r] = at[r * width_ + c].part[p];
                        values = of_input(values);
                        for (int r = 0; r < 4; r++) rows[r][c] = values[r];
                    }
                    for (int r = 0; r < 4; r++) {
                        const Four<Part> made = of_input(rows[r]);
                        for (int c = 0; c < 4; c++)
                            blocks[(4 * r + c) * step(inputs_) + i * n + t].part[p] = made[c];
                    }
                }
            }
    }

    void transform_output(const Lanes *products, int first, int n, int count, const float *bias,
                          Lanes *y, bool add) const {
        for (int o = 0; o < count; o++, y += int64_t(out_height_) * out_width_)
            for (int t = 0; t < n; t++) {
                const int row = (first + t) / tiles_across_ * 2;
                const int column = (first + t) % tiles_across_ * 2;
                for (int p = 0; p < PARTS; p++) {
                    Four<Part> rows[2];
                    for (int c = 0; c < 4; c++) {
                        Four<Part> values;
                        for (int r = 0; r < 4; r++)
                            values[r] =
                                products[(4 * r + c) * step(OUTPUTS_AT_ONCE) + o * n + t].part[p];
                        const auto made = to_output(values);
                        rows[0][c] = made[0], rows[1][c] = made[1];
                    }
                    for (int r = 0; r < std::min(2, out_height_ - row); r++) {
                        const auto made = to_output(rows[r]);
                        for (int c = 0; c < std::min(2, out_width_ - column); c++) {
                            Part &to = y[(row + r) * out_width_ + column + c].part[p];
                            to = made[c] + (add ? to : splat(bias ? bias[o] : 0.0f));
                        }
                    }
                }
            }
    }

    void transform_gradients(const Lanes *dy, int outputs, int first, int n,
                             Lanes *gradients) const {
        for (int o = 0; o < outputs; o++, dy += int64_t(out_height_) * out_width_)
            for (int t = 0; t < n; t++) {
                const int row = (first + t) / tiles_across_ * 2;
                const int column = (first + t) % tiles_across_ * 2;
                const Lanes *at = dy + row * out_width_ + column;
                const bool right = column + 1 < out_width_, below = row + 1 < out_height_;
                for (int p = 0; p < PARTS; p++) {
                    const Part zero{};
                    const auto left =
                        of_gradient(at[0].part[p], below ? at[out_width_].part[p] : zero);
                    const auto next =
                        of_gradient(right ? at[1].part[p] : zero,
                                    right && below ? at[out_width_ + 1].part[p] : zero);
                    for (int r = 0; r < 4; r++) {
                        const Four<Part> made = of_gradient(left[r], next[r]);
                        for (int c = 0; c < 4; c++)
                            gradients[(4 * r + c) * step(outputs) + o * n + t].part[p] = made[c];
                    }
                }
            }
    }

    void transform_sums(const float *sums, int outputs, float *dw, int64_t dw_step,
                        bool add) const {
        for (int o = 0; o < outputs; o++)
            for (int i = 0; i < inputs_; i++) {
                std::array<float, 3> rows[4];
                for (int r = 0; r < 4; r++) {
                    Four<float> values;
                    for (int c = 0; c < 4; c++)
                        values[c] = sums[(int64_t(4 * r + c) * outputs + o) * inputs_ + i];
                    rows[r] = to_kernel(values);
                }
                float *to = dw + o * dw_step + i * 9;
                for (int c = 0; c < 3; c++) {
                    const auto made =
                        to_kernel(Four<float>{rows[0][c], rows[1][c], rows[2][c], rows[3][c]});
                    for (int r = 0; r < 3; r++)
                        to[3 * r + c] = made[r] + (add ? to[3 * r + c] : 0.0f);
                }
            }
    }

    int inputs_, outputs_, height_, width_, top_, left_, out_height_, out_width_;
    int tiles_across_, tiles_;
    std::vector<int32_t> each_, features_, spaced_[MOST_COLUMNS + 1];
};
