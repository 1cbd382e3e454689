// 2-d convolution; integers: kernel height and width, stride (2), dilation (2), padding above,
// left, below and right, groups.
#include "../convolution.h"
#include "../operation.h"

namespace {

class ConvolutionOperation : public Operation {
   public:
    explicit ConvolutionOperation(const Signature &signature)
        : Operation(signature), convolution_(shape(signature)) {}

    void forward(const Forward &at) const override {
        convolution_.forward(at.x[0], at.parameters[0], at.prepared, at.parameters[1], at.y,
                             at.scratch, at.crew);
    }

    void backward(const Backward &at) const override {
        convolution_.to_weights(at.x[0], at.dy, at.gradients[0], at.add_gradients[0],
                                at.gradients[1], at.add_gradients[1], at.scratch, at.crew);
        if (!at.dx[0]) return;
        at.crew.meet();  // dx may lie where x did
        convolution_.to_input(at.dy, at.parameters[0], at.prepared, at.dx[0], at.scratch, at.add[0],
                              at.crew);
    }

    int64_t scratch() const override { return convolution_.scratch(); }
    int64_t prepared() const override { return convolution_.prepared(); }
    void prepare(const float *const *parameters, Lanes *prepared) const override {
        convolution_.prepare(parameters[0], prepared);
    }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }
    GradientLayout gradient_layout(int parameter) const override {
        if (parameter) return Operation::gradient_layout(parameter);
        return {signature.output[0], convolution_.gradient_step()};
    }

   private:
    static ConvolutionShape shape(const Signature &signature) {
        const auto in = [&](int i) { return static_cast<int>(signature.inputs[0][i]); };
        const auto at = [&](int i) { return static_cast<int>(signature.integers[i]); };
        return {in(0), in(1), in(2), static_cast<int>(signature.output[0]),
                at(0), at(1), at(2), at(3),
                at(4), at(5), at(6), at(7),
                at(8), at(9), at(10)};
    }

    const Convolution convolution_;
};

}  // namespace

REGISTER_OPERATION(convolution, ConvolutionOperation);
