// 2-d convolution in which each output channel reads one input channel; integers as of
// `convolution`.
//
// There is no sum over channels, so a plane stays in the first-level cache while all its taps go
// over it. Only columns are padded, in a copy; rows beyond the border are left out of the sums.
#include "../contract.h"
#include "../operation.h"
#include "../sampling.h"
#include "../sums.h"
#include "../transpose.h"

namespace {

constexpr int MOST_ALONE = 8, MOST_BESIDE = 4;  // columns of one channel, and of each of two
constexpr int MOST_TAPS = 7;                    // of a row of the kernel at a time
constexpr int TOGETHER = 16;                    // channels whose sums over images are taken
constexpr int COPIED_LANES = 384;               // of padded rows: 24 KiB

// y(row, column) = the sum over taps of w * x(row * row_stride + row_at, column + column_at), where
// columns are those of a copy. All steps are in Lanes.
struct Sweep {
    int rows, columns;
    int64_t start, row_step, column_step;  // in y
    int row_stride;
    std::vector<int> row_at;                // per row of the kernel
    std::vector<int32_t> column_at, w_at;   // per column of the kernel; per tap
    std::vector<int32_t> x_at;              // per tap
    std::vector<std::pair<int, int>> taps;  // per row of y: of the kernel's rows inside of x
    int run = 0;  // the kernel's columns, if each meets x one behind the last

    int64_t w_step() const { return w_at.size() > 1 ? w_at[1] - w_at[0] : 0; }

