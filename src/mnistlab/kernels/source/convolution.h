// Convolution, and linear layers, which are convolutions whose kernel covers the whole image.
#pragma once

#include <optional>

#include "correlate.h"
#include "crew.h"
#include "sampling.h"
#include "scatter.h"
#include "transpose.h"
#include "winograd.h"

struct ConvolutionShape {
    int in_channels, in_height, in_width, out_channels;
    int kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
    int top, left, bottom, right;  // padding; negative at the bottom or right: cropped
    int groups;
};

class Convolution {
   public:
    explicit Convolution(const ConvolutionShape &shape)
        : groups_(shape.groups),
          in_channels_(shape.in_channels / shape.groups),
          out_channels_(shape.out_channels / shape.groups),
          rows_{shape.in_height,       shape.kernel_height, shape.stride_height,
                shape.dilation_height, shape.top,           shape.bottom},
          columns_{shape.in_width,       shape.kernel_width, shape.stride_width,
                   shape.dilation_width, shape.left,         shape.right} {
        if (groups_ == 1 && covers(rows_) && covers(columns_)) {
            in_channels_ *= rows_.size * columns_.size;
            rows_ = columns_ = {1, 1, 1, 1, 0, 0};
            linear_ = true;
        }
        input_rows_ = rows_.sampled(), input_columns_ = columns_.sampled();
        gradient_rows_ = rows_.spread(), gradient_columns_ = columns_.spread();
        tabulate();
        if (small_kernel(rows_) && small_kernel(columns_)) prepare_winograd();
    }

    bool linear() const { return linear_; }
    int out_height() const { return rows_.out(); }
    int out_width() const { return columns_.out(); }
    int taps() const { return static_cast<int>(taps_x_.size()); }  // of one output
    // Floats from one row of weight gradients to the next.
    int64_t gradient_step() const { return linear() ? features() * LANES : taps(); }
    int64_t scratch() const {
        if (linear()) return LANES * features();
        return std::max({sampled_size() + held_size(), spread_size(),
                         forward_ ? forward_->scratch() : 0, backward_ ? backward_->scratch() : 0});
    }

    // Each of the following computes the crew's share of the output channels, or of the input
    // channels.
    void forward(const Lanes *x, const float *weight, const float *bias, Lanes *y, Lanes *scratch,
                 const Crew &crew) const {
        each_group(crew, out_channels_, [&](int g, int64_t first, int count) {
            if (forward_) {
                forward_->apply(x + g * in_size(), weight + first * taps(), taps(), 9, false,
                                count, bias ? bias + first : nullptr, y + first * positions(),
                                false, scratch);
                return;
            }
            contract({sampled(x + g * in_size(), scratch), taps_x_.data(), weight + first * taps(),
                      taps_w_.data(), taps(), taps(), y + first * positions(), positions(),
                      bias ? bias + first : nullptr, false},
                     count, out_height(), out_width(), input_columns_.total(), out_width(),
                     channels_at_once(in_channels_) * kernel_size());
        });
    }

    // dx = or += the gradient with respect to x.
    void to_input(const Lanes *dy, const float *weight, Lanes *dx, Lanes *scratch, bool add,
                  const Crew &crew) const {
        each_group(crew, in_channels_, [&](int g, int64_t first, int count) {
            group_to_input(dy + g * out_channels_ * positions(),
                           weight + g * out_channels_ * int64_t(taps()) +
                               (first - g * in_channels_) * kernel_size(),
                           dx + first * rows_.size * columns_.size, scratch, add, count);
        });
    }

    // dw = or += the gradient with respect to the weights, rows gradient_step() apart; likewise db.
    void to_weights(const Lanes *x, const Lanes *dy, float *dw, bool add, float *db, bool add_bias,
                    Lanes *scratch, const Crew &crew) const {
        if (dw)
            each_group(crew, out_channels_, [&](int g, int64_t first, int count) {
                const Lanes *const from = dy + first * positions();
                if (linear())
                    return contract({transposed(x, scratch), images_x_.data(), from->values(),
                                     images_w_.data(), LANES, LANES,
                                     reinterpret_cast<Lanes *>(dw) + first * features(),
                                     features(), nullptr, add},
                                    count, 1, static_cast<int>(features()), 0, 0);
                if (forward_ && forward_->whole())
                    return forward_->to_weights(x + g * in_size(), from, count, dw + first * taps(),
                                                taps(), add, scratch);
                correlate({sampled(x + g * in_size(), scratch), taps_x_.data(),
                           input_columns_.total(), from, positions(), out_height(), out_width(),
                           dw + first * taps(), taps(), add},
                          count, taps(), reinterpret_cast<Part *>(scratch + sampled_size()));
            });
        if (db) sum_positions(dy, groups_ * out_channels_, positions(), db, add_bias, crew);
    }

