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
    return first + x * horner(x, rest...);
}

inline Part absolute(Part x) { return Part(PartBits(x) & 0x7fffffffu); }

// The magnitude must not be negative.
inline Part with_sign_of(Part sign, Part magnitude) {
    return Part(PartBits(magnitude) | (PartBits(sign) & 0x80000000u));
}

// NaN stays NaN.
inline Part clamp(Part x, float least, float most) {
    x = x < splat(least) ? splat(least) : x;
    return x > splat(most) ? splat(most) : x;
}

inline Part square_root(Part x) {
    Part root;
    for (int i = 0; i < WIDTH; i++) root[i] = std::sqrt(x[i]);
    return root;
}

// 2^n for -126 <= n <= 127
inline Part power_of_two(PartMask n) { return Part((PartBits(n) + 127u) << 23); }

// x = n * ln(2) + r with |r| <= ln(2) / 2, for |x| below 10,000; r is high + low, and high exact.
struct ReducedExponent {
    PartMask n;
    Part high, low;

    explicit ReducedExponent(Part x) {
        // Adding 1.5 * 2^23 rounds to a whole number, which the low bits then hold.
        const Part shifter = splat(12582912.0f), shifted = x * 1.44269504f + shifter;
        const Part whole = shifted - shifter;
        n = PartMask(PartBits(shifted) - PartBits(shifter));
        high = x - whole * 0.693145752f;
        low = whole * -1.42860677e-6f;
    }

    // exp(r) - 1 - high
    Part rest() const {
        const Part r = high + low;
        return low + r * r * horner(r, 0.5f, 0.16666535f, 0.04166724f, 0.008367439f, 0.0013863468f);
    }
};

inline Part exp(Part x) {
    const ReducedExponent reduced(clamp(x, -104.0f, 89.0f));
    const Part sum = 1.0f + reduced.high, lost = reduced.high - (sum - 1.0f);
    const Part power = sum + (lost + reduced.rest());
    // In two factors, since 2^n alone may overflow, or be denormal. Zero is told beforehand:
    // processors take a hundred cycles for a product that underflows.
    const PartMask half = reduced.n >> 1;
    return (x < splat(-104.0f) ? splat(0.0f) : power) * power_of_two(half) *
           power_of_two(reduced.n - half);
}

// exp(x) - 1
inline Part expm1(Part x) {
    const ReducedExponent reduced(clamp(x, -30.0f, 89.0f));
    const Part near = reduced.high + reduced.rest(), half = power_of_two(reduced.n - 1);
    return reduced.n == 0 ? near : 2.0f * (half * near + (half - 0.5f));
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
        const Part low = visible * square * rest + whole * -2.12194442e-4f - 0.5f * square;
        return (f + low) + whole * 0.693359375f;
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
    const Part power = exp(-absolute(x));
    return (x < splat(0.0f) ? power : splat(1.0f)) / (1.0f + power);
}

// The same and its derivative, without cancellation.
struct SigmoidSlope {
    Part value, slope;

    explicit SigmoidSlope(Part x) {
        const Part power = exp(-absolute(x)), larger = 1.0f / (1.0f + power);
        const Part smaller = power * larger;
        value = x < splat(0.0f) ? smaller : larger;
        slope = smaller * larger;
    }
};

inline Part tanh(Part x) {
    const Part size = absolute(x), square = x * x;
    // Up to 0.625.
    const Part near = x + x * square *
                              horner(square, -0.3333328f, 0.13331406f, -0.053736515f, 0.020628167f,
                                     -0.0056922967f);
    const Part far = with_sign_of(x, 1.0f - 2.0f / (exp(2.0f * size) + 1.0f));
    return size < splat(0.625f) ? near : far;
}

// log(1 + exp(x))
inline Part softplus(Part x) {
    return (x > splat(0.0f) ? x : splat(0.0f)) + log1p(exp(-absolute(x)));
}

// exp(x * x) * erfc(x) for x >= 0, good for as long as exp(-x * x) is not zero; a polynomial of a
// fraction, as by Schonfelder (1978).
inline Part scaled_erfc(Part x) {
    const Part within = clamp(x, 0.0f, 10.2f);
    return horner((within - 3.0f) / (within + 3.0f), 0.17900115f, -0.32623363f, 0.24560387f,
                  -0.15011357f, 0.07166372f, -0.024414575f, 0.0042772857f, 0.00078898814f,
                  -0.00058435736f, -6.550655e-05f);
}

inline Part erf(Part x) {
    const Part limit = splat(4.0f), size = absolute(x) > limit ? limit : absolute(x);
    const Part square = size * size;
    // Up to 0.875.
    const Part near = x + x * horner(square, 0.12837917f, -0.3761263f, 0.11283623f, -0.026855364f,
                                     0.0051909415f, -0.00080264197f, 7.867642e-05f);
    const Part far = with_sign_of(x, 1.0f - exp(-square) * scaled_erfc(size));
    return size < splat(0.875f) ? near : far;
}
