// Hard swish (Howard et al., 2019): x * hardsigmoid(x).
#include "elementwise.h"

namespace {

struct Hardswish {
    explicit Hardswish(const Signature &) {}
    Part value(Part x) const { return x * (clamp(x + 3.0f, 0.0f, 6.0f) / 6.0f); }

    Part gradient(Part x, Part dy) const {
        const Part within = dy * (x / 3.0f + 0.5f);
        return x <= splat(-3.0f) ? splat(0.0f) : x >= splat(3.0f) ? dy : within;
    }
};

}  // namespace

REGISTER_OPERATION(hardswish, Elementwise<Hardswish>);
