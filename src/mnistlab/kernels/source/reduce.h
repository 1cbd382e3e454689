// Reduction: the windows of an array, which sums, means and maxima run over. A window is the
// positions that share their index along the axes that are kept.
#pragma once

#include "strided.h"

constexpr int BESIDE = 8;  // windows at a time, which hides how long an addition takes

class Reduction {
   public:
    // Integers: the axes that vanish.
    Reduction(const Dimensions &sizes, const std::vector<int64_t> &reduced) {
        const Dimensions steps = row_major(sizes);
        std::vector<Axis> kept, within;
        for (size_t k = 0; k < sizes.size(); k++) {
            const bool gone = std::find(reduced.begin(), reduced.end(), k) != reduced.end();
            if (gone) size *= sizes[k];
            append(gone ? within : kept, {sizes[k], steps[k]});
        }
        inner_ = pop(within);
        beside_ = pop(kept);
        offsets(kept, starts_);
        offsets(within, inside_);
    }

    // body(first, step, count, index): `count` windows, `step` apart, of which the first starts at
    // `first` and is number `index`.
    template <class Body>
    void each(const Body &body) const {
        int64_t index = 0;
        for (int64_t start : starts_)
            for (int64_t i = 0; i < beside_.size; i += BESIDE) {
                const int64_t count = std::min<int64_t>(BESIDE, beside_.size - i);
                body(start + i * beside_.step, beside_.step, static_cast<int>(count), index);
                index += count;
            }
    }

    // body(offset) for every position of a window, in row-major order.
    template <class Body>
    void within(const Body &body) const {
        for (int64_t start : inside_)
            for (int64_t i = 0; i < inner_.size; i++) body(start + i * inner_.step);
    }

    int64_t size = 1;  // positions of a window

   private:
    struct Axis {
        int64_t size, step;
    };

    static void append(std::vector<Axis> &axes, Axis next) {
        if (next.size == 1) return;
        if (!axes.empty() && axes.back().step == next.step * next.size)
            axes.back() = {axes.back().size * next.size, next.step};
        else axes.push_back(next);
    }

    static Axis pop(std::vector<Axis> &axes) {
        if (axes.empty()) return {1, 1};
        const Axis last = axes.back();
        axes.pop_back();
        return last;
    }

    static void offsets(const std::vector<Axis> &axes, std::vector<int64_t> &result) {
        result = {0};
        for (const Axis &axis : axes) {
            std::vector<int64_t> longer;
            for (int64_t start : result)
                for (int64_t i = 0; i < axis.size; i++) longer.push_back(start + i * axis.step);
            result = longer;
        }
    }

    Axis inner_, beside_;  // the innermost axis of a window, and of those kept
    std::vector<int64_t> inside_, starts_;
};

// Calls `body` with `count`, up to BESIDE, as a constant.
template <int COUNT = BESIDE, class Body>
void counted(int count, const Body &body) {
    if constexpr (COUNT > 0) {
        if (count == COUNT) return body(std::integral_constant<int, COUNT>());
        counted<COUNT - 1>(count, body);
    }
}

// Sums over some axes, times a factor. Integers: the axes that vanish.
class ScaledSum : public Operation {
   public:
    ScaledSum(const Signature &signature, bool mean)
        : Operation(signature),
          reduction_(signature.inputs[0], signature.integers),
          factor_(mean ? 1.0f / static_cast<float>(reduction_.size) : 1.0f) {}

    void forward(const Forward &at) const override {
        reduction_.each([&](int64_t first, int64_t step, int count, int64_t index) {
            counted(count, [&](auto beside) {
                constexpr int COUNT = beside;
                for (int p = 0; p < PARTS; p++) {
                    Part sum[COUNT] = {};
                    reduction_.within([&](int64_t offset) {
                        const Lanes *x = at.x[0] + first + offset;
                        for (int k = 0; k < COUNT; k++) sum[k] += x[k * step].part[p];
                    });
                    for (int k = 0; k < COUNT; k++) at.y[index + k].part[p] = sum[k] * factor_;
                }
            });
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        at.add[0] ? spread<true>(at) : spread<false>(at);
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    template <bool ADD>
    void spread(const Backward &at) const {
        reduction_.each([&](int64_t first, int64_t step, int count, int64_t index) {
            counted(count, [&](auto beside) {
                constexpr int COUNT = beside;
                for (int p = 0; p < PARTS; p++) {
                    Part share[COUNT];
                    for (int k = 0; k < COUNT; k++) share[k] = at.dy[index + k].part[p] * factor_;
                    reduction_.within([&](int64_t offset) {
                        Lanes *dx = at.dx[0] + first + offset;
                        for (int k = 0; k < COUNT; k++) {
                            Part &to = dx[k * step].part[p];
                            to = ADD ? to + share[k] : share[k];
                        }
                    });
                }
            });
        });
    }

    const Reduction reduction_;
    const float factor_;
};
