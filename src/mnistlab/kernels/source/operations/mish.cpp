// Mish (Misra, 2020): x * tanh(log(1 + w)), w = exp(x); the tanh is n / (n + 2), n = w * (w + 2).
#include "elementwise.h"

namespace {

struct Mish {
    explicit Mish(const Signature &) {}

    // From 20 on, tanh is 1, and n would overflow in time.
    static Part power(Part x) { return exp(x > splat(20.0f) ? splat(20.0f) : x); }

    Part value(Part x) const {
        const Part w = power(x), n = w * (w + 2.0f);
        return x * (n / (n + 2.0f));
    }

    Part gradient(Part x, Part dy) const {
        const Part w = power(x), n = w * (w + 2.0f), below = n + 2.0f;
        const Part slope = 4.0f * w * (w + 1.0f) / (below * below);  // of the tanh
        return dy * fma(x > splat(20.0f) ? splat(0.0f) : x, slope, n / below);
    }
};

}  // namespace

REGISTER_OPERATION(mish, Elementwise<Mish>);
