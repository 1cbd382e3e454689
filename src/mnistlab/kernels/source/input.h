// From bytes to the network's input: gather, augment, normalise, and lay 16 images side by side.
//
// The same augmentation as mnistlab.training.augmentations, in the same order: flips, crop,
// displaced and affine sampling, colour jitter, blur, filter, noise, erasure, cutout, inversion,
// mixup, CutMix.
#pragma once

#include <algorithm>
#include <vector>

#include "images.h"
#include "lanes.h"
#include "mixing.h"
#include "operation.h"
#include "scalar_math.h"
#include "transpose.h"

class Input {
   public:
    // shape: channels, height and width.
    Input(const Dimensions &shape, int grid)
        : height_(static_cast<int>(shape[1])),
          width_(static_cast<int>(shape[2])),
          channels_(static_cast<int>(shape[0])),
          grid_(grid),
          framed_width_(width_ + 3),
          pixels_(height_ * width_),
          size_(channels_ * pixels_),
          framed_((height_ + 3) * framed_width_),
          packed_((height_ + 2) * framed_width_ - 1),
          images_(LANES * size_),
          blurred_((height_ + 2) * width_),
          edged_((height_ + 4) * (width_ + 4)),
          columns_(width_),
          rows_(height_),
          shift_x_(width_),
          shift_y_(width_),
          partner_(size_),
          greys_(pixels_) {
        if (!grid) return;
        spline(columns_spline_, columns_at_, width_);
        spline(rows_spline_, rows_at_, height_);
        across_.resize(2 * grid * width_);
    }

    // Fills `x` with images order[position..position + count]; the lanes behind them repeat the
    // last one. A crew collects them in `common`, the input of its first member.
    void load(const Images &from, int64_t position, int count, Lanes *x, const Crew &crew,
              Input &common) {
        const bool bare = unaltered(from);
        const Share mine = crew.share(LANES);
        for (int lane = static_cast<int>(mine.begin); lane < mine.end; lane++) {
            float *image = common.images_.data() + lane * size_;
            fetch(from, position + std::min(lane + 1, count - 1));
            const int64_t at = position + std::min(lane, count - 1);
            bare ? gather(from, at, image) : alter(from, at, image);
        }
        crew.meet();
        const float *const images = common.images_.data();
        const Share blocks = crew.share(size_ / LANES);
        for (int64_t i = blocks.begin * LANES; i < blocks.end * LANES; i += LANES)
            transpose(images + i, size_, x[i].values(), LANES);
        if (!crew.first()) return;
        for (int i = size_ / LANES * LANES; i < size_; i++)
            for (int lane = 0; lane < LANES; lane++) x[i].values()[lane] = images[lane * size_ + i];
    }

   private:
    static bool unaltered(const Images &from) {
        return !from.horizontal_flips && !from.vertical_flips && !from.crops && !from.matrices &&
               !from.displacements && !from.jitters && !from.sigmas && !from.filters &&
               !from.grain && !from.erasures && !from.cutouts && !from.inversions &&
               !from.mixup_shares && !from.cutmix_shares;
    }

    const uint8_t *bytes(const Images &from, int64_t at) const {
        return from.pixels + from.order[at] * size_;
    }

    // Images come in random order, so the processor does not prefetch the next one.
    void fetch(const Images &from, int64_t at) const {
        const uint8_t *pixels = bytes(from, at);
        for (int i = 0; i < size_; i += 64) __builtin_prefetch(pixels + i);
    }

    void gather(const Images &from, int64_t at, float *to) const {
        const uint8_t *pixels = bytes(from, at);
        for (int channel = 0; channel < channels_; channel++, pixels += pixels_, to += pixels_) {
            const float scale = 1 / from.std[channel],
                        offset = -from.mean[channel] / from.std[channel];
            for (int i = 0; i < pixels_; i++) to[i] = scalar::fma(pixels[i], scale / 255, offset);
        }
    }

    void alter(const Images &from, int64_t at, float *image) {
        augment(from, at, image);
        const Mixing mixed = mixing(from, at);
        if (mixed.share < 1) {
            augment(from, mixed.partner, partner_.data());
            mixed.box ? paste(mixed.box, image) : average(mixed.share, image);
        }
        for (int channel = 0; channel < channels_; channel++, image += pixels_) {
            const float scale = 1 / from.std[channel],
                        offset = -from.mean[channel] / from.std[channel];
            for (int i = 0; i < pixels_; i++) image[i] = scalar::fma(image[i], scale, offset);
        }
    }

