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
        in_place_ = rows_.mostly_inside() && columns_.mostly_inside() && columns_.stride <= 2;
        input_rows_ = rows_.sampled(), input_columns_ = columns_.sampled();
        gradient_rows_ = rows_.spread(), gradient_columns_ = columns_.spread();
        tabulate();
        if (small_kernel(rows_) && small_kernel(columns_) &&
            Winograd::pays(in_channels_, out_channels_, out_height(), out_width()))
            winograd_.emplace(in_channels_, out_channels_, rows_.size, columns_.size, rows_.before,
                              columns_.before, out_height(), out_width());
    }

    bool linear() const { return linear_; }
    int out_height() const { return rows_.out(); }
    int out_width() const { return columns_.out(); }
    int taps() const { return in_channels_ * kernel_size(); }  // of one output
    // Floats from one row of weight gradients to the next.
    int64_t gradient_step() const { return linear() ? features() * LANES : taps(); }
    int64_t scratch() const {
        if (linear()) return LANES * features();
        if (winograd_) return winograd_->scratch();
        return std::max((in_place_ ? 0 : sampled_size()) + sums_size(),
                        gradient_in_place() ? 0 : spread_size());
    }
    // Of what prepare() makes of the weights, for all passes of a batch.
    int64_t prepared() const { return winograd_ ? groups_ * winograd_->kernels() : 0; }

    void prepare(const float *weight, Lanes *prepared) const {
        for (int g = 0; winograd_ && g < groups_; g++)
            winograd_->transform_kernels(weight + int64_t(g) * out_channels_ * taps(),
                                         prepared[g * winograd_->kernels()].values());
    }

    // A crew shares the output channels.
    void forward(const Lanes *x, const float *weight, const Lanes *prepared, const float *bias,
                 Lanes *y, Lanes *scratch, const Crew &crew) const {
        each_group(crew, out_channels_, [&](int g, const Share &mine) {
            const int64_t group = int64_t(g) * out_channels_, first = group + mine.begin;
            if (winograd_)
                return winograd_->forward(x + g * in_size(), kernels(prepared, g),
                                          bias ? bias + group : nullptr, y + group * positions(),
                                          scratch, mine);
            const Lanes *const from = sampled(x + g * in_size(), scratch);
            for (const Region &region : forward_)
                run(region, from, weight + first * taps(), taps(), bias ? bias + first : nullptr,
                    y + first * positions(), static_cast<int>(mine.size()), in_channels_, false);
        });
    }

    // dx = or += the gradient with respect to x. A crew shares the input channels.
    void to_input(const Lanes *dy, const float *weight, const Lanes *prepared, Lanes *dx,
                  Lanes *scratch, bool add, const Crew &crew) const {
        each_group(crew, in_channels_, [&](int g, const Share &mine) {
            const int64_t group = int64_t(g) * out_channels_;
            const Lanes *const from = dy + group * positions();
            Lanes *const to = dx + g * in_size();
            if (winograd_)
                return winograd_->to_input(from, kernels(prepared, g), to, add, scratch, mine);
            group_to_input(from, weight + group * taps() + mine.begin * kernel_size(),
                           to + mine.begin * in_positions(), static_cast<int>(mine.size()), scratch,
                           add);
        });
    }

    // dw = or += the gradient with respect to the weights, rows gradient_step() apart; likewise db.
    // A crew shares the output channels.
    void to_weights(const Lanes *x, const Lanes *dy, float *dw, bool add, float *db, bool add_bias,
                    Lanes *scratch, const Crew &crew) const {
        if (dw)
            each_group(crew, winograd_ ? winograd_->narrow() : out_channels_,
                       [&](int g, const Share &mine) {
                           group_to_weights(x + g * in_size(), dy + g * out_channels_ * positions(),
                                            dw + g * out_channels_ * gradient_step(), add, scratch,
                                            mine);
                       });
        if (db) sum_positions(dy, groups_ * out_channels_, positions(), db, add_bias, crew);
    }

    // sums = or += the sum over positions and images of each channel.
    static void sum_positions(const Lanes *x, int channels, int64_t positions, float *sums,
                              bool add, const Crew &crew) {
        const Share mine = crew.share(channels);
        for (int64_t c = mine.begin; c < mine.end; c++) {
            Lanes sum{};
            for (int64_t position = c * positions; position < (c + 1) * positions; position++)
                for (int p = 0; p < PARTS; p++) sum.part[p] += x[position].part[p];
            sums[c] = (add ? sums[c] : 0.0f) + total(sum);
        }
    }

   private:
    // Results whose sums have the same terms: a contraction from x to y. Those near the border have
    // fewer, so that no padded copy is needed; or the copy is one region.
    struct Region {
        int rows, columns;
        int64_t x_start, x_row, x_column, y_start, y_row, y_column, y_channel;  // in Lanes
        std::vector<int32_t> x_at, w_at;
    };

    static bool covers(const Axis &axis) {
        return axis.kernel == axis.size && axis.out() == 1 && !axis.before && !axis.after;
    }

    static bool small_kernel(const Axis &axis) {
        return axis.kernel == 3 && axis.stride == 1 && axis.dilation == 1 && axis.before <= 2;
    }

    const float *kernels(const Lanes *prepared, int group) const {
        return prepared[group * winograd_->kernels()].values();
    }

    int kernel_size() const { return rows_.kernel * columns_.kernel; }
    int64_t positions() const { return int64_t(out_height()) * out_width(); }
    // Of one group, in Lanes.
    int64_t in_size() const { return int64_t(in_channels_) * in_positions(); }
    int64_t in_positions() const { return int64_t(rows_.size) * columns_.size; }
    int64_t sampled_size() const {
        return int64_t(in_channels_) * input_rows_.total() * input_columns_.total();
    }
    int64_t spread_size() const {
        return int64_t(out_channels_) * gradient_rows_.total() * gradient_columns_.total();
    }
    // Sums of weight gradients in the making.
    int64_t sums_size() const { return CORRELATED_OUTPUTS * int64_t(taps()); }
    bool gradient_in_place() const {
        return rows_.stride == 1 && columns_.stride == 1 && rows_.reversed().mostly_inside() &&
               columns_.reversed().mostly_inside();
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

    // Calls body(group, the crew's share of its channels) if there are any.
    template <class Body>
    void each_group(const Crew &crew, int channels, const Body &body) const {
        const Share mine = crew.share(int64_t(groups_) * channels);
        for (int g = 0; g < groups_; g++) {
            const int64_t first = int64_t(g) * channels;
            const Share part(std::max(mine.begin - first, int64_t(0)),
                             std::min<int64_t>(mine.end - first, channels));
            if (part.size() > 0) body(g, part);
        }
    }

    // Of `inputs` channels, to whose first weight and dx point.
    void group_to_input(const Lanes *dy, const float *weight, Lanes *dx, int inputs, Lanes *scratch,
                        bool add) const {
        if (!add && scattered()) {
            const auto apply = [&](auto function) {
                function(dy, out_channels_, out_height(), out_width(), weight, taps(), dx, inputs);
            };
            return apply(columns_.kernel == 3   ? scatter<3>
                         : columns_.kernel == 5 ? scatter<5>
                                                : scatter<7>);
        }
        const Lanes *const from = gradient_in_place() ? dy : spread(dy, scratch);
        for (const Region &region : backward_)
            run(region, from, weight, kernel_size(), nullptr, dx, inputs, out_channels_, add);
    }

    void run(const Region &region, const Lanes *x, const float *w, int64_t w_step,
             const float *bias, Lanes *y, int to_channels, int from_channels, bool add) const {
        const int terms = static_cast<int>(region.x_at.size());
        const Contraction k{x + region.x_start,
                            region.x_at.data(),
                            w,
                            region.w_at.data(),
                            w_step,
                            terms,
                            y + region.y_start,
                            region.y_channel,
                            bias,
                            add,
                            region.y_column};
        const int chunk = channels_at_once(from_channels) * std::max(1, terms / from_channels);
        const auto go = region.x_column == 1 ? contract<1> : contract<2>;
        go(k, to_channels, region.rows, region.columns, region.x_row, region.y_row, chunk);
    }

    void group_to_weights(const Lanes *x, const Lanes *dy, float *dw, bool add, Lanes *scratch,
                          const Share &mine) const {
        if (winograd_) return winograd_->to_weights(x, dy, dw, taps(), add, scratch, mine);
        const int outputs = static_cast<int>(mine.size());
        dy += mine.begin * positions();
        dw += mine.begin * gradient_step();
        if (linear())
            return contract(
                {transposed(x, scratch), images_x_.data(), dy->values(), images_w_.data(), LANES,
                 LANES, reinterpret_cast<Lanes *>(dw), features(), nullptr, add},
                outputs, 1, static_cast<int>(features()), 0, 0);
        Lanes *const sums = scratch + (in_place_ ? 0 : sampled_size());
        x = sampled(x, scratch);
        const Cut cut(outputs, CORRELATED_OUTPUTS);
        for (int o = 0; o < cut.parts; o++) {
            const int first = cut.begin(o), count = cut.begin(o + 1) - first;
            const bool whole = forward_[0].w_at.size() == static_cast<size_t>(taps());
            if (!whole) std::fill_n(sums, count * taps(), Lanes{});
            for (size_t r = 0; r < forward_.size(); r++) {
                const Region &region = forward_[r];
                if (region.x_at.empty()) continue;
                correlate({x + region.x_start, region.x_at.data(), region.x_row, region.x_column,
                           dy + first * positions() + region.y_start, positions(), region.y_row,
                           region.rows, region.columns, sums, taps(), region.w_at.data(),
                           whole && r == 0},
                          count, static_cast<int>(region.x_at.size()));
            }
            for (int i = 0; i < count; i++)
                totals(sums + i * int64_t(taps()), taps(), dw + int64_t(first + i) * taps(), add);
        }
    }

    void tabulate() {
        if (in_place_)
            add_regions(rows_, columns_, in_channels_, forward_, [&](int i, int y, int x) {
                return (i * rows_.kernel + y) * columns_.kernel + x;
            });
        else forward_.push_back(of_copy());
        if (gradient_in_place())
            add_regions(rows_.reversed(), columns_.reversed(), out_channels_, backward_,
                        [&](int o, int y, int x) {
                            return o * taps() + (rows_.kernel - 1 - y) * columns_.kernel +
                                   columns_.kernel - 1 - x;
                        });
        else
            for (const GradientPhase &rows : rows_.phases())
                for (const GradientPhase &columns : columns_.phases())
                    backward_.push_back(of_phase(rows, columns));
        if (!linear()) return;
        for (int image = 0; image < LANES; image++) {
            images_x_.push_back(static_cast<int32_t>(image * features()));
            images_w_.push_back(image);
        }
    }

    // The largest first. w_index: of a weight.
    template <class Index>
    static void add_regions(const Axis &rows, const Axis &columns, int channels,
                            std::vector<Region> &regions, const Index &w_index) {
        for (const Segment &down : rows.segments())
            for (const Segment &across : columns.segments()) {
                const int row =
                    down.begin * rows.stride - rows.before + down.first_tap * rows.dilation;
                const int column = across.begin * columns.stride - columns.before +
                                   across.first_tap * columns.dilation;
                Region made{down.count,
                            across.count,
                            int64_t(row) * columns.size + column,
                            int64_t(rows.stride) * columns.size,
                            columns.stride,
                            int64_t(down.begin) * columns.out() + across.begin,
                            columns.out(),
                            1,
                            int64_t(rows.out()) * columns.out(),
                            {},
                            {}};
                for (int i = 0; i < channels; i++)
                    for (int y = 0; y < down.taps; y++)
                        for (int x = 0; x < across.taps; x++) {
                            made.x_at.push_back((i * rows.size + y * rows.dilation) * columns.size +
                                                x * columns.dilation);
                            made.w_at.push_back(
                                w_index(i, down.first_tap + y, across.first_tap + x));
                        }
                regions.push_back(std::move(made));
            }
        std::stable_sort(regions.begin(), regions.end(), [](const Region &a, const Region &b) {
            return a.x_at.size() > b.x_at.size();
        });
    }

    Region of_copy() const {
        const int row = input_columns_.total(), channel = input_rows_.total() * row;
        Region made{out_height(), out_width(), 0, row, 1, 0, out_width(), 1, positions(), {}, {}};
        for (int i = 0; i < in_channels_; i++)
            for (int y = 0; y < rows_.kernel; y++)
                for (int x = 0; x < columns_.kernel; x++) {
                    made.w_at.push_back(static_cast<int32_t>(made.x_at.size()));
                    made.x_at.push_back(i * channel + rows_.at(y) * row + columns_.at(x));
                }
        return made;
    }

    Region of_phase(const GradientPhase &rows, const GradientPhase &columns) const {
        const int row = gradient_columns_.total(), channel = gradient_rows_.total() * row;
        Region made{rows.count,
                    columns.count,
                    int64_t(rows.start) * row + columns.start,
                    row,
                    1,
                    int64_t(rows.first) * columns_.size + columns.first,
                    int64_t(rows_.stride) * columns_.size,
                    columns_.stride,
                    in_positions(),
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
        if (in_place_) return x;
        copy_sampled(x, in_channels_, input_rows_, input_columns_, scratch);
        return scratch;
    }

    const Lanes *spread(const Lanes *dy, Lanes *scratch) const {
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
    bool in_place_ = false;  // x is read where it lies
    std::vector<Region> forward_, backward_;
    std::vector<int32_t> images_x_, images_w_;
    std::optional<Winograd> winograd_;
};
