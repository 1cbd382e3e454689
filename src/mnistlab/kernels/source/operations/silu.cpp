// SiLU, also called Swish: x * sigmoid(x).
#include "elementwise.h"

namespace {

struct Silu {
    explicit Silu(const Signature &) {}

    Part value(Part x) const { return x / (1.0f + exp(-x)); }

    Part gradient(Part x, Part dy) const {
        const SigmoidSlope share(x);
        return dy * fma(x, share.slope, share.value);
    }
};

}  // namespace

REGISTER_OPERATION(silu, Elementwise<Silu>);
