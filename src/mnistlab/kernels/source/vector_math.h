// Elementary functions of Parts, without a call per value, to within 2 units in the last place.
//
// Arguments are reduced as by Cody and Waite (Software Manual for the Elementary Functions, 1980),
// which Cephes (Moshier) and SLEEF (Shibata and Petrogalli, 2020) do as well; the polynomials are
// minimax ones for the ranges that the comments name, rounded to float32. Denormals, infinities
// and NaN are those of the functions' definitions.
#pragma once

#include <cmath>

#include "lanes.h"

typedef uint32_t PartBits __attribute__((vector_size(WIDTH * sizeof(float))));

// first + x * (second + x * (third + ...))
inline Part horner(Part, float last) { return splat(last); }

template <class... Rest>
inline Part horner(Part x, float first, Rest... rest) {
    return fma(x, horner(x, rest...), splat(first));
}

inline Part absolute(Part x) { return Part(PartBits(x) & 0x7fffffffu); }

// The magnitude must not be negative.
inline Part with_sign_of(Part sign, Part magnitude) {
    return Part(PartBits(magnitude) | (PartBits(sign) & 0x80000000u));
}

// NaN stays NaN.
inline Part at_least(float limit, Part x) { return x < splat(limit) ? splat(limit) : x; }
inline Part at_most(float limit, Part x) { return x > splat(limit) ? splat(limit) : x; }
inline Part clamp(Part x, float least, float most) { return at_most(most, at_least(least, x)); }

// 1 / x to within a unit in the last place, for 1e-30 < x < 1e30, in a third of a division's time.
inline Part reciprocal(Part x) {
    // To 12 % by the exponent, then by Newton's method, with the cubic term first.
    const Part guess = Part(0x7ef311c7u - PartBits(x)), lack = fma(-x, guess, splat(1.0f));
    const Part near = fma(guess, fma(lack, fma(lack, lack, lack), lack), guess);
    return fma(near, fma(-x, near, splat(1.0f)), near);
}

inline Part square_root(Part x) {
    Part root;
    for (int i = 0; i < WIDTH; i++) root[i] = std::sqrt(x[i]);
    return root;
}

// 2^n for -126 <= n <= 127
inline Part power_of_two(PartMask n) { return Part((PartBits(n) + 127u) << 23); }

// x = n * ln(2) + r with |r| <= ln(2) / 2, for |x| below 10,000
struct ReducedExponent {
    Part n, r;

    explicit ReducedExponent(Part x) {
        // Adding 1.5 * 2^23 rounds to a whole number.
        const Part shifter = splat(12582912.0f);
        n = fma(x, 1.44269504f, shifter) - shifter;
        r = fma(n, -1.42860677e-6f, fma(n, -0.693145752f, x));
    }

    // exp(r) - 1
    Part rest() const {
        return fma(r * r, horner(r, 0.5f, 0.16666535f, 0.04166724f, 0.008367439f, 0.0013863468f),
                   r);
    }
};

// exp(x) for -150 < x < 89 and NaN
inline Part exp_within(Part x) {
    const ReducedExponent reduced(x);
    return scaled(1.0f + reduced.rest(), reduced.n);
}

// exp(x) for x < 89 and NaN
inline Part exp_below(Part x) {
    const ReducedExponent reduced(at_least(-104.0f, x));
    const Part power = 1.0f + reduced.rest();
    // Zero is told beforehand: processors take a hundred cycles for a product that underflows.
    return scaled(x < splat(-104.0f) ? splat(0.0f) : power, reduced.n);
}

inline Part exp(Part x) { return exp_below(at_most(89.0f, x)); }

// exp(x) - 1
inline Part expm1(Part x) {
    const ReducedExponent reduced(clamp(x, -30.0f, 89.0f));
    const Part rest = reduced.rest(), half = scaled(splat(1.0f), reduced.n - 1.0f);
    return reduced.n == splat(0.0f) ? rest : 2.0f * fma(half, rest, half - 0.5f);
}

// x = 2^k * m with sqrt(1/2) <= m < sqrt(2), for normal x > 0
struct ReducedLogarithm {
    PartMask k;
    Part m;