    // height: of x. line: of the copied rows.
    void tabulate(int height, int line) {
        for (int row : row_at)
            for (int32_t column : column_at) x_at.push_back(row * line + column);
        const int across = static_cast<int>(column_at.size());
        const auto apart = [](int32_t one, int32_t next) { return next != one + 1; };
        const auto end = column_at.end();
        if (std::adjacent_find(column_at.begin(), end, apart) == end) run = across;
        for (int i = 0; i < rows; i++) {
            const auto inside = [&](int row) {
                const int at = i * row_stride + row;
                return at >= 0 && at < height;
            };
            const auto begin = std::find_if(row_at.begin(), row_at.end(), inside);
            const auto end = std::find_if_not(begin, row_at.end(), inside);
            taps.push_back({static_cast<int>(begin - row_at.begin()) * across,
                            static_cast<int>(end - row_at.begin()) * across});
        }
    }
};

// Some columns of a row.
struct Block {
    const Lanes *x;
    int64_t x_channel;  // step from one channel to the next
    const int32_t *x_at, *w_at;
    int taps;
    const float *w;
    int64_t w_channel, w_step;  // to the next channel, and to the next tap of a run
    const float *start;         // per channel; null is zero
    Lanes *y;
    int64_t y_channel, y_column;
    bool add;  // to what y holds, in place of start
};

// RUN: of taps that meet x one behind the other, so that neighbouring sums share what they load.
template <int CHANNELS, int COLUMNS, int RUN>
void sweep_block(const Block &k) {
    for (int p = 0; p < PARTS; p++) {
        Part sum[CHANNELS][COLUMNS];
        for (int o = 0; o < CHANNELS; o++)
            for (int c = 0; c < COLUMNS; c++)
                sum[o][c] = k.add ? k.y[o * k.y_channel + c * k.y_column].part[p]
                                  : splat(k.start ? k.start[o] : 0.0f);
        for (int t = 0; t < k.taps; t += RUN)
            for (int o = 0; o < CHANNELS; o++) {
                const Lanes *x = k.x + o * k.x_channel + k.x_at[t];
                const float *w = k.w + o * k.w_channel + k.w_at[t];
                Part near[COLUMNS + RUN - 1];
#pragma GCC unroll 16
                for (int c = 0; c < COLUMNS + RUN - 1; c++) near[c] = x[c].part[p];
#pragma GCC unroll 8
                for (int i = 0; i < RUN; i++)
#pragma GCC unroll 8
                    for (int c = 0; c < COLUMNS; c++)
                        sum[o][c] = fma(near[c + i], w[i * k.w_step], sum[o][c]);
            }
        for (int o = 0; o < CHANNELS; o++)
            for (int c = 0; c < COLUMNS; c++)
                k.y[o * k.y_channel + c * k.y_column].part[p] = sum[o][c];
    }
}

template <int CHANNELS, int COLUMNS, int RUN>
void sweep_columns(const Block &k, int columns) {
    if constexpr (COLUMNS > 0) {
        if (columns == COLUMNS) return sweep_block<CHANNELS, COLUMNS, RUN>(k);
        sweep_columns<CHANNELS, COLUMNS - 1, RUN>(k, columns);
    }
}

template <int RUN>
void sweep_channels(const Block &k, int channels, int columns) {
    if (channels == 1) sweep_columns<1, MOST_ALONE, RUN>(k, columns);
    else sweep_columns<2, MOST_BESIDE, RUN>(k, columns);
}

// The sums of one tap's row of the kernel over some rows of an image.
struct Correlation {
    const Lanes *x, *dy;
    int64_t x_row;
    const int32_t *at;  // per tap
    int rows, columns;
    Lanes *sums;  // per tap, which are added to
};

template <int TAPS>
void correlate_block(const Correlation &k) {
    // Neighbouring columns are summed apart, which hides how long an addition takes.
    constexpr int CHAINS = TAPS == 1 ? 8 : TAPS < 4 ? 4 : 2;
    for (int p = 0; p < PARTS; p++) {
        Part sum[CHAINS][TAPS] = {};
        const auto add = [&](int chain, const Lanes *x, const Lanes *dy) {
            const Part grad = dy->part[p];
#pragma GCC unroll 8
            for (int t = 0; t < TAPS; t++)
                sum[chain][t] = fma(x[k.at[t]].part[p], grad, sum[chain][t]);
        };
        for (int row = 0; row < k.rows; row++) {
            const Lanes *x = k.x + row * k.x_row, *dy = k.dy + row * k.columns;
            int c = 0;
            for (; c + CHAINS <= k.columns; c += CHAINS)
#pragma GCC unroll 8
                for (int chain = 0; chain < CHAINS; chain++)
                    add(chain, x + c + chain, dy + c + chain);
            for (; c < k.columns; c++) add(0, x + c, dy + c);
        }
        for (int t = 0; t < TAPS; t++)
            for (int chain = 0; chain < CHAINS; chain++) k.sums[t].part[p] += sum[chain][t];
    }
}

template <int TAPS = MOST_TAPS>
void correlate_taps(const Correlation &k, int taps) {
    if constexpr (TAPS > 0) {
        if (taps == TAPS) return correlate_block<TAPS>(k);
        correlate_taps<TAPS - 1>(k, taps);
    }
}

class DepthwiseConvolution final : public Operation {
   public:
    explicit DepthwiseConvolution(const Signature &signature)
        : Operation(signature),
          channels_(static_cast<int>(signature.inputs[0][0])),
          multiplier_(static_cast<int>(signature.output[0]) / channels_),
          rows_(axis(signature, 0)),
          columns_(axis(signature, 1)),
          sampled_(columns_.sampled()),
          spread_(columns_.spread()) {
        Sweep made{rows_.out(), columns_.out(), 0, columns_.out(), 1, rows_.stride};
        for (int k = 0; k < rows_.kernel; k++)
            made.row_at.push_back(k * rows_.dilation - rows_.before);
        for (int k = 0; k < columns_.kernel; k++) made.column_at.push_back(columns_.at(k));
        for (int t = 0; t < taps(); t++) made.w_at.push_back(t);
        made.tabulate(rows_.size, sampled_.total());
        forward_ = {made};
        for (const GradientPhase &rows : rows_.phases())
            for (const GradientPhase &columns : columns_.phases())
                backward_.push_back(phase(rows, columns));
    }

    void forward(const Forward &at) const override {
        const float *bias = at.parameters[1];
        const int beside = together(columns_.out());
        for (int o = 0; o < outputs(); o += beside)
            sweep(forward_, sampled_, rows_.size, columns_.size,
                  at.x[0] + o / multiplier_ * in_size(), at.parameters[0] + int64_t(o) * taps(),
                  bias ? bias + o : nullptr, at.y + o * out_size(), out_size(),
                  std::min(beside, outputs() - o), false, at.scratch);
    }

    // Channel by channel, since the gradient of x may lie where x lies, which is in the cache after
    // it was read.
    void backward(const Backward &at) const override {
        const int beside = together(parts_of(columns_.size, columns_.stride));
        for (int c = 0; c < channels_; c += beside) {
            const int channels = std::min(beside, channels_ - c);
            const int first = c * multiplier_, outputs = channels * multiplier_;
            for (int o = first; o < first + outputs; o++) to_parameters(at, o);
            if (!at.dx[0]) continue;
            for (int o = first; o < first + outputs; o += channels)
                sweep(backward_, spread_, rows_.out(), columns_.out(), at.dy + o * out_size(),
                      at.parameters[0] + int64_t(o) * taps(), nullptr, at.dx[0] + c * in_size(),
                      in_size(), channels, at.add[0] || o > first, at.scratch);
        }
    }

