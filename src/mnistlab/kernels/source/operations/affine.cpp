// scale * x + shift. floats: scale, shift.
#include "elementwise.h"

namespace {

struct ScaleAndShift {
    const float scale, shift;

    explicit ScaleAndShift(const Signature &signature)
        : scale(static_cast<float>(signature.floats[0])),
          shift(static_cast<float>(signature.floats[1])) {}

    Part value(Part x) const { return fma(x, scale, splat(shift)); }
    Part gradient(Part, Part dy) const { return dy * scale; }
};

}  // namespace

REGISTER_OPERATION(affine, Elementwise<ScaleAndShift>);
