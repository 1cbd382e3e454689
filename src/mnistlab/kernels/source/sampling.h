// Sampling: how rows and columns of a convolution are laid out for a contraction.
//
// With a stride of s, neighbouring outputs meet every s-th position of the padded input. A copy
// that holds position modulo s apart from position / s (its phase) lets inner loops read positions
// that follow each other, as they do without a stride. With a dilation, some phases are never met.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "lanes.h"

// How one dimension is copied: position i of phase p is position i * stride + starts[p] of what is
// copied, or zero outside of it.
struct Sampling {
    int size, length, stride;
    std::vector<int> starts;

    int total() const { return length * static_cast<int>(starts.size()); }
    bool whole() const { return stride == 1 && length == size && starts == std::vector<int>{0}; }

    // The positions i that lie inside, from begin to end.
    int begin(int start) const { return clamped(-start); }
    int end(int start) const { return clamped(size - start); }

   private:
    int clamped(int distance) const {
        return std::min(distance > 0 ? (distance + stride - 1) / stride : 0, length);
    }
};

// Outputs that meet the same indices of the kernel, within the input.
struct Segment {
    int begin, count;     // outputs
    int first_tap, taps;  // indices of the kernel
};

// The outputs' gradients, seen from the positions of one phase of the input.
struct GradientPhase {
    int first, count;           // positions of the input: first, first + stride, ...
    int start;                  // where the first one's sum starts in the copied gradients
    std::vector<int> taps, at;  // the kernel's indices, and their offsets from there
};

// Output i meets input i * stride + k * dilation - before at the kernel's index k.
struct Axis {
    int size, kernel, stride, dilation, before, after;

    int out() const { return (size + before + after - dilation * (kernel - 1) - 1) / stride + 1; }

    // Of the padded input as sampled() copies it: where index k is, from where index 0 is.
    int at(int k) const { return k % period() * length() + k * dilation / stride; }

    std::vector<Segment> segments() const {
        std::vector<Segment> result;
        for (int i = 0; i < out(); i++) {
            const int at = i * stride - before;  // of the first tap
            const int first = at < 0 ? std::min(kernel, (-at + dilation - 1) / dilation) : 0;
            const int end = at < size ? std::min(kernel, (size - 1 - at) / dilation + 1) : 0;
            const int taps = std::max(0, end - first);
            if (!result.empty() && result.back().first_tap == first && result.back().taps == taps)
                result.back().count++;
            else result.push_back({i, 1, first, taps});
        }
        return result;
    }

    // Whether most outputs meet the whole kernel, so that the others may be slow.
    bool mostly_inside() const {
        int inside = 0;
        for (const Segment &segment : segments())
            if (segment.taps == kernel) inside += segment.count;
        return 4 * inside >= 3 * out();
    }

    // Of the same kernel without a stride, reversed: from gradients to the input.
    Axis reversed() const {
        const int reach = dilation * (kernel - 1);
        return {out(), kernel, 1, dilation, reach - before, reach - after};
    }

    Sampling sampled() const {
        std::vector<int> starts;
        for (int k = 0; k < std::min(kernel, period()); k++)
            starts.push_back(k * dilation % stride - before);
        return {size, length(), stride, starts};
    }

    // The gradients of the outputs, with zeros beyond them.
    Sampling spread() const {
        const int last = (before + size - 1) / stride;
        return {out(), last - before / stride + reach() + 1, 1, {before / stride - reach()}};
    }

    std::vector<GradientPhase> phases() const {
        std::vector<GradientPhase> result;
        for (int first = 0; first < std::min(stride, size); first++) {
            const int phase = (first + before) % stride;
            GradientPhase made{first,
                               (size - 1 - first) / stride + 1,
                               (first + before) / stride - before / stride,
                               {},
                               {}};
            for (int k = 0; k < kernel; k++)
                if (k * dilation % stride == phase) {
                    made.taps.push_back(k);
                    made.at.push_back(reach() - k * dilation / stride);
                }
            result.push_back(made);
        }
        return result;
    }

   private:
    int period() const { return stride / std::gcd(stride, dilation); }
    int reach() const { return (kernel - 1) * dilation / stride; }
    int length() const { return out() + reach(); }
};

// channels x rows x columns, as the samplings say: a channel's phases of rows, then rows, then
// phases of columns.
inline void copy_sampled(const Lanes *from, int channels, const Sampling &rows,
                         const Sampling &columns, Lanes *to) {
    for (int c = 0; c < channels; c++, from += int64_t(rows.size) * columns.size)
        for (int first_row : rows.starts)
            for (int i = 0; i < rows.length; i++) {
                const int row = i * rows.stride + first_row;
                const bool inside = row >= 0 && row < rows.size;
                const Lanes *line = from + (inside ? int64_t(row) * columns.size : 0);
                for (int start : columns.starts) {
                    const int begin = inside ? columns.begin(start) : columns.length;
                    const int end = inside ? std::max(begin, columns.end(start)) : columns.length;
                    std::fill(to, to + begin, Lanes{});
                    if (columns.stride == 1)
                        std::copy(line + begin + start, line + end + start, to + begin);
                    else
                        for (int j = begin; j < end; j++) to[j] = line[j * columns.stride + start];
                    std::fill(to + end, to + columns.length, Lanes{});
                    to += columns.length;
                }
            }
}
