// The sum of two values of the same shape.
#include "../operation.h"

namespace {

class Add : public Operation {
   public:
    using Operation::Operation;

    void forward(const Forward &at) const override {
        for (int64_t i = 0; i < product(signature.output); i++)
            for (int p = 0; p < PARTS; p++) at.y[i].part[p] = at.x[0][i].part[p] + at.x[1][i].part[p];
    }

    void backward(const Backward &at) const override {
        for (int input = 0; input < 2; input++) {
            Lanes *const dx = at.dx[input];
            if (!dx) continue;
            for (int64_t i = 0; i < product(signature.output); i++)
                for (int p = 0; p < PARTS; p++)
                    dx[i].part[p] = at.add[input] ? dx[i].part[p] + at.dy[i].part[p] : at.dy[i].part[p];
        }
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
};

}  // namespace

REGISTER_OPERATION(add, Add);
