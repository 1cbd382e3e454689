// x divided by its Euclidean length along an axis, or by epsilon if that is larger. floats:
// epsilon.
#include "axis.h"

namespace {

class Normalize final : public AlongAxis {
   public:
    explicit Normalize(const Signature &signature)
        : AlongAxis(signature), epsilon_(static_cast<float>(signature.floats[0])) {}

    void forward(const Forward &at) const override {
        each_row([&](int64_t row, int64_t first) {
            const Lanes *x = at.x[0] + first;
            Lanes *y = at.y + first, &length = at.saved[row];
            const Sums<1> squares = sum_over<1>(size_, [&](int64_t i, int p, Part(&term)[1]) {
                term[0] = x[i * step_].part[p] * x[i * step_].part[p];
            });
            for (int p = 0; p < PARTS; p++) {
                const Part root = square_root(squares.of[0].part[p]);
                length.part[p] = root < splat(epsilon_) ? splat(epsilon_) : root;
            }
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++)
                    y[i * step_].part[p] = x[i * step_].part[p] / length.part[p];
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        each_row([&](int64_t row, int64_t first) {
            const Lanes *x = at.x[0] + first, *dy = at.dy + first;
            const Lanes length = at.saved[row];
            Lanes *dx = at.dx[0] + first;
            Sums<1> along = sum_over<1>(size_, [&](int64_t i, int p, Part(&term)[1]) {
                term[0] = x[i * step_].part[p] / length.part[p] * dy[i * step_].part[p];
            });
            // A length of epsilon is a constant.
            for (int p = 0; p < PARTS; p++) {
                Part &sum = along.of[0].part[p];
                sum = length.part[p] == splat(epsilon_) ? splat(0.0f) : sum;
            }
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++) {
                    const Part y = x[i * step_].part[p] / length.part[p];
                    dx[i * step_].part[p] =
                        (dy[i * step_].part[p] - y * along.of[0].part[p]) / length.part[p];
                }
        });
    }

    int64_t saved() const override { return rows(); }

   private:
    const float epsilon_;
};

}  // namespace

REGISTER_OPERATION(normalize, Normalize);
