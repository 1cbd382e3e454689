// The logarithm of softmax along an axis.
#include "axis.h"

namespace {

class LogSoftmax final : public AlongAxis {
   public:
    using AlongAxis::AlongAxis;

    // Saves, of each row, the largest value and the logarithm of sum(exp(x - largest)).
    void forward(const Forward &at) const override {
        each_row([&](int64_t row, int64_t first) {
            const Lanes *x = at.x[0] + first;
            Lanes *y = at.y + first, &most = at.saved[2 * row], &rest = at.saved[2 * row + 1];
            most = largest(x);
            const Sums<1> sum = sum_over<1>(size_, [&](int64_t i, int p, Part(&term)[1]) {
                term[0] = exp_below(x[i * step_].part[p] - most.part[p]);
            });
            for (int p = 0; p < PARTS; p++) rest.part[p] = log(sum.of[0].part[p]);
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++)
                    y[i * step_].part[p] = (x[i * step_].part[p] - most.part[p]) - rest.part[p];
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        each_row([&](int64_t row, int64_t first) {
            const Lanes *x = at.x[0] + first, *dy = at.dy + first;
            const Lanes most = at.saved[2 * row], rest = at.saved[2 * row + 1];
            Lanes *dx = at.dx[0] + first;
            const Sums<1> sum = sum_over<1>(
                size_, [&](int64_t i, int p, Part(&term)[1]) { term[0] = dy[i * step_].part[p]; });
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++) {
                    const Part y = (x[i * step_].part[p] - most.part[p]) - rest.part[p];
                    dx[i * step_].part[p] =
                        fma(-exp_below(y), sum.of[0].part[p], dy[i * step_].part[p]);
                }
        });
    }

    int64_t saved() const override { return 2 * rows(); }
};

}  // namespace

REGISTER_OPERATION(log_softmax, LogSoftmax);
