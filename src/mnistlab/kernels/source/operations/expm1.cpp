// exp(x) - 1.
#include "elementwise.h"

namespace {

struct Expm1 {
    explicit Expm1(const Signature &) {}
    Part value(Part x) const { return expm1(x); }
    Part gradient_from_output(Part y, Part dy) const { return dy * (y + 1.0f); }
};

}  // namespace

REGISTER_OPERATION(expm1, Elementwise<Expm1>);
