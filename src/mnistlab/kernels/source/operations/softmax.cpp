// Softmax along an axis, of x times a number above 0 if there is one. The backward pass reads the
// result, which is cheaper than exp.
#include "axis.h"

namespace {

class Softmax final : public AlongAxis {
   public:
    explicit Softmax(const Signature &signature)
        : AlongAxis(signature),
          scale_(signature.floats.empty() ? 1.0f : static_cast<float>(signature.floats[0])) {}

    void forward(const Forward &at) const override {
        each_row([&](int64_t, int64_t first) {
            const Lanes *x = at.x[0] + first;
            Lanes *y = at.y + first;
            const Lanes most = largest(x);
            const Sums<1> sum = sum_over<1>(size_, [&](int64_t i, int p, Part(&term)[1]) {
                term[0] = y[i * step_].part[p] =
                    exp_below((x[i * step_].part[p] - most.part[p]) * scale_);
            });
            Lanes share;
            for (int p = 0; p < PARTS; p++) share.part[p] = 1.0f / sum.of[0].part[p];
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++) y[i * step_].part[p] *= share.part[p];
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        each_row([&](int64_t, int64_t first) {
            const Lanes *y = at.y + first, *dy = at.dy + first;
            Lanes *dx = at.dx[0] + first;
            const Sums<1> sum = sum_over<1>(size_, [&](int64_t i, int p, Part(&term)[1]) {
                term[0] = y[i * step_].part[p] * dy[i * step_].part[p];
            });
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++)
                    dx[i * step_].part[p] =
                        y[i * step_].part[p] * scale_ * (dy[i * step_].part[p] - sum.of[0].part[p]);
        });
    }

    bool reads_output() const override { return true; }

   private:
    const float scale_;
};

}  // namespace

REGISTER_OPERATION(softmax, Softmax);
