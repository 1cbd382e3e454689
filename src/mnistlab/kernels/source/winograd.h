// Winograd: 3x3 convolutions by minimal filtering F(2x2, 3x3) (Lavin and Gray, 2016).
//
// Four outputs take 16 products of a channel in place of 36: of a 4x4 patch of the input and of the
// kernel, each transformed. The products are 16 contractions over channels. Gradients take the
// transposed transforms, so that all passes have the same patches, and the kernels are transformed
// once for all of them.
#pragma once

#include <array>
#include <vector>

#include "contract.h"
#include "crew.h"
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
          across_((out_width + 1) / 2),
          down_((out_height + 1) / 2),
          wide_inputs_(padded(inputs) * outputs < inputs * padded(outputs)) {
        for (int i = 0; i < std::max({MOST_TILES * LANES, inputs, outputs}); i++) {
            each_.push_back(i);
            by_input_.push_back(i * inputs);
            by_group_.push_back(i * groups());
            for (int n = 1; n <= TILES; n++) spaced_[n].push_back(i * n);
        }
    }

    // Whether it is worth it.
    static bool pays(int inputs, int outputs, int out_height, int out_width) {
        const int tiles = (out_height + 1) / 2 * ((out_width + 1) / 2);
        const double products = double(inputs) * outputs;
        return tiles * (PRODUCTS * products + TRANSFORM * (inputs + outputs)) <
               DIRECT * 9 * out_height * out_width * products;
    }

    int narrow() const { return wide_inputs_ ? outputs_ : inputs_; }

    // Sizes in Lanes: of the transformed kernels, and of scratch memory.
    int64_t kernels() const { return (PRODUCTS * int64_t(inputs_) * outputs_ + LANES - 1) / LANES; }
    int64_t scratch() const {
        const int64_t apply = PRODUCTS * (step(std::max(inputs_, outputs_)) + step(AT_ONCE));
        const int64_t weights =
            PRODUCTS * (narrow_step() + wide_step() + int64_t(narrow()) * groups());
        return std::max(apply, weights + band());
    }

    // weight: outputs x inputs x 3 x 3; kernels: 16 x outputs x inputs.
    void transform_kernels(const float *weight, float *kernels) const {
        const int64_t count = int64_t(outputs_) * inputs_;
        for (int64_t first = 0; first < count; first += LANES) {
            const int here = static_cast<int>(std::min<int64_t>(LANES, count - first));
            float given[9][LANES] = {}, made[PRODUCTS][LANES];
            for (int i = 0; i < here; i++)
                for (int j = 0; j < 9; j++) given[j][i] = weight[(first + i) * 9 + j];
            for (int i = 0; i < LANES; i++) {
                Four<float> columns[3];
                for (int j = 0; j < 3; j++)
                    columns[j] = of_kernel(given[j][i], given[3 + j][i], given[6 + j][i]);
                for (int j = 0; j < 4; j++) {
                    const auto row = of_kernel(columns[0][j], columns[1][j], columns[2][j]);
                    for (int k = 0; k < 4; k++) made[4 * j + k][i] = row[k];
                }
            }
            for (int k = 0; k < PRODUCTS; k++)
                std::copy_n(made[k], here, kernels + k * count + first);
        }
    }

    // y = the convolution and the bias, which may be null; of a share of the outputs.
    void forward(const Lanes *x, const float *kernels, const float *bias, Lanes *y, Lanes *scratch,
                 const Share &mine) const {
        Lanes *const patches = scratch, *const products = patches + PRODUCTS * step(inputs_);
        each_part([&](int first, int n) {
            transform_input(x, inputs_, first, n, patches, step(inputs_));
            for (int64_t o = mine.begin; o < mine.end; o += AT_ONCE) {
                const int count = static_cast<int>(std::min<int64_t>(AT_ONCE, mine.end - o));
                for (int k = 0; k < PRODUCTS; k++)
                    contract({patches + k * step(inputs_), spaced_[n].data(),
                              kernels + (k * outputs_ + o) * inputs_, each_.data(), inputs_,
                              inputs_, products + k * step(AT_ONCE), n, nullptr, false},
                             count, 1, n, 0, 0);
                store_output(products, first, n, count, bias ? bias + o : nullptr,
                             y + o * out_height_ * out_width_);
            }
        });
    }

    // dx = or += the gradient with respect to x; of a share of the inputs.
    void to_input(const Lanes *dy, const float *kernels, Lanes *dx, bool add, Lanes *scratch,
                  const Share &mine) const {
        const int64_t plane = int64_t(height_) * width_;
        Lanes *const gradients = scratch, *const products = gradients + PRODUCTS * step(outputs_);
        if (!add) std::fill(dx + mine.begin * plane, dx + mine.end * plane, Lanes{});
        each_part([&](int first, int n) {
            transform_gradients(dy, outputs_, first, n, gradients, step(outputs_));
            for (int64_t i = mine.begin; i < mine.end; i += AT_ONCE) {
                const int count = static_cast<int>(std::min<int64_t>(AT_ONCE, mine.end - i));
                for (int k = 0; k < PRODUCTS; k++)
                    contract({gradients + k * step(outputs_), spaced_[n].data(),
                              kernels + int64_t(k) * outputs_ * inputs_ + i, by_input_.data(), 1,
                              outputs_, products + k * step(AT_ONCE), n, nullptr, false},
                             count, 1, n, 0, 0);
                add_to_input(products, first, n, count, dx + i * plane);
            }
        });
    }

    // dw = or += the gradient with respect to the weights, rows of outputs dw_step apart.
    //
    // Of inputs or outputs those that fill Lanes better lie side by side there (the wide ones), so
    // that no sum runs across lanes; of a share of the others (the narrow ones).
    void to_weights(const Lanes *x, const Lanes *dy, float *dw, int64_t dw_step, bool add,
                    Lanes *scratch, const Share &mine) const {
        const int own = static_cast<int>(mine.size());
        const Lanes *const own_x = x + mine.begin * height_ * width_, *const own_dy =
                                                                          dy + mine.begin *
                                                                                   out_height_ *
                                                                                   out_width_;
        Lanes *const sums = scratch;  // PRODUCTS x narrow x groups
        Lanes *const wide = sums + PRODUCTS * int64_t(narrow()) * groups();
        Lanes *const scalars = wide + PRODUCTS * wide_step();
        Lanes *const transposed = scalars + PRODUCTS * narrow_step();
        // A part is some rows, or a piece of one.
        const int rows = std::max(1, MOST_TILES / across_), pieces = parts_of(across_, MOST_TILES);
        for (int row = 0; row < down_; row += rows)
            for (int piece = 0; piece < pieces; piece++) {
                const int column = part_begin(across_, pieces, piece);
                const int columns = part_begin(across_, pieces, piece + 1) - column;
                const int n = columns * std::min(rows, down_ - row), first = row * across_ + column;
                for (int t = 0; t < n; t += columns) {
                    const int from = row + t / columns;
                    Lanes *const to = wide + int64_t(t) * LANES * groups();
                    if (wide_inputs_)
                        transform_wide<4>(x, height_, width_, 2 * from - top_, 2 * column - left_,
                                          columns, transposed, to);
                    else
                        transform_wide<2>(dy, out_height_, out_width_, 2 * from, 2 * column,
                                          columns, transposed, to);
                }
                if (wide_inputs_)
                    transform_gradients(own_dy, own, first, n, scalars, narrow_step());
                else transform_input(own_x, own, first, n, scalars, narrow_step());
                for (int k = 0; k < PRODUCTS; k++)
                    contract({wide + k * wide_step(), by_group_.data(),
                              scalars[k * narrow_step()].values(), each_.data(), int64_t(n) * LANES,
                              n * LANES, sums + k * narrow() * groups(), groups(), nullptr, false,
                              1, first > 0},
                             own, 1, groups(), 0, 0, n * LANES);
            }
        transform_sums(sums, own, dw + mine.begin * (wide_inputs_ ? dw_step : 9), dw_step, add);
    }

   private:
    static constexpr int PRODUCTS = 16;
    static constexpr int AT_ONCE = 32;  // channels of a result
    // Tiles in a part: of sums over channels, and of sums over tiles. The same on every processor.
    static constexpr int TILES = 6, MOST_TILES = 10;
    // Measured: a channel's transforms in products, and how well a direct convolution does.
    static constexpr double TRANSFORM = 150, DIRECT = 0.85;

    template <class Value>
    using Four = std::array<Value, 4>;

    // The transforms along one dimension, and those transposed.
    template <class Value>
    static Four<Value> of_input(const Four<Value> &x) {
        return {x[0] - x[2], x[1] + x[2], x[2] - x[1], x[1] - x[3]};
    }
    template <class Value>
    static Four<Value> to_input(const Four<Value> &m) {
        const Value difference = m[1] - m[2], sum = m[1] + m[2];
        return {m[0], difference + m[3], sum - m[0], -m[3]};
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

    static int padded(int channels) { return (channels + LANES - 1) / LANES * LANES; }
    int tiles() const { return across_ * down_; }
    int wide() const { return wide_inputs_ ? inputs_ : outputs_; }
    int groups() const { return padded(wide()) / LANES; }

    // From one product's values to the next's, for some channels and a part of the tiles; odd, so
    // that they do not compete for the same places of a cache.
    static int64_t step(int channels) { return int64_t(channels) * TILES + 1; }
    int64_t narrow_step() const { return int64_t(narrow()) * MOST_TILES + 1; }
    int64_t wide_step() const { return int64_t(MOST_TILES) * LANES * groups() + 1; }
    // A row of tiles, transposed.
    int64_t band() const { return int64_t(4) * (2 * MOST_TILES + 2) * LANES * groups(); }

    template <class Body>
    void each_part(const Body &body) const {
        const int parts = parts_of(tiles(), TILES);
        for (int part = 0; part < parts; part++) {
            const int first = part_begin(tiles(), parts, part);
            body(first, part_begin(tiles(), parts, part + 1) - first);
        }
    }

    // Of values(row, column), as 16 products.
    template <class Values, class Store>
    static void transform_patch(const Values &values, const Store &store) {
        Four<Part> rows[4];
        for (int c = 0; c < 4; c++) {
            const auto made =
                of_input(Four<Part>{values(0, c), values(1, c), values(2, c), values(3, c)});
            for (int r = 0; r < 4; r++) rows[r][c] = made[r];
        }
        for (int r = 0; r < 4; r++) {
            const auto made = of_input(rows[r]);
            for (int c = 0; c < 4; c++) store(4 * r + c, made[c]);
        }
    }

    template <class Store>
    static void transform_gradient(Part a, Part b, Part c, Part d, const Store &store) {
        const auto left = of_gradient(a, c), right = of_gradient(b, d);
        for (int r = 0; r < 4; r++) {
            const auto made = of_gradient(left[r], right[r]);
            for (int column = 0; column < 4; column++) store(4 * r + column, made[column]);
        }
    }

    void transform_input(const Lanes *x, int channels, int first, int n, Lanes *patches,
                         int64_t product) const {
        for (int t = 0; t < n; t++) {
            const int row = (first + t) / across_ * 2 - top_;
            const int column = (first + t) % across_ * 2 - left_;
            const bool inside =
                row >= 0 && row + 4 <= height_ && column >= 0 && column + 4 <= width_;
            const Lanes *at = x + int64_t(row) * width_ + column;
            Lanes *to = patches + t;
            for (int i = 0; i < channels; i++, at += int64_t(height_) * width_, to += n)
                for (int p = 0; p < PARTS; p++) {
                    const auto store = [&](int k, Part value) { to[k * product].part[p] = value; };
                    if (inside)
                        transform_patch([&](int r, int c) { return at[r * width_ + c].part[p]; },
                                        store);
                    else
                        transform_patch(
                            [&](int r, int c) {
                                return row + r >= 0 && row + r < height_ && column + c >= 0 &&
                                               column + c < width_
                                           ? at[r * width_ + c].part[p]
                                           : Part{};
                            },
                            store);
                }
        }
    }

    void transform_gradients(const Lanes *dy, int channels, int first, int n, Lanes *gradients,
                             int64_t product) const {
        for (int t = 0; t < n; t++) {
            const int row = (first + t) / across_ * 2, column = (first + t) % across_ * 2;
            const bool right = column + 1 < out_width_, below = row + 1 < out_height_;
            const Lanes *at = dy + row * out_width_ + column;
            Lanes *to = gradients + t;
            for (int o = 0; o < channels; o++, at += int64_t(out_height_) * out_width_, to += n)
                for (int p = 0; p < PARTS; p++)
                    transform_gradient(at[0].part[p], right ? at[1].part[p] : Part{},
                                       below ? at[out_width_].part[p] : Part{},
                                       right && below ? at[out_width_ + 1].part[p] : Part{},
                                       [&](int k, Part value) { to[k * product].part[p] = value; });
        }
    }

    void store_output(const Lanes *products, int first, int n, int count, const float *bias,
                      Lanes *y) const {
        for (int o = 0; o < count; o++, y += int64_t(out_height_) * out_width_)
            for (int t = 0; t < n; t++) {
                const int row = (first + t) / across_ * 2, column = (first + t) % across_ * 2;
                Lanes *const to = y + row * out_width_ + column;
                const bool right = column + 1 < out_width_, below = row + 1 < out_height_;
                const Part start = splat(bias ? bias[o] : 0.0f);
                for (int p = 0; p < PARTS; p++) {
                    Four<Part> rows[2];
                    for (int c = 0; c < 4; c++) {
                        Four<Part> values;
                        for (int r = 0; r < 4; r++)
                            values[r] = products[(4 * r + c) * step(AT_ONCE) + o * n + t].part[p];
                        const auto made = to_output(values);
                        rows[0][c] = made[0], rows[1][c] = made[1];
                    }
                    const auto upper = to_output(rows[0]), lower = to_output(rows[1]);
                    to[0].part[p] = upper[0] + start;
                    if (right) to[1].part[p] = upper[1] + start;
                    if (below) to[out_width_].part[p] = lower[0] + start;
                    if (right && below) to[out_width_ + 1].part[p] = lower[1] + start;
                }
            }
    }

    void add_to_input(const Lanes *products, int first, int n, int count, Lanes *dx) const {
        for (int i = 0; i < count; i++, dx += int64_t(height_) * width_)
            for (int t = 0; t < n; t++) {
                const int row = (first + t) / across_ * 2 - top_;
                const int column = (first + t) % across_ * 2 - left_;
                const bool inside =
                    row >= 0 && row + 4 <= height_ && column >= 0 && column + 4 <= width_;
                Lanes *const to = dx + int64_t(row) * width_ + column;
                for (int p = 0; p < PARTS; p++) {
                    Four<Part> rows[4];
                    for (int c = 0; c < 4; c++) {
                        Four<Part> values;
                        for (int r = 0; r < 4; r++)
                            values[r] = products[(4 * r + c) * step(AT_ONCE) + i * n + t].part[p];
                        const auto made = to_input(values);
                        for (int r = 0; r < 4; r++) rows[r][c] = made[r];
                    }
                    for (int r = 0; r < 4; r++) {
                        const auto made = to_input(rows[r]);
                        for (int c = 0; c < 4; c++)
                            if (inside || (row + r >= 0 && row + r < height_ && column + c >= 0 &&
                                           column + c < width_))
                                to[r * width_ + c].part[p] += made[c];
                    }
                }
            }
    }

    // Transposes the patches of n tiles in a row, of SIZE x SIZE values each, two apart, and
    // transforms them: per product, tile and image, the groups of channels.
    template <int SIZE>
    void transform_wide(const Lanes *from, int height, int width, int row, int column, int n,
                        Lanes *transposed, Lanes *to) const {
        const int columns = 2 * n + SIZE - 2;
        const int64_t place = int64_t(LANES) * groups();  // Lanes of one position
        for (int r = 0; r < SIZE; r++)
            for (int c = 0; c < columns; c++)
                transpose_channels(from, int64_t(height) * width, row + r, column + c, height,
                                   width, transposed + (r * columns + c) * place);
        for (int t = 0; t < n; t++)
            for (int64_t i = 0; i < place; i++)
                for (int p = 0; p < PARTS; p++) {
                    const auto value = [&](int r, int c) {
                        return transposed[(r * columns + 2 * t + c) * place + i].part[p];
                    };
                    const auto store = [&](int k, Part made) {
                        to[k * wide_step() + t * place + i].part[p] = made;
                    };
                    if constexpr (SIZE == 4) transform_patch(value, store);
                    else
                        transform_gradient(value(0, 0), value(0, 1), value(1, 0), value(1, 1),
                                           store);
                }
    }

    // The channels of each image side by side, at one position; zeros where there are none.
    void transpose_channels(const Lanes *from, int64_t plane, int row, int column, int height,
                            int width, Lanes *to) const {
        if (row < 0 || row >= height || column < 0 || column >= width)
            return static_cast<void>(std::fill_n(to, LANES * groups(), Lanes{}));
        const int64_t step = int64_t(groups()) * LANES;
        from += int64_t(row) * width + column;
        for (int first = 0; first < wide(); first += LANES, from += LANES * plane) {
            float *const group = to->values() + first;
            if (first + LANES <= wide()) {
                transpose(from->values(), plane * LANES, group, step);
                continue;
            }
            Lanes channels[LANES] = {};
            for (int i = 0; i < wide() - first; i++) channels[i] = from[i * plane];
            transpose(channels->values(), LANES, group, step);
        }
    }

    // Of some narrow channels.
    void transform_sums(const Lanes *sums, int channels, float *dw, int64_t dw_step,
                        bool add) const {
        const int64_t from_step = int64_t(narrow()) * groups();
        const int64_t wide_at = wide_inputs_ ? 9 : dw_step, narrow_at = wide_inputs_ ? dw_step : 9;
        for (int j = 0; j < channels; j++)
            for (int g = 0; g < groups(); g++, sums++) {
                Lanes made[LANES] = {}, rows[LANES];
                for (int p = 0; p < PARTS; p++) {
                    std::array<Part, 3> columns[4];
                    for (int r = 0; r < 4; r++) {
                        Four<Part> values;
                        for (int c = 0; c < 4; c++)
                            values[c] = sums[(4 * r + c) * from_step].part[p];
                        columns[r] = to_kernel(values);
                    }
                    for (int c = 0; c < 3; c++) {
                        const auto kernel = to_kernel(
                            Four<Part>{columns[0][c], columns[1][c], columns[2][c], columns[3][c]});
                        for (int r = 0; r < 3; r++) made[3 * r + c].part[p] = kernel[r];
                    }
                }
                transpose(made->values(), LANES, rows->values(), LANES);
                const int first = g * LANES, count = std::min(LANES, wide() - first);
                for (int i = 0; i < count; i++) {
                    float *const to = dw + (first + i) * wide_at + j * narrow_at;
                    const float *const row = rows[i].values();
                    for (int c = 0; c < 9; c++) to[c] = row[c] + (add ? to[c] : 0.0f);
                }
            }
    }

    int inputs_, outputs_, height_, width_, top_, left_, out_height_, out_width_;
    int across_, down_;  // tiles of 2x2 outputs
    bool wide_inputs_;
    std::vector<int32_t> each_, by_input_, by_group_, spaced_[TILES + 1];
};