    int64_t scratch() const override { return 2 * copy_size() + TOGETHER * taps(); }
    // The gradient of x comes after all that reads x.
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    GradientLayout gradient_layout(int parameter) const override {
        if (parameter) return Operation::gradient_layout(parameter);
        return {outputs(), taps()};
    }

   private:
    static Axis axis(const Signature &signature, int which) {
        const auto at = [&](int i) { return static_cast<int>(signature.integers[2 * i + which]); };
        const int size = static_cast<int>(signature.inputs[0][1 + which]);
        return {size, at(0), at(1), at(2), at(3), at(4)};
    }

    Sweep phase(const GradientPhase &rows, const GradientPhase &columns) const {
        const int64_t width = columns_.size;
        Sweep made{rows.count,           columns.count,   rows.first * width + columns.first,
                   rows_.stride * width, columns_.stride, 1};
        const int first = rows.start + rows_.spread().starts[0];
        // From the last tap on, in the order of what they meet.
        for (size_t y = rows.taps.size(); y-- > 0;) {
            made.row_at.push_back(first + rows.at[y]);
            for (size_t x = columns.taps.size(); x-- > 0;)
                made.w_at.push_back(rows.taps[y] * columns_.kernel + columns.taps[x]);
        }
        for (size_t x = columns.taps.size(); x-- > 0;)
            made.column_at.push_back(columns.start + columns.at[x]);
        made.tabulate(rows_.out(), spread_.total());
        return made;
    }

    int outputs() const { return channels_ * multiplier_; }
    int taps() const { return rows_.kernel * columns_.kernel; }
    int64_t in_size() const { return int64_t(rows_.size) * columns_.size; }
    int64_t out_size() const { return int64_t(rows_.out()) * columns_.out(); }
    // At least of the rows that a row of outputs needs, or that of each phase of the input.
    int64_t copy_size() const {
        const auto size = [](const Axis &rows, int height, const Sampling &columns) {
            const int reach = std::min(height, (rows.kernel - 1) * rows.dilation + 2);
            return std::max<int64_t>(COPIED_LANES, int64_t(reach) * columns.total());
        };
        return std::max(size(rows_, rows_.size, sampled_), size(rows_, rows_.out(), spread_));
    }

    // Two channels where the columns of one do not fill a block.
    int together(int columns) const { return multiplier_ == 1 && columns <= MOST_BESIDE ? 2 : 1; }

    void to_parameters(const Backward &at, int output) const {
        const Lanes *dy = at.dy + output * out_size();
        if (float *to = at.gradients[0]) {
            Lanes *const sums = at.scratch + 2 * copy_size();
            const int place = output % TOGETHER;
            sum_taps(at.x[0] + output / multiplier_ * in_size(), dy, sums + place * taps(),
                     at.scratch);
            if (place + 1 == TOGETHER || output + 1 == outputs())
                totals(sums, int64_t(place + 1) * taps(), to + int64_t(output - place) * taps(),
                       at.add_gradients[0]);
        }
        if (float *to = at.gradients[1]) {
            const Sums<1> sum = sum_over<1>(
                out_size(), [&](int64_t i, int p, Part(&term)[1]) { term[0] = dy[i].part[p]; });
            to[output] = (at.add_gradients[1] ? to[output] : 0.0f) + total(sum.of[0]);
        }
    }

    // height x width, of which some rows' columns are copied. Rows are short, so no function that
    // copies memory is called.
    static void copy_rows(const Lanes *x, int rows, int width, const Sampling &columns, Lanes *to) {
        for (int row = 0; row < rows; row++, x += width)
            for (int start : columns.starts) {
                const int begin = columns.begin(start), end = std::max(begin, columns.end(start));
                const Lanes *from = x + start;
                int j = 0;
                for (; j < begin; j++) *to++ = Lanes{};
                for (; j < end; j++) *to++ = from[j * columns.stride];
                for (; j < columns.length; j++) *to++ = Lanes{};
            }
    }

