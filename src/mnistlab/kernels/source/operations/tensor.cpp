// A parameter or a buffer as a value, the same for all images: a class token, learned positions.
#include "../operation.h"

namespace {

class Tensor : public Operation {
   public:
    using Operation::Operation;

    void forward(const Forward &at) const override {
        const float *const from = signature.parameters.empty() ? static_cast<const float *>(at.buffers[0]) : at.parameters[0];
        for (int64_t i = 0; i < product(signature.output); i++)
            for (int p = 0; p < PARTS; p++) at.y[i].part[p] = splat(from[i]);
    }

    void backward(const Backward &at) const override {
        if (signature.parameters.empty() || !at.gradients[0]) return;
        for (int64_t i = 0; i < product(signature.output); i++) {
            Part sum{};
            for (int p = 0; p < PARTS; p++) sum += at.dy[i].part[p];
            at.gradients[0][i] = (at.add_gradients[0] ? at.gradients[0][i] : 0.0f) + total(sum);
        }
    }
};

}  // namespace

REGISTER_OPERATION(tensor, Tensor);
