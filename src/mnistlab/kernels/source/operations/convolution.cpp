// 2-d convolution; integers: kernel height and width, stride (2), dilation (2), padding above, left,
// below and right, groups.
#include "../convolution.h"
#include "../operation.h"

namespace {

class ConvolutionOperation : public Operation {
   public:
    explicit ConvolutionOperation(const Signature &signature)
        : Operation(signature), convolution_(shape(signature.inputs[0]), shape(signature.output), signature.integers[0], signature.integers[1], signature.integers[6], signature.integers[7]) {}

    void forward(const Forward &at) const override {
        convolution_.forward(at.x[0], at.parameters[0], at.parameters[1], at.y, at.scratch);
    }

    void backward(const Backward &at) const override {
        convolution_.to_weights(at.x[0], at.dy, at.gradients[0], at.add_gradients[0], at.gradients[1], at.add_gradients[1], at.scratch);
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
    static Shape shape(const Dimensions &of) {
        return {static_cast<int32_t>(of[0]), static_cast<int32_t>(of[1]), static_cast<int32_t>(of[2])};
    }

    const Convolution convolution_;
};

}  // namespace

REGISTER_OPERATION(convolution, ConvolutionOperation);
