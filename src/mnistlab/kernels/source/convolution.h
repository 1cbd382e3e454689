// Convolution with stride 1, and linear layers, which are convolutions whose kernel covers the whole image.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "correlate.h"
#include "scatter.h"
#include "transpose.h"

struct Shape {
    int32_t channels, height, width;
    int64_t size() const { return int64_t(channels) * height * width; }
};

class Convolution {
   public:
    Convolution(Shape in, Shape out, int kernel_height, int kernel_width, int pad_height, int pad_width)
        : in_(in),
          out_(out),
          pad_height_(pad_height),
          pad_width_(pad_width),
          kernel_height_(kernel_height),
          kernel_width_(kernel_width) {
        if (out_.height == 1 && out_.width == 1 && !pad_height_ && !pad_width_) {
            in_ = {static_cast<int32_t>(in.size()), 1, 1};
            kernel_height_ = kernel_width_ = 1;
            linear_ = true;
        }
        padded_ = {in_.channels, in_.height + 2 * pad_height_, in_.width + 2 * pad_width_};
        spread_ = {out_.channels, in_.height + kernel_height_ - 1, in_.width + kernel_width_ - 1};
        tabulate();
    }

    bool linear() const { return linear_; }
    int taps() const { return static_cast<int>(taps_x_.size()); }
    // Floats from one row of weight gradients to the next.
    int64_t gradient_step() const { return linear() ? features() * LANES : taps(); }
    int64_t scratch() const { return linear() ? LANES * features() : std::max(padded_.size(), spread_.size()); }

    void forward(const Lanes *x, const float *weight, const float *bias, Lanes *y, Lanes *scratch) const {
        const int64_t positions = int64_t(out_.height) * out_.width;
        contract({bordered(x, scratch), taps_x_.data(), weight, taps_w_.data(), taps(), taps(), y, positions, bias, false},
                 out_.channels, out_.height, out_.width, padded_.width, out_.width);
    }

    // dx = or += the gradient with respect to x.
    void to_input(const Lanes *dy, const float *weight, Lanes *dx, Lanes *scratch, bool add) const {
        if (!add && scattered()) {
            const int height = out_.height, width = out_.width;
            if (kernel_width_ == 3) return scatter<3>(dy, out_.channels, height, width, weight, dx, in_.channels);
            if (kernel_width_ == 5) return scatter<5>(dy, out_.channels, height, width, weight, dx, in_.channels);
            return scatter<7>(dy, out_.channels, height, width, weight, dx, in_.channels);
        }
        const int64_t positions = int64_t(in_.height) * in_.width;
        contract({spread(dy, scratch), spread_x_.data(), weight, spread_w_.data(),
                  int64_t(kernel_height_) * kernel_width_, static_cast<int>(spread_x_.size()), dx, positions, nullptr, add},
                 in_.channels, in_.height, in_.width, spread_.width, in_.width);
    }

    // dw = or += the gradient with respect to the weights, rows gradient_step() apart, and likewise db.
    void to_weights(const Lanes *x, const Lanes *dy, float *dw, bool add, float *db, bool add_bias,
                    Lanes *scratch) const {
        const int64_t positions = int64_t(out_.height) * out_.width;
        if (dw && linear())
            contract({transposed(x, scratch), images_x_.data(), dy->values(), images_w_.data(), LANES, LANES,
                      reinterpret_cast<Lanes *>(dw), features(), nullptr, add},
                     out_.channels, 1, static_cast<int>(features()), 0, 0);
        else if (dw)
            correlate({bordered(x, scratch), taps_x_.data(), padded_.width, dy, positions, out_.height, out_.width, dw,
                       taps(), add},
                      out_.channels, taps());
        if (!db) return;
        for (int o = 0; o < out_.channels; o++) {
            Part sum{};
            for (int64_t position = 0; position < positions; position++)
                for (int p = 0; p < PARTS; p++) sum += dy[o * positions + position].part[p];
            db[o] = (add_bias ? db[o] : 0.0f) + total(sum);
        }
    }

   private:
    // Features in groups of LANES, as a transposed input holds them.
    int64_t features() const { return (in_.channels + LANES - 1) / LANES; }

    bool scattered() const {
        const int k = kernel_width_;
        return !pad_height_ && !pad_width_ && kernel_height_ == k && (k == 3 || k == 5 || k == 7);
    }

    void tabulate() {
        for (int i = 0; i < in_.channels; i++)
            for (int y = 0; y < kernel_height_; y++)
                for (int x = 0; x < kernel_width_; x++) {
                    taps_w_.push_back(static_cast<int32_t>(taps_x_.size()));
                    taps_x_.push_back((i * padded_.height + y) * padded_.width + x);
                }
        for (int o = 0; o < out_.channels; o++)
            for (int y = 0; y < kernel_height_; y++)
                for (int x = 0; x < kernel_width_; x++) {
                    spread_x_.push_back((o * spread_.height + kernel_height_ - 1 - y) * spread_.width + kernel_width_ - 1 - x);
                    spread_w_.push_back(o * taps() + y * kernel_width_ + x);
                }
        for (int image = 0; image < LANES; image++) {
            images_x_.push_back(static_cast<int32_t>(image * features()));
            images_w_.push_back(image);
        }
    }

    static void place(const Lanes *from, const Shape &inner, Lanes *to, const Shape &outer, int top, int left) {
        std::fill(to, to + outer.size(), Lanes{});
        for (int c = 0; c < inner.channels; c++)
            for (int row = 0; row < inner.height; row++)
                std::copy_n(from + (c * inner.height + row) * inner.width, inner.width,
                            to + (c * outer.height + row + top) * outer.width + left);
    }

    const Lanes *bordered(const Lanes *x, Lanes *scratch) const {
        if (!pad_height_ && !pad_width_) return x;
        place(x, in_, scratch, padded_, pad_height_, pad_width_);
        return scratch;
    }

    const Lanes *spread(const Lanes *dy, Lanes *scratch) const {
        const int top = kernel_height_ - 1 - pad_height_, left = kernel_width_ - 1 - pad_width_;
        if (!top && !left) return dy;
        place(dy, out_, scratch, spread_, top, left);
        return scratch;
    }

    const Lanes *transposed(const Lanes *x, Lanes *scratch) const {
        float *to = scratch->values();
        const int64_t step = features() * LANES;
        const int64_t whole = in_.channels / LANES * LANES;
        for (int64_t i = 0; i < whole; i += LANES) transpose(x[i].values(), LANES, to + i, step);
        for (int64_t i = whole; i < step; i++)
            for (int image = 0; image < LANES; image++)
                to[image * step + i] = i < in_.channels ? x[i].values()[image] : 0.0f;
        return scratch;
    }

    Shape in_, out_, padded_, spread_;
    bool linear_ = false;
    int pad_height_, pad_width_, kernel_height_, kernel_width_;
    std::vector<int32_t> taps_x_, taps_w_, spread_x_, spread_w_, images_x_, images_w_;
};
