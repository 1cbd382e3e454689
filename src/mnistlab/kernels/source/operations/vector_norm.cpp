// The Euclidean length of x along an axis. Its gradient is zero where the length is.
#include "axis.h"

namespace {

class VectorNorm final : public AlongAxis {
   public:
    using AlongAxis::AlongAxis;

    void forward(const Forward &at) const override {
        each_row([&](int64_t row, int64_t first) {
            const Lanes *x = at.x[0] + first;
            const Sums<1> squares = sum_over<1>(size_, [&](int64_t i, int p, Part(&term)[1]) {
                term[0] = x[i * step_].part[p] * x[i * step_].part[p];
            });
            for (int p = 0; p < PARTS; p++) at.y[row].part[p] = square_root(squares.of[0].part[p]);
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        each_row([&](int64_t row, int64_t first) {
            const Lanes *x = at.x[0] + first;
            Lanes *dx = at.dx[0] + first, slope;
            for (int p = 0; p < PARTS; p++) {
                const Part length = at.y[row].part[p];
                slope.part[p] = length == splat(0.0f) ? length : at.dy[row].part[p] / length;
            }
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++)
                    dx[i * step_].part[p] = x[i * step_].part[p] * slope.part[p];
        });
    }

    bool reads_output() const override { return true; }
};

}  // namespace

REGISTER_OPERATION(vector_norm, VectorNorm);