    // sums = or += the sum over positions and images of each channel.
    static void sum_positions(const Lanes *x, int channels, int64_t positions, float *sums,
                              bool add, const Crew &crew) {
        const Share mine = crew.share(channels);
        for (int64_t c = mine.begin; c < mine.end; c++) {
            Part sum{};
            for (int64_t position = c * positions; position < (c + 1) * positions; position++)
                for (int p = 0; p < PARTS; p++) sum += x[position].part[p];
            sums[c] = (add ? sums[c] : 0.0f) + total(sum);
        }
    }

   private:
    // Calls body(group, its first channel in the crew's share, how many), if there are any.
    template <class Body>
    void each_group(const Crew &crew, int channels, const Body &body) const {
        const Share mine = crew.share(int64_t(groups_) * channels);
        for (int g = 0; g < groups_; g++) {
            const int64_t first = std::max<int64_t>(mine.begin, int64_t(g) * channels);
            const int64_t count = std::min(mine.end, int64_t(g + 1) * channels) - first;
            if (count > 0) body(g, first, static_cast<int>(count));
        }
    }

    // The contraction that gives one phase of the input's gradient.
    struct Phase {
        int rows, columns;
        int64_t x_start, y_start;
        std::vector<int32_t> x_at, w_at;
    };

    static bool covers(const Axis &axis) {
        return axis.kernel == axis.size && axis.out() == 1 && !axis.before && !axis.after;
    }

    static bool small_kernel(const Axis &axis) {
        return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.before <= 2;
    }

    void prepare_winograd() {
        if (Winograd::pays(in_channels_, out_channels_, out_height(), out_width()))
            forward_.emplace(in_channels_, out_channels_, rows_.size, columns_.size, rows_.before,
                             columns_.before, out_height(), out_width());
        if (Winograd::pays(out_channels_, in_channels_, rows_.size, columns_.size))
            backward_.emplace(out_channels_, in_channels_, out_height(), out_width(),
                              2 - rows_.before, 2 - columns_.before, rows_.size, columns_.size);
    }

    int kernel_size() const { return rows_.kernel * columns_.kernel; }
    int64_t positions() const { return int64_t(out_height()) * out_width(); }
    // Of one group, in Lanes.
    int64_t in_size() const { return int64_t(in_channels_) * rows_.size * columns_.size; }
    int64_t sampled_size() const {
        return int64_t(in_channels_) * input_rows_.total() * input_columns_.total();
    }
    int64_t spread_size() const {
        return int64_t(out_channels_) * gradient_rows_.total() * gradient_columns_.total();
    }
    // Sums of weight gradients in the making.
    int64_t held_size() const {
        return (correlate_held(out_channels_, taps()) + PARTS - 1) / PARTS;
    }
    // Features in groups of LANES, as a transposed input holds them.
    int64_t features() const { return (in_channels_ + LANES - 1) / LANES; }

    // As many as a block's rows fit into the first-level cache.
    int channels_at_once(int channels) const {
        const int columns = std::min(MOST_COLUMNS, columns_.out());
        const int lines = rows_.kernel * (columns + columns_.kernel - 1);
        return std::clamp(CACHED_LANES / lines, 1, channels);
    }

    bool scattered() const {
        const int k = columns_.kernel;
        const auto plain = [](const Axis &axis) {
            return axis.stride == 1 && axis.dilation == 1 && !axis.before && !axis.after;
        };
        return plain(rows_) && plain(columns_) && rows_.kernel == k && (k == 3 || k == 5 || k == 7);
    }

