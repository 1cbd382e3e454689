// max_pool: the largest value of each window. See windows.h.
#include <limits>

#include "../windows.h"

namespace {

// NaN counts as the largest; of several the last, of other values the first, as in PyTorch.
inline PartMask exceeds(Part value, Part best) { return (value > best) | (value != value); }

class MaxPool final : public Operation {
   public:
    explicit MaxPool(const Signature &signature) : Operation(signature), windows_(signature) {}

    void forward(const Forward &at) const override {
        Lanes *y = at.y;
        windows_.each([&](const Window &row, const Window &column, int64_t channel) {
            const Lanes *x = at.x[0] + channel;
            for (int p = 0; p < PARTS; p++) {
                Part best = LOWEST;
                windows_.each_position(row, column, [&](int64_t i) {
                    const Part value = x[i].part[p];
                    best = exceeds(value, best) ? value : best;
                });
                y->part[p] = best;
            }
            y++;
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        if (!at.add[0]) std::fill_n(at.dx[0], product(signature.inputs[0]), Lanes{});
        const Lanes *dy = at.dy;
        windows_.each([&](const Window &row, const Window &column, int64_t channel) {
            const Lanes *x = at.x[0] + channel;
            Lanes *dx = at.dx[0] + channel;
            for (int p = 0; p < PARTS; p++) {
                Part best = LOWEST;
                PartMask chosen{};
                int32_t index = 0;
                windows_.each_position(row, column, [&](int64_t i) {
                    const Part value = x[i].part[p];
                    const PartMask larger = exceeds(value, best);
                    best = larger ? value : best;
                    chosen = larger ? PartMask{} + index : chosen;
                    index++;
                });
                index = 0;
                windows_.each_position(row, column, [&](int64_t i) {
                    dx[i].part[p] += chosen == index++ ? dy->part[p] : splat(0.0f);
                });
            }
            dy++;
        });
    }

    bool adds() const override { return true; }

   private:
    static inline const Part LOWEST = splat(-std::numeric_limits<float>::infinity());
    const Windows windows_;
};

}  // namespace

REGISTER_OPERATION(max_pool, MaxPool);
