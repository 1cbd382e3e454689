// |x|. At zero its gradient is zero.
#include "elementwise.h"

namespace {

struct Abs {
    explicit Abs(const Signature &) {}
    Part value(Part x) const { return absolute(x); }

    Part gradient(Part x, Part dy) const {
        const Part zero = splat(0.0f);
        return x > zero ? dy : x < zero ? -dy : zero;
    }
};

}  // namespace

REGISTER_OPERATION(abs, Elementwise<Abs>);