    // Of `inputs` channels, from the one of which weight and dx are.
    void group_to_input(const Lanes *dy, const float *weight, Lanes *dx, Lanes *scratch, bool add,
                        int inputs) const {
        if (backward_)
            return backward_->apply(dy, weight, 9, taps(), true, inputs, nullptr, dx, add, scratch);
        if (!add && scattered()) {
            const auto apply = [&](auto function) {
                function(dy, out_channels_, out_height(), out_width(), weight, taps(), dx, inputs);
            };
            return apply(columns_.kernel == 3   ? scatter<3>
                         : columns_.kernel == 5 ? scatter<5>
                                                : scatter<7>);
        }
        const Lanes *from = spread(dy, scratch);
        const int64_t positions = int64_t(rows_.size) * columns_.size;
        for (const Phase &phase : phases_)
            contract({from + phase.x_start, phase.x_at.data(), weight, phase.w_at.data(),
                      kernel_size(), static_cast<int>(phase.x_at.size()), dx + phase.y_start,
                      positions, nullptr, add, columns_.stride},
                     inputs, phase.rows, phase.columns, gradient_columns_.total(),
                     int64_t(rows_.stride) * columns_.size,
                     channels_at_once(out_channels_) *
                         std::max<int>(1, static_cast<int>(phase.x_at.size()) / out_channels_));
    }

    void tabulate() {
        const int row = input_columns_.total(), channel = input_rows_.total() * row;
        for (int i = 0; i < in_channels_; i++)
            for (int y = 0; y < rows_.kernel; y++)
                for (int x = 0; x < columns_.kernel; x++) {
                    taps_w_.push_back(static_cast<int32_t>(taps_x_.size()));
                    taps_x_.push_back(i * channel + rows_.at(y) * row + columns_.at(x));
                }
        for (const GradientPhase &rows : rows_.phases())
            for (const GradientPhase &columns : columns_.phases())
                phases_.push_back(phase(rows, columns));
        if (!linear()) return;
        for (int image = 0; image < LANES; image++) {
            images_x_.push_back(static_cast<int32_t>(image * features()));
            images_w_.push_back(image);
        }
    }

    Phase phase(const GradientPhase &rows, const GradientPhase &columns) const {
        const int row = gradient_columns_.total(), channel = gradient_rows_.total() * row;
        Phase made{rows.count,
                   columns.count,
                   int64_t(rows.start) * row + columns.start,
                   int64_t(rows.first) * columns_.size + columns.first,
                   {},
                   {}};
        for (int o = 0; o < out_channels_; o++)
            for (size_t y = 0; y < rows.taps.size(); y++)
                for (size_t x = 0; x < columns.taps.size(); x++) {
                    made.x_at.push_back(o * channel + rows.at[y] * row + columns.at[x]);
                    made.w_at.push_back(o * taps() + rows.taps[y] * columns_.kernel +
                                        columns.taps[x]);
                }
        return made;
    }

    const Lanes *sampled(const Lanes *x, Lanes *scratch) const {
        if (input_rows_.whole() && input_columns_.whole()) return x;
        copy_sampled(x, in_channels_, input_rows_, input_columns_, scratch);
        return scratch;
    }

    const Lanes *spread(const Lanes *dy, Lanes *scratch) const {
        if (gradient_rows_.whole() && gradient_columns_.whole()) return dy;
        copy_sampled(dy, out_channels_, gradient_rows_, gradient_columns_, scratch);
        return scratch;
    }

    const Lanes *transposed(const Lanes *x, Lanes *scratch) const {
        float *to = scratch->values();
        const int64_t step = features() * LANES;
        const int64_t whole = in_channels_ / LANES * LANES;
        for (int64_t i = 0; i < whole; i += LANES) transpose(x[i].values(), LANES, to + i, step);
        for (int64_t i = whole; i < step; i++)
            for (int image = 0; image < LANES; image++)
                to[image * step + i] = i < in_channels_ ? x[i].values()[image] : 0.0f;
        return scratch;
    }

    int groups_, in_channels_, out_channels_;  // channels of one group
    Axis rows_, columns_;
    bool linear_ = false;
    Sampling input_rows_, input_columns_, gradient_rows_, gradient_columns_;
    std::vector<int32_t> taps_x_, taps_w_, images_x_, images_w_;
    std::vector<Phase> phases_;
    std::optional<Winograd> forward_, backward_;
};
