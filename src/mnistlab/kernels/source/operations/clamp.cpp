// floats: the least and the most value. At both the gradient passes, unlike that of `hardtanh`.
#include "elementwise.h"

namespace {

struct Clamp {
    const float least, most;

    explicit Clamp(const Signature &signature)
        : least(static_cast<float>(signature.floats[0])),
          most(static_cast<float>(signature.floats[1])) {}

    Part value(Part x) const { return clamp(x, least, most); }

    Part gradient(Part x, Part dy) const {
        return ((x >= splat(least)) & (x <= splat(most))) ? dy : splat(0.0f);
    }
};

}  // namespace

REGISTER_OPERATION(clamp, Elementwise<Clamp>);
