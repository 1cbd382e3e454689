// SiLU, also called Swish: x * sigmoid(x).
#include "elementwise.h"

namespace {

struct Silu {
    explicit Silu(const Signature &) {}

    Part value(Part x) const { return x / (1.0f + exp(-x)); }

    Part gradient(Part x, Part dy) const {
        const SigmoidSlope share(x);
        return dy * (share.value + x * share.slope);
    }
};

}  // namespace

REGISTER_OPERATION(silu, Elementwise<Silu>);
