// GELU (Hendrycks and Gimpel, 2016): x * P(x), where P is the normal distribution's, or, if the
// integer says so, sigmoid(2 u), u = sqrt(2 / pi) * (x + 0.044715 x^3), which is (1 + tanh(u)) / 2.
#include "elementwise.h"

namespace {

// Of the normal distribution.
struct Normal {
    Part density;  // exp(-x * x / 2)
    Part share;    // below x, without the cancellation in 1 + erf(x)

    explicit Normal(Part x) {
        const Part size = at_most(14.5f, absolute(x));  // where the density is zero
        density = exp_within(-0.5f * (size * size));
        const Part tail = 0.5f * density * scaled_erfc(size * 0.70710678f);
        share = x < splat(0.0f) ? tail : 1.0f - tail;
    }
};

Part twice(Part x) { return x * fma(x * x, 0.07135481f, splat(1.59576912f)); }
Part slope(Part x) { return fma(x * x, 0.21406444f, splat(1.59576912f)); }  // of `twice`

struct Gelu {
    const bool tanh;

    explicit Gelu(const Signature &signature) : tanh(signature.integers[0]) {}

    Part value(Part x) const { return x * (tanh ? sigmoid(twice(x)) : Normal(x).share); }

    Part gradient(Part x, Part dy) const {
        if (tanh) {
            const SigmoidSlope share(twice(x));
            return dy * fma(x * slope(x), share.slope, share.value);
        }
        const Normal normal(x);
        return dy * fma(x * normal.density, 0.39894228f, normal.share);  // 1 / sqrt(2 pi)
    }
};

}  // namespace

REGISTER_OPERATION(gelu, Elementwise<Gelu>);
