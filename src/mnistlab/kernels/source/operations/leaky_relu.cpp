// floats: the slope below zero.
#include "elementwise.h"

namespace {

struct LeakyRelu {
    const float slope;

    explicit LeakyRelu(const Signature &signature)
        : slope(static_cast<float>(signature.floats[0])) {}

    Part value(Part x) const { return x > splat(0.0f) ? x : x * slope; }
    Part gradient(Part x, Part dy) const { return x > splat(0.0f) ? dy : dy * slope; }
};

}  // namespace

REGISTER_OPERATION(leaky_relu, Elementwise<LeakyRelu>);
