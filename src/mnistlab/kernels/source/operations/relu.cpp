// max(x, 0).
#include "../fused.h"
#include "../operation.h"

namespace {

class Relu : public Operation {
   public:
    using Operation::Operation;

    void forward(const Forward &at) const override {
        for (int64_t i = 0; i < product(signature.output); i++)
            for (int p = 0; p < PARTS; p++) at.y[i].part[p] = rectify<true>(at.x[0][i].part[p]);
    }

    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        for (int64_t i = 0; i < product(signature.output); i++)
            for (int p = 0; p < PARTS; p++) {
                const Part grad = relu_grad<true>(at.x[0][i].part[p], at.dy[i].part[p]);
                at.dx[0][i].part[p] = at.add[0] ? at.dx[0][i].part[p] + grad : grad;
            }
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
};

}  // namespace

REGISTER_OPERATION(relu, Relu);
