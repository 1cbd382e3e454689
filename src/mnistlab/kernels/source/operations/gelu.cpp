// GELU (Hendrycks and Gimpel, 2016): x * P(x), where P is the normal distribution's, or, if the
// integer says so, sigmoid(2 u), u = sqrt(2 / pi) * (x + 0.044715 x^3), which is (1 + tanh(u)) / 2.
#include "elementwise.h"

namespace {

// exp(-x * x / 2)
Part density(Part x) { return exp(-0.5f * (x * x)); }

// Without the cancellation in 1 + erf(x) far below zero.
Part distribution(Part x, Part density) {
    const Part tail = 0.5f * density * scaled_erfc(absolute(x) * 0.70710678f);
    return x < splat(0.0f) ? tail : 1.0f - tail;
}

Part twice(Part x) { return x * (1.59576912f + 0.07135481f * (x * x)); }
Part slope(Part x) { return 1.59576912f + 0.21406444f * (x * x); }  // of `twice`

struct Gelu {
    const bool tanh;

    explicit Gelu(const Signature &signature) : tanh(signature.integers[0]) {}

    Part value(Part x) const {
        return x * (tanh ? sigmoid(twice(x)) : distribution(x, density(x)));
    }

    Part gradient(Part x, Part dy) const {
        if (tanh) {
            const SigmoidSlope share(twice(x));
            return dy * (share.value + x * slope(x) * share.slope);
        }
        const Part power = density(x);
        return dy * (distribution(x, power) + x * power * 0.39894228f);  // 1 / sqrt(2 pi)
    }
};

}  // namespace

REGISTER_OPERATION(gelu, Elementwise<Gelu>);