    explicit ReducedLogarithm(Part x) {
        k = PartMask(PartBits(x) - 0x3f3504f3u) >> 23;
        m = Part(PartBits(x) - (PartBits(k) << 23));
    }

    // k * ln(2) + log(1 + f), where f is near m - 1
    Part logarithm(Part f) const {
        // So that no square underflows, which is slow.
        const Part visible = absolute(f) < splat(1e-12f) ? splat(0.0f) : f;
        const Part whole = __builtin_convertvector(k, Part), square = visible * visible;
        const Part rest = horner(f, 0.3333333f, -0.2500082f, 0.20001242f, -0.16623409f, 0.1420158f,
                                 -0.1315961f, 0.12762217f, -0.07636439f);
        const Part low = fma(square, -0.5f, fma(visible * square, rest, whole * -2.12194442e-4f));
        return fma(whole, 0.693359375f, f + low);
    }
};

// What a logarithm is outside of 0 < x < infinity.
inline Part logarithm_or_limit(Part x, Part logarithm) {
    const Part infinity = splat(INFINITY);
    const Part outside = x == splat(0.0f) ? -infinity : splat(NAN);
    return x > splat(0.0f) ? (x == infinity ? infinity : logarithm) : outside;
}

inline Part log(Part x) {
    const PartMask denormal = x < splat(0x1p-126f);
    ReducedLogarithm reduced(denormal ? x * 0x1p23f : x);
    reduced.k -= denormal & 23;
    return logarithm_or_limit(x, reduced.logarithm(reduced.m - 1.0f));
}

// log(1 + x)
inline Part log1p(Part x) {
    const Part sum = 1.0f + x;
    const ReducedLogarithm reduced(sum);
    // What rounding took from the sum, unless it is too large for that to matter.
    const Part lost = (x - (sum - 1.0f)) * power_of_two(-reduced.k);
    const Part f = (reduced.m - 1.0f) + (x < splat(0x1p24f) ? lost : splat(0.0f));
    return logarithm_or_limit(sum, reduced.logarithm(f));
}

// 1 / (1 + exp(-x))
inline Part sigmoid(Part x) {
    const Part power = exp_below(-absolute(x));
    return (x < splat(0.0f) ? power : splat(1.0f)) / (1.0f + power);
}

// The same and its derivative, without cancellation.
struct SigmoidSlope {
    Part value, slope;

    explicit SigmoidSlope(Part x) {
        const Part power = exp_below(-absolute(x)), larger = 1.0f / (1.0f + power);
        const Part smaller = power * larger;
        value = x < splat(0.0f) ? smaller : larger;
        slope = smaller * larger;
    }
};

inline Part tanh(Part x) {
    const Part size = absolute(x), square = x * x;
    // Up to 0.625.
    const Part near = fma(
        x * square,
        horner(square, -0.3333328f, 0.13331406f, -0.053736515f, 0.020628167f, -0.0056922967f), x);
    const Part far = with_sign_of(x, 1.0f - 2.0f / (exp(2.0f * size) + 1.0f));
    return size < splat(0.625f) ? near : far;
}

// log(1 + exp(x))
inline Part softplus(Part x) {
    return (x > splat(0.0f) ? x : splat(0.0f)) + log1p(exp_below(-absolute(x)));
}

// exp(x * x) * erfc(x) for 0 <= x <= 10.2, good for as long as exp(-x * x) is not zero.
inline Part scaled_erfc(Part x) {
    return horner(x, 1.0f, 1.2396603f, 0.7329143f, 0.22984374f, 0.03292785f) *
           reciprocal(horner(x, 1.0f, 2.36804f, 2.4049518f, 1.3278145f, 0.4074132f, 0.058362413f));
}

inline Part erf(Part x) {
    const Part size = at_most(4.0f, absolute(x)), square = size * size;
    // Up to 0.875.
    const Part near = fma(x,
                          horner(square, 0.12837917f, -0.3761263f, 0.11283623f, -0.026855364f,
                                 0.0051909415f, -0.00080264197f, 7.867642e-05f),
                          x);
    const Part far = with_sign_of(x, fma(exp_within(-square), -scaled_erfc(size), splat(1.0f)));
    return size < splat(0.875f) ? near : far;
}
