// transposed_convolution: the gradient of a convolution with respect to its input, as a layer.
//
// Its output is what that convolution reads, and its input what it gives; weights lie as that
// convolution's do: (inputs, outputs of a group, height, width).
// integers: as convolution's. parameters: weight, bias.
#include "../convolution.h"
#include "../operation.h"

namespace {

class TransposedConvolution final : public Operation {
   public:
    explicit TransposedConvolution(const Signature &signature)
        : Operation(signature), convolution_(shape(signature)) {}

    void forward(const Forward &at) const override {
        convolution_.to_input(at.x[0], at.parameters[0], at.prepared, at.y, at.scratch, false,
                              at.crew);
        if (!at.parameters[1]) return;
        const Share mine = at.crew.share(signature.output[0]);
        for (int64_t c = mine.begin; c < mine.end; c++)
            for (int64_t i = c * positions(); i < (c + 1) * positions(); i++)
                for (int p = 0; p < PARTS; p++) at.y[i].part[p] += at.parameters[1][c];
    }

    void backward(const Backward &at) const override {
        convolution_.to_weights(at.dy, at.x[0], at.gradients[0], at.add_gradients[0], nullptr,
                                false, at.scratch, at.crew);
        if (at.gradients[1])
            Convolution::sum_positions(at.dy, static_cast<int>(signature.output[0]), positions(),
                                       at.gradients[1], at.add_gradients[1], at.crew);
        if (!at.dx[0]) return;
        at.crew.meet();  // dx may lie where x did
        convolution_.forward(at.dy, at.parameters[0], at.prepared, nullptr, at.dx[0], at.scratch,
                             at.crew);
    }

    int64_t scratch() const override { return convolution_.scratch(); }
    int64_t prepared() const override { return convolution_.prepared(); }
    void prepare(const float *const *parameters, Lanes *prepared) const override {
        convolution_.prepare(parameters[0], prepared);
    }
    bool in_place(int) const override { return true; }
    bool splits() const override { return true; }
    GradientLayout gradient_layout(int parameter) const override {
        if (parameter) return Operation::gradient_layout(parameter);
        return {signature.inputs[0][0], convolution_.gradient_step()};
    }

   private:
    static ConvolutionShape shape(const Signature &signature) {
        const auto at = [&](int i) { return static_cast<int>(signature.integers[i]); };
        const auto out = [&](int i) { return static_cast<int>(signature.output[i]); };
        return {out(0), out(1), out(2), static_cast<int>(signature.inputs[0][0]),
                at(0),  at(1),  at(2),  at(3),
                at(4),  at(5),  at(6),  at(7),
                at(8),  at(9),  at(10)};
    }

    int64_t positions() const { return signature.output[1] * signature.output[2]; }

    const Convolution convolution_;
};

}  // namespace

REGISTER_OPERATION(transposed_convolution, TransposedConvolution);