    void augment(const Images &from, int64_t at, float *image) {
        const bool sampled = from.matrices || from.displacements;
        static constexpr float IDENTITY[6] = {1, 0, 0, 0, 1, 0};
        if (from.displacements) bend(from.displacements + at * 2 * grid_ * grid_);
        for (int channel = 0; channel < channels_; channel++) {
            image_ = image + channel * pixels_;
            if (sampled) {
                place(from, at, channel, framed_.data() + framed_width_ + 1, framed_width_);
                pack();
                sample(from.matrices ? from.matrices + at * 6 : IDENTITY,
                       from.displacements != nullptr);
            } else {
                place(from, at, channel, image_, width_);
            }
        }
        if (from.jitters) jitter(from.jitters + at * 3, image);
        for (int channel = 0; channel < channels_; channel++) {
            image_ = image + channel * pixels_;
            if (from.sigmas && from.sigmas[at] > 0) blur(from.sigmas[at]);
            if (from.filters) filter(from.filters + at * TAPS * TAPS);
            if (from.grain)
                add(from.grain + from.starts[at] + int64_t(channel) * pixels_, from.amplitudes[at]);
            if (from.erasures) erase(from.erasures + at * 4, from.fills ? from.fills[at] : 0.0f);
            if (from.cutouts) erase(from.cutouts + at * 4, 0.0f);
            if (from.inversions && from.inversions[at] != 0) invert();
        }
    }

    // Flipped, then cropped, with black outside.
    template <class Value>
    void place(const Images &from, int64_t at, int channel, Value *to, int step) const {
        const uint8_t *pixels = bytes(from, at) + channel * pixels_;
        const bool mirrored = from.horizontal_flips && from.horizontal_flips[at];
        const bool upside_down = from.vertical_flips && from.vertical_flips[at];
        if (!mirrored && !upside_down && !from.crops && step == width_) {
            for (int i = 0; i < pixels_; i++) set(pixels[i], to[i]);
            return;
        }
        const int down = from.crops ? from.crops[at * 2] : 0,
                  right = from.crops ? from.crops[at * 2 + 1] : 0;
        const int begin = std::min(std::max(-right, 0), width_),
                  end = std::max(std::min(width_ - right, width_), begin);
        for (int y = 0; y < height_; y++, to += step) {
            const int row = y + down;
            if (row < 0 || row >= height_) {
                std::fill_n(to, width_, Value{});
                continue;
            }
            const uint8_t *line = pixels + (upside_down ? height_ - 1 - row : row) * width_;
            std::fill_n(to, begin, Value{});
            if (mirrored)
                for (int x = begin; x < end; x++) set(line[width_ - 1 - right - x], to[x]);
            else
                for (int x = begin; x < end; x++) set(line[x + right], to[x]);
            std::fill_n(to + end, width_ - end, Value{});
        }
    }

    static void set(uint8_t pixel, float &to) { to = pixel * (1.0f / 255); }
    static void set(uint8_t pixel, uint8_t &to) { to = pixel; }

    // Each pixel with its neighbours to the right and below, so that one load gets them all.
    void pack() {
        const uint8_t *const from = framed_.data(), *const below = from + framed_width_;
        for (size_t i = 0; i < packed_.size(); i++)
            packed_[i] = from[i] | from[i + 1] << 8 | below[i] << 16 | uint32_t(below[i + 1]) << 24;
    }

    // Brightness, contrast, saturation; the last changes only images of three channels.
    void jitter(const float *factors, float *image) {
        for (int i = 0; i < size_; i++) image[i] = clip(image[i] * factors[0]);
        grey(image);
        double sum = 0;
        for (int i = 0; i < pixels_; i++) sum += greys_[i];
        const float mean = static_cast<float>(sum / pixels_);
        for (int i = 0; i < size_; i++)
            image[i] = clip(scalar::fma(factors[1], image[i], (1 - factors[1]) * mean));
        if (channels_ != 3) return;
        grey(image);
        for (int channel = 0; channel < channels_; channel++, image += pixels_)
            for (int i = 0; i < pixels_; i++)
                image[i] = clip(scalar::fma(factors[2], image[i], (1 - factors[2]) * greys_[i]));
    }

