// Strided: copies between two memories in which the axes of an array lie differently, such as a
// permutation, a slice or a part of a larger array.
#pragma once

#include <cstdlib>

#include "operation.h"

// Steps in Lanes from one index to the next, of a row-major array.
inline Dimensions row_major(const Dimensions &sizes) {
    Dimensions steps(sizes.size());
    int64_t step = 1;
    for (size_t axis = sizes.size(); axis-- > 0; step *= sizes[axis]) steps[axis] = step;
    return steps;
}

class Strided {
   public:
    Strided(const Dimensions &sizes, const Dimensions &from, const Dimensions &to) {
        for (size_t k = 0; k < sizes.size(); k++) {
            if (sizes[k] == 1) continue;
            if (!axes_.empty() && axes_.back().from == from[k] * sizes[k] &&
                axes_.back().to == to[k] * sizes[k])
                axes_.back() = {axes_.back().size * sizes[k], from[k], to[k]};
            else axes_.push_back({sizes[k], from[k], to[k]});
        }
        column_ = take([](const Axis &axis) { return std::abs(axis.to); });
        row_ = take([](const Axis &axis) { return std::abs(axis.from); });
    }

    // to = from, or to += from.
    void copy(const Lanes *from, Lanes *to, bool add) const {
        add ? walk<true>(0, from, to) : walk<false>(0, from, to);
    }

   private:
    struct Axis {
        int64_t size, from, to;
    };

    // Few enough that their cache lines stay in one set even if steps are powers of two.
    static constexpr int64_t BLOCK = 8;

    template <class Step>
    Axis take(const Step &step) {
        if (axes_.empty()) return {1, 0, 0};
        const auto nearest = std::min_element(
            axes_.begin(), axes_.end(),
            [&](const Axis &one, const Axis &other) { return step(one) < step(other); });
        const Axis taken = *nearest;
        axes_.erase(nearest);
        return taken;
    }

    template <bool ADD>
    void walk(size_t axis, const Lanes *from, Lanes *to) const {
        if (axis == axes_.size()) return plane<ADD>(from, to);
        for (int64_t i = 0; i < axes_[axis].size; i++)
            walk<ADD>(axis + 1, from + i * axes_[axis].from, to + i * axes_[axis].to);
    }

    // Rows are near each other where they are read, columns where they are written.
    template <bool ADD>
    void plane(const Lanes *from, Lanes *to) const {
        const bool runs = column_.from == 1 && column_.to == 1;
        const int64_t wide = runs ? column_.size : BLOCK;
        for (int64_t top = 0; top < row_.size; top += BLOCK)
            for (int64_t left = 0; left < column_.size; left += wide)
                for (int64_t row = top; row < std::min(row_.size, top + BLOCK); row++) {
                    const Lanes *x = from + row * row_.from + left * column_.from;
                    Lanes *y = to + row * row_.to + left * column_.to;
                    const int64_t count = std::min(column_.size - left, wide);
                    for (int64_t i = 0; i < count; i++, x += column_.from, y += column_.to)
                        for (int p = 0; p < PARTS; p++)
                            y->part[p] = ADD ? y->part[p] + x->part[p] : x->part[p];
                }
    }

    std::vector<Axis> axes_;  // the outer ones
    Axis column_, row_;
};
