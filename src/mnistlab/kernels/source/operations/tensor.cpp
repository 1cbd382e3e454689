// y = a parameter or a buffer, the same for every image.
#include "../operation.h"

namespace {

class Spread : public Operation {
   public:
    using Operation::Operation;

    void forward(const Forward &at) const override {
        const bool trained = !signature.parameters.empty();
        const float *values =
            trained ? at.parameters[0] : static_cast<const float *>(at.buffers[0]);
        for (int64_t i = 0; i < product(signature.output); i++)
            for (int p = 0; p < PARTS; p++) at.y[i].part[p] = splat(values[i]);
    }

    void backward(const Backward &at) const override {
        if (signature.parameters.empty() || !at.gradients[0]) return;
        for (int64_t i = 0; i < product(signature.output); i++) {
            const float before = at.add_gradients[0] ? at.gradients[0][i] : 0.0f;
            at.gradients[0][i] = before + total(at.dy[i]);
        }
    }
};

REGISTER_OPERATION(tensor, Spread);

}  // namespace
