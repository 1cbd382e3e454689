// (x + 3) / 6, within 0 and 1.
#include "elementwise.h"

namespace {

struct Hardsigmoid {
    explicit Hardsigmoid(const Signature &) {}
    Part value(Part x) const { return clamp(x + 3.0f, 0.0f, 6.0f) / 6.0f; }

    Part gradient(Part x, Part dy) const {
        return ((x > splat(-3.0f)) & (x < splat(3.0f))) ? dy * (1.0f / 6) : splat(0.0f);
    }
};

}  // namespace

REGISTER_OPERATION(hardsigmoid, Elementwise<Hardsigmoid>);
