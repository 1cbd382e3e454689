// average_pool: the mean of each window. See windows.h.
// floats: what to divide by instead of the window's size; or none.
#include "../windows.h"

namespace {

class AveragePool final : public Operation {
   public:
    explicit AveragePool(const Signature &signature) : Operation(signature), windows_(signature) {}

    void forward(const Forward &at) const override {
        Lanes *y = at.y;
        windows_.each([&](const Window &row, const Window &column, int64_t channel) {
            const Lanes *x = at.x[0] + channel;
            for (int p = 0; p < PARTS; p++) {
                Part sum{};
                windows_.each_position(row, column, [&](int64_t i) { sum += x[i].part[p]; });
                y->part[p] = sum / divisor(row, column);
            }
            y++;
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        if (!at.add[0]) std::fill_n(at.dx[0], product(signature.inputs[0]), Lanes{});
        const Lanes *dy = at.dy;
        windows_.each([&](const Window &row, const Window &column, int64_t channel) {
            Lanes *dx = at.dx[0] + channel;
            for (int p = 0; p < PARTS; p++) {
                const Part share = dy->part[p] / divisor(row, column);
                windows_.each_position(row, column, [&](int64_t i) { dx[i].part[p] += share; });
            }
            dy++;
        });
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    float divisor(const Window &row, const Window &column) const {
        if (!signature.floats.empty()) return static_cast<float>(signature.floats[0]);
        return static_cast<float>(row.counted) * static_cast<float>(column.counted);
    }

    const Windows windows_;
};

}  // namespace

REGISTER_OPERATION(average_pool, AveragePool);
