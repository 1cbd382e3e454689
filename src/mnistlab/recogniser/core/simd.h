// Vectors of 16 bytes: WebAssembly's, and the same in plain loops, to debug and sanitise the core
// as a native program. Both give the same bits.
#pragma once

#include <stdint.h>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

// For what keeps its sums in registers.
#define INLINE inline __attribute__((always_inline))
// For what is large: compiling it takes users' time whenever the module is loaded.
#define NOINLINE __attribute__((noinline))

typedef int16_t I16x8 __attribute__((vector_size(16)));
typedef int32_t I32x4 __attribute__((vector_size(16)));
typedef float F32x4 __attribute__((vector_size(16)));

template <class Vector>
inline Vector load(const void *from) {
    Vector value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}

template <class Vector>
inline void store(void *to, Vector value) {
    __builtin_memcpy(to, &value, sizeof value);
}

// The lower half alone: four of int16, two of float.
template <class Vector>
inline void store_half(void *to, Vector value) {
    __builtin_memcpy(to, &value, sizeof value / 2);
}

inline F32x4 splat(float value) { return F32x4{value, value, value, value}; }

inline F32x4 to_float(I32x4 a) { return __builtin_convertvector(a, F32x4); }

// Of values below 2^22 in size, ties to even: adding 1.5 * 2^23 leaves no bits below one.
inline I32x4 round(F32x4 a) { return (I32x4)(a + splat(12582912.0f)) - 0x4B400000; }

#ifdef __wasm_simd128__

// Four positions of one value, or one pair of int16 for all of four outputs.
inline I16x8 load_pair(const int16_t *from) { return (I16x8)wasm_v128_load32_splat(from); }
inline I16x8 load_half(const int16_t *from) { return (I16x8)wasm_v128_load64_zero(from); }

// Sums of the products of neighbours.
inline I32x4 dot(I16x8 a, I16x8 b) { return (I32x4)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b); }

// Saturating.
inline I16x8 narrow(I32x4 a, I32x4 b) {
    return (I16x8)wasm_i16x8_narrow_i32x4((v128_t)a, (v128_t)b);
}

inline I32x4 widen_low(I16x8 a) { return (I32x4)wasm_i32x4_extend_low_i16x8((v128_t)a); }
inline I32x4 widen_high(I16x8 a) { return (I32x4)wasm_i32x4_extend_high_i16x8((v128_t)a); }

// a0 b0 a1 b1 a2 b2 a3 b3.
inline I16x8 interleave(I16x8 a, I16x8 b) {
    return (I16x8)wasm_i16x8_shuffle((v128_t)a, (v128_t)b, 0, 8, 1, 9, 2, 10, 3, 11);
}

inline F32x4 smaller(F32x4 a, F32x4 b) { return (F32x4)wasm_f32x4_pmin((v128_t)a, (v128_t)b); }
inline F32x4 larger(F32x4 a, F32x4 b) { return (F32x4)wasm_f32x4_pmax((v128_t)a, (v128_t)b); }

#else

inline I16x8 load_half(const int16_t *from) {
    return I16x8{from[0], from[1], from[2], from[3], 0, 0, 0, 0};
}

inline I16x8 load_pair(const int16_t *from) {
    return I16x8{from[0], from[1], from[0], from[1], from[0], from[1], from[0], from[1]};
}

inline I32x4 dot(I16x8 a, I16x8 b) {
    I32x4 out;
    for (int i = 0; i < 4; i++) {
        out[i] = int32_t(a[2 * i]) * b[2 * i] + int32_t(a[2 * i + 1]) * b[2 * i + 1];
    }
    return out;
}

inline int16_t saturate(int32_t a) { return int16_t(a < -32768 ? -32768 : a > 32767 ? 32767 : a); }

inline I16x8 narrow(I32x4 a, I32x4 b) {
    I16x8 out;
    for (int i = 0; i < 4; i++) out[i] = saturate(a[i]), out[i + 4] = saturate(b[i]);
    return out;
}

inline I32x4 widen_low(I16x8 a) { return I32x4{a[0], a[1], a[2], a[3]}; }
inline I32x4 widen_high(I16x8 a) { return I32x4{a[4], a[5], a[6], a[7]}; }

inline I16x8 interleave(I16x8 a, I16x8 b) {
    return I16x8{a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3]};
}

inline F32x4 smaller(F32x4 a, F32x4 b) {
    for (int i = 0; i < 4; i++) a[i] = b[i] < a[i] ? b[i] : a[i];
    return a;
}

inline F32x4 larger(F32x4 a, F32x4 b) {
    for (int i = 0; i < 4; i++) a[i] = a[i] < b[i] ? b[i] : a[i];
    return a;
}

#endif
