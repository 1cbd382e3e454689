// A linear layer on a vector: a convolution whose kernel covers the whole image.
#include "../convolution.h"
#include "../operation.h"

namespace {

class Linear : public Operation {
   public:
    explicit Linear(const Signature &signature)
        : Operation(signature),
          convolution_({static_cast<int32_t>(signature.inputs[0][0]), 1, 1},
                       {static_cast<int32_t>(signature.output[0]), 1, 1}, 1, 1, 0, 0) {}

    void forward(const Forward &at) const override {
        convolution_.forward(at.x[0], at.parameters[0], at.parameters[1], at.y, at.scratch);
    }

    void backward(const Backward &at) const override {
        convolution_.to_weights(at.x[0], at.dy, at.gradients[0], at.add_gradients[0], at.gradients[1],
                                at.add_gradients[1], at.scratch);
        if (at.dx[0]) convolution_.to_input(at.dy, at.parameters[0], at.dx[0], at.scratch, at.add[0]);
    }

    int64_t scratch() const override { return convolution_.scratch(); }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    GradientLayout gradient_layout(int parameter) const override {
        if (parameter) return Operation::gradient_layout(parameter);
        return {signature.output[0], convolution_.gradient_step()};
    }

   private:
    const Convolution convolution_;
};

}  // namespace

REGISTER_OPERATION(linear, Linear);
