// y = the largest x over some axes; NaN if one is.
// Integers: 1 if only the first of several largest gets the gradient, as of torch.max, 0 if they
// share it, as of torch.amax; then the axes.
#include "../reduce.h"

namespace {

class Amax : public Operation {
   public:
    explicit Amax(const Signature &signature)
        : Operation(signature),
          first_(signature.integers[0]),
          reduction_(signature.inputs[0],
                     {signature.integers.begin() + 1, signature.integers.end()}) {}

    void forward(const Forward &at) const override {
        reduction_.each([&](int64_t first, int64_t step, int count, int64_t index) {
            counted(count, [&](auto beside) {
                constexpr int COUNT = beside;
                for (int p = 0; p < PARTS; p++) {
                    Part best[COUNT];
                    largest<COUNT>(at.x[0] + first, step, p, best);
                    for (int k = 0; k < COUNT; k++) at.y[index + k].part[p] = best[k];
                }
            });
        });
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        reduction_.each([&](int64_t first, int64_t step, int count, int64_t index) {
            counted(count, [&](auto beside) {
                constexpr int COUNT = beside;
                for (int p = 0; p < PARTS; p++) {
                    Part best[COUNT], grad[COUNT];
                    largest<COUNT>(at.x[0] + first, step, p, best);
                    for (int k = 0; k < COUNT; k++) grad[k] = at.dy[index + k].part[p];
                    if (!first_) share<COUNT>(at.x[0] + first, step, p, best, grad);
                    give<COUNT>(at.x[0] + first, at.dx[0] + first, step, p, best, grad, at.add[0]);
                }
            });
        });
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    template <int COUNT>
    void largest(const Lanes *x, int64_t step, int p, Part *best) const {
        for (int k = 0; k < COUNT; k++) best[k] = x[k * step].part[p];
        reduction_.within([&](int64_t offset) {
            for (int k = 0; k < COUNT; k++) {
                const Part next = x[offset + k * step].part[p];
                best[k] = ((next > best[k]) | (next != next)) ? next : best[k];
            }
        });
    }

    template <int COUNT>
    void share(const Lanes *x, int64_t step, int p, const Part *best, Part *grad) const {
        Part among[COUNT] = {};
        reduction_.within([&](int64_t offset) {
            for (int k = 0; k < COUNT; k++)
                among[k] += x[offset + k * step].part[p] == best[k] ? splat(1) : splat(0);
        });
        // Of no number at all where one is NaN: in PyTorch all gradients are NaN then.
        for (int k = 0; k < COUNT; k++) grad[k] = best[k] == best[k] ? grad[k] / among[k] : best[k];
    }

    template <int COUNT>
    void give(const Lanes *x, Lanes *dx, int64_t step, int p, const Part *best, const Part *grad,
              bool add) const {
        PartMask given[COUNT] = {};
        reduction_.within([&](int64_t offset) {
            for (int k = 0; k < COUNT; k++) {
                const Part value = x[offset + k * step].part[p];
                PartMask nan = best[k] != best[k];
                if (first_) nan &= value != value;
                const PartMask largest = (value == best[k]) | nan;
                const Part to = (largest & ~given[k]) ? grad[k] : splat(0);
                if (first_) given[k] |= largest;
                Part &result = dx[offset + k * step].part[p];
                result = add ? result + to : to;
            }
        });
    }

    const bool first_;
    const Reduction reduction_;
};

REGISTER_OPERATION(amax, Amax);

}  // namespace
