// ELU (Clevert et al., 2016), and with other factors SELU and CELU: positive * x above zero,
// negative * (exp(inner * x) - 1) below. floats: negative, positive, inner.
#include "elementwise.h"

namespace {

struct Elu {
    const float negative, positive, inner;

    explicit Elu(const Signature &signature)
        : negative(static_cast<float>(signature.floats[0])),
          positive(static_cast<float>(signature.floats[1])),
          inner(static_cast<float>(signature.floats[2])) {}

    Part value(Part x) const {
        return x > splat(0.0f) ? x * positive : expm1(x * inner) * negative;
    }

    Part gradient(Part x, Part dy) const {
        return x > splat(0.0f) ? dy * positive : dy * (inner * negative) * exp(x * inner);
    }
};

}  // namespace

REGISTER_OPERATION(elu, Elementwise<Elu>);