    void grey(const float *image) {
        static constexpr float LUMA[3] = {0.2989f, 0.587f, 0.114f};
        for (int channel = 0; channel < channels_; channel++, image += pixels_) {
            const float share = channels_ == 3 ? LUMA[channel] : 1.0f / channels_;
            for (int i = 0; i < pixels_; i++)
                greys_[i] = scalar::fma(share, image[i], channel ? greys_[i] : 0.0f);
        }
    }

    static float clip(float value) { return std::min(std::max(value, 0.0f), 1.0f); }

    void average(float share, float *image) const {
        for (int i = 0; i < size_; i++)
            image[i] = scalar::fma(share, image[i], (1 - share) * partner_[i]);
    }

    void paste(const int32_t *box, float *image) const {
        for (int channel = 0; channel < channels_; channel++)
            for (int y = box[0]; y < box[0] + box[2]; y++) {
                const int at = channel * pixels_ + y * width_ + box[1];
                std::copy_n(partner_.data() + at, box[3], image + at);
            }
    }

    // Bilinear, with black outside; the frame around the image holds that black.
    void sample(const float *m, bool bent) {
        const float centre_x = (width_ - 1) * 0.5f, centre_y = (height_ - 1) * 0.5f;
        const float last_x = static_cast<float>(width_), last_y = static_cast<float>(height_);
        const uint32_t *const frame = packed_.data() + framed_width_ + 1;
        for (int y = 0; y < height_; y++) {
            const float v = y - centre_y, row_x = scalar::fma(m[1], v, m[2] + centre_x),
                        row_y = scalar::fma(m[4], v, m[5] + centre_y);
            for (int x = 0; x < width_; x++) {
                columns_[x] = scalar::fma(m[0], x - centre_x, row_x);
                shift_y_[x] = scalar::fma(m[3], x - centre_x, row_y);
            }
            if (bent) displace(y);
            float *to = image_ + y * width_;
            for (int x = 0; x < width_; x++) {
                const float at_x = std::min(std::max(columns_[x], -1.0f), last_x);
                const float at_y = std::min(std::max(shift_y_[x], -1.0f), last_y);
                const float floor_x = std::floor(at_x), floor_y = std::floor(at_y);
                const float right = at_x - floor_x, below = at_y - floor_y;
                const int i = static_cast<int>(floor_y) * framed_width_ + static_cast<int>(floor_x);
                const auto pixel = [four = frame[i]](int k) {
                    return static_cast<float>(static_cast<int>(four >> 8 * k & 255)) * (1.0f / 255);
                };
                const float top = scalar::fma(pixel(1) - pixel(0), right, pixel(0));
                const float low = scalar::fma(pixel(3) - pixel(2), right, pixel(2));
                to[x] = scalar::fma(low - top, below, top);
            }
        }
    }

    // Adds the displacement of row y, from control points already spread across the columns.
    void displace(int y) {
        for (int axis = 0; axis < 2; axis++) {
            float *to = axis ? shift_y_.data() : columns_.data();
            for (int k = 0; k < 4; k++) {
                const float weight = rows_spline_[4 * y + k];
                const float *from = across_.data() + (axis * grid_ + rows_at_[y] + k) * width_;
                for (int x = 0; x < width_; x++) to[x] = scalar::fma(weight, from[x], to[x]);
            }
        }
    }

    void bend(const float *control) {
        for (int row = 0; row < 2 * grid_; row++)
            for (int x = 0; x < width_; x++) {
                float sum = 0;
                for (int k = 0; k < 4; k++)
                    sum = scalar::fma(columns_spline_[4 * x + k],
                                      control[row * grid_ + columns_at_[x] + k], sum);
                across_[row * width_ + x] = sum;
            }
    }

