// 1 / (1 + exp(-x)).
#include "elementwise.h"

namespace {

struct Sigmoid {
    explicit Sigmoid(const Signature &) {}
    Part value(Part x) const { return sigmoid(x); }
    Part gradient_from_output(Part y, Part dy) const { return dy * (y * (1.0f - y)); }
};

}  // namespace

REGISTER_OPERATION(sigmoid, Elementwise<Sigmoid>);
