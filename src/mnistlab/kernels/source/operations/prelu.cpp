// PReLU (He et al., 2015). parameters: the slope below zero, of each channel or of all.
#include "../operation.h"
#include "../sums.h"

namespace {

class Prelu final : public Operation {
   public:
    explicit Prelu(const Signature &signature)
        : Operation(signature),
          channels_(signature.parameters[0]),
          size_(product(signature.output) / channels_) {}

    void forward(const Forward &at) const override {
        const Lanes *x = at.x[0];
        Lanes *y = at.y;
        for (int64_t c = 0; c < channels_; c++)
            for (int64_t i = 0; i < size_; i++, x++, y++)
                for (int p = 0; p < PARTS; p++)
                    y->part[p] =
                        x->part[p] > splat(0.0f) ? x->part[p] : x->part[p] * at.parameters[0][c];
    }

    void backward(const Backward &at) const override {
        float *gradient = at.gradients[0];
        for (int64_t c = 0; c < channels_; c++) {
            const Lanes *x = at.x[0] + c * size_, *dy = at.dy + c * size_;
            if (gradient) {
                const Sums<1> sum = sum_over<1>(size_, [&](int64_t i, int p, Part(&term)[1]) {
                    const Part value = x[i].part[p];
                    term[0] = value > splat(0.0f) ? splat(0.0f) : value * dy[i].part[p];
                });
                gradient[c] = total(sum.of[0]) + (at.add_gradients[0] ? gradient[c] : 0.0f);
            }
            if (!at.dx[0]) continue;
            const float slope = at.parameters[0][c];
            Lanes *dx = at.dx[0] + c * size_;
            for (int64_t i = 0; i < size_; i++)
                for (int p = 0; p < PARTS; p++) {
                    const Part grad = dy[i].part[p];
                    const Part own = x[i].part[p] > splat(0.0f) ? grad : grad * slope;
                    dx[i].part[p] = at.add[0] ? dx[i].part[p] + own : own;
                }
        }
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    const int64_t channels_, size_;
};

}  // namespace

REGISTER_OPERATION(prelu, Prelu);