    // Uniform cubic B-spline (Rueckert et al., 1999): the first and last inner control points meet
    // the image's edges.
    void spline(std::vector<float> &weights, std::vector<int> &at, int side) const {
        for (int i = 0; i < side; i++) {
            const double place = side > 1 ? double(i) * (grid_ - 3) / (side - 1) : 0;
            const int begin = std::min(static_cast<int>(place), grid_ - 4);
            const double t = place - begin, s = 1 - t;
            at.push_back(begin);
            for (double weight : {s * s * s, 3 * t * t * t - 6 * t * t + 4,
                                  3 * s * s * s - 6 * s * s + 4, t * t * t})
                weights.push_back(static_cast<float>(weight / 6));
        }
    }

    // A 3x3 Gaussian sampled at -1, 0, 1; the border is reflected.
    void blur(float sigma) {
        const float neighbour = scalar::exp(-0.5f / (sigma * sigma));
        const float centre = 1 / (1 + 2 * neighbour), side = neighbour * centre;
        // All rows at once, which fills vectors; then the ends of each row again, which were
        // blurred with another row's pixel.
        const float *from = image_;
        float *rows = blurred_.data() + width_;
        for (int i = 1; i < pixels_ - 1; i++)
            rows[i] = scalar::fma(from[i], centre, (from[i - 1] + from[i + 1]) * side);
        for (int first = 0; first < pixels_; first += width_) {
            const int last = first + width_ - 1;
            rows[first] = scalar::fma(from[first], centre, 2 * from[first + 1] * side);
            rows[last] = scalar::fma(from[last], centre, 2 * from[last - 1] * side);
        }
        std::copy_n(rows + width_, width_, blurred_.data());
        std::copy_n(rows + (height_ - 2) * width_, width_, rows + pixels_);
        for (int i = 0; i < pixels_; i++)
            image_[i] = scalar::fma(rows[i], centre, (rows[i - width_] + rows[i + width_]) * side);
    }

    // Black outside; the magnitude if the middle weight is negative; stretched to 0..1.
    void filter(const float *weights) {
        if (std::all_of(weights, weights + TAPS * TAPS, [](float weight) { return weight == 0; }))
            return;
        const int edged_width = width_ + TAPS - 1;
        for (int y = 0; y < height_; y++)
            std::copy_n(image_ + y * width_, width_,
                        edged_.data() + (y + TAPS / 2) * edged_width + TAPS / 2);
        for (int y = 0; y < height_; y++) {
            float *to = image_ + y * width_;
            std::fill_n(to, width_, 0.0f);
            for (int k = 0; k < TAPS * TAPS; k++) {
                const float *from = edged_.data() + (y + k / TAPS) * edged_width + k % TAPS;
                for (int x = 0; x < width_; x++) to[x] = scalar::fma(weights[k], from[x], to[x]);
            }
        }
        if (weights[TAPS * TAPS / 2] < 0)
            for (int i = 0; i < pixels_; i++) image_[i] = std::abs(image_[i]);
        const auto [low, high] = std::minmax_element(image_, image_ + pixels_);
        const float least = *low, range = *high - *low;
        for (int i = 0; i < pixels_; i++)
            image_[i] = range > FLAT ? (image_[i] - least) / range : 0.0f;
    }

    void add(const float *grain, float amplitude) {
        for (int i = 0; i < pixels_; i++)
            image_[i] = clip(scalar::fma(amplitude, grain[i], image_[i]));
    }

    void invert() {
        for (int i = 0; i < pixels_; i++) image_[i] = 1.0f - image_[i];
    }

    void erase(const int32_t *box, float fill) {
        for (int y = box[0]; y < box[0] + box[2]; y++)
            std::fill_n(image_ + y * width_ + box[1], box[3], fill);
    }

    static constexpr int TAPS = 5;        // of a filter, along each side
    static constexpr float FLAT = 1e-4f;  // an image whose pixels differ by no more is constant

    int height_, width_, channels_, grid_, framed_width_, pixels_, size_;
    float *image_ = nullptr;  // the channel that is being augmented
    std::vector<uint8_t> framed_;
    std::vector<uint32_t> packed_;
    std::vector<float> images_, blurred_, edged_, columns_, rows_, shift_x_, shift_y_;
    std::vector<float> partner_,
        greys_;  // behind the others: between them they slow down their reads (4 KiB aliasing)
    std::vector<float> columns_spline_, rows_spline_, across_;
    std::vector<int> columns_at_, rows_at_;
};
