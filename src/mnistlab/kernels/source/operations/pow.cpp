// x to a power. floats: the exponent, a multiple of 1/4, so that roots and products do.
#include "elementwise.h"

namespace {

struct Pow {
    const float exponent;

    explicit Pow(const Signature &signature) : exponent(static_cast<float>(signature.floats[0])) {}

    static Part raise(Part x, float exponent) {
        const int quarters = static_cast<int>(4 * std::abs(exponent));
        Part result = splat(1.0f), power = x;
        if (quarters % 4) {
            const Part root = square_root(x), second = quarters % 2 ? square_root(root) : root;
            result = quarters % 4 == 3 ? root * second : second;
        }
        for (int bits = quarters / 4; bits > 0; bits /= 2, power *= power)
            if (bits % 2) result *= power;
        return exponent < 0 ? 1.0f / result : result;
    }

    Part value(Part x) const { return raise(x, exponent); }
    Part gradient(Part x, Part dy) const { return dy * (exponent * raise(x, exponent - 1)); }
};

}  // namespace

REGISTER_OPERATION(pow, Elementwise<Pow>);