    // Calls body(first row of y, the row behind the last, x's row that is copied first, where it
    // lies, the step between channels) for bands of rows of which x fits into the cache.
    template <class Body>
    static void bands(const std::vector<Sweep> &sweeps, const Sampling &copied, int height,
                      int width, const Lanes *x, int channels, Lanes *scratch, const Body &body) {
        const int64_t plane = int64_t(height) * width;
        const int rows = sweeps[0].rows, stride = sweeps[0].row_stride;  // of the longest
        if (copied.whole()) return body(0, rows, 0, x, plane);
        int least = height, most = -height;
        for (const Sweep &k : sweeps)
            for (int at : k.row_at) least = std::min(least, at), most = std::max(most, at);
        const int fitting = COPIED_LANES / std::max(1, copied.total());
        const int at_once = std::max(1, (fitting - (most - least) - 1) / stride + 1);
        for (int row = 0; row < rows; row += at_once) {
            const int end = std::min(rows, row + at_once);
            const int first = std::clamp(row * stride + least, 0, height);
            const int last = std::clamp((end - 1) * stride + most + 1, first, height);
            const int64_t size = int64_t(last - first) * copied.total();
            for (int c = 0; c < channels; c++)
                copy_rows(x + c * plane + int64_t(first) * width, last - first, width, copied,
                          scratch + c * size);
            body(row, end, first, scratch, size);
        }
    }

    // x: channels x height x width. w, start: of the first channel.
    void sweep(const std::vector<Sweep> &sweeps, const Sampling &copied, int height, int width,
               const Lanes *x, const float *w, const float *start, Lanes *y, int64_t y_channel,
               int channels, bool add, Lanes *scratch) const {
        bands(sweeps, copied, height, width, x, channels, scratch,
              [&](int begin, int end, int first, const Lanes *from, int64_t x_channel) {
                  for (const Sweep &k : sweeps)
                      for (int row = begin; row < std::min(end, k.rows); row++) {
                          const auto [t, t_end] = k.taps[row];
                          sweep_row({from + int64_t(row * k.row_stride - first) * copied.total(),
                                     x_channel, k.x_at.data() + t, k.w_at.data() + t, t_end - t, w,
                                     taps(), k.w_step(), start, y + k.start + row * k.row_step,
                                     y_channel, k.column_step, add},
                                    k, channels);
                      }
              });
    }

    static void sweep_row(Block block, const Sweep &k, int channels) {
        const Cut across(k.columns, channels == 1 ? MOST_ALONE : MOST_BESIDE);
        const Block whole = block;
        for (int part = 0; part < across.parts; part++) {
            const int column = across.begin(part), columns = across.begin(part + 1) - column;
            block.x = whole.x + column;
            block.y = whole.y + column * k.column_step;
            if (k.run == 3) sweep_channels<3>(block, channels, columns);
            else if (k.run == 5) sweep_channels<5>(block, channels, columns);
            else if (k.run == 7) sweep_channels<7>(block, channels, columns);
            else sweep_channels<1>(block, channels, columns);
        }
    }

    // The gradient of a channel's weights, for each image.
    void sum_taps(const Lanes *x, const Lanes *dy, Lanes *sums, Lanes *scratch) const {
        const Sweep &k = forward_[0];
        const int line = sampled_.total();
        const Cut across(columns_.kernel, MOST_TAPS);
        std::fill_n(sums, taps(), Lanes{});
        bands(forward_, sampled_, rows_.size, columns_.size, x, 1, scratch,
              [&](int begin, int end, int first, const Lanes *from, int64_t) {
                  for (int i = 0; i < rows_.kernel; i++) {
                      const int at = k.row_at[i], stride = k.row_stride;
                      const int low = at < 0 ? (stride - 1 - at) / stride : 0;
                      const int high = at < rows_.size ? (rows_.size - 1 - at) / stride + 1 : 0;
                      const int row = std::max(begin, low);
                      for (int part = 0; part < across.parts && row < high; part++) {
                          const int tap = across.begin(part);
                          correlate_taps({from + int64_t(row * stride + at - first) * line,
                                          dy + int64_t(row) * k.columns, int64_t(stride) * line,
                                          k.column_at.data() + tap, std::min(end, high) - row,
                                          k.columns, sums + i * columns_.kernel + tap},
                                         across.begin(part + 1) - tap);
                      }
                  }
              });
    }

    const int channels_, multiplier_;
    const Axis rows_, columns_;
    const Sampling sampled_, spread_;
    std::vector<Sweep> forward_, backward_;  // of one; of one a phase of the input
};

}  // namespace

REGISTER_OPERATION(depthwise_convolution, DepthwiseConvolution);
