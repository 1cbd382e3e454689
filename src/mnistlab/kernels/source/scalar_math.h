// Functions of single numbers. Those of the C library follow the processor and the library's
// version; these are vector_math.h's.
#pragma once

#include "vector_math.h"

namespace scalar {

// a * b + c, rounded once where the processor can; the library's would emulate it elsewhere.
inline float fma(float a, float b, float c) {
#if defined(__FMA__) || defined(__aarch64__)
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

inline float exp(float x) { return ::exp(splat(x))[0]; }
inline float expm1(float x) { return ::expm1(splat(x))[0]; }
inline float log(float x) { return ::log(splat(x))[0]; }
inline float log1p(float x) { return ::log1p(splat(x))[0]; }

// For x from 0 to 1.
inline float power(float x, float exponent) {
    return exponent == 0 ? 1.0f : exp(exponent * log(x));
}

// By repeated squaring; the exponent is at least 0.
inline double power(double x, int64_t exponent) {
    double result = 1;
    for (; exponent > 0; exponent /= 2, x *= x)
        if (exponent % 2) result *= x;
    return result;
}

}  // namespace scalar
