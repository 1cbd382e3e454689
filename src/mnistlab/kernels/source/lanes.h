// Lanes: 16 images side by side, the innermost dimension of every activation.
//
// An activation of C x H x W values is C*H*W consecutive Lanes. A compiler's vector extension
// computes on Parts, as wide as the machine's registers, so the same source serves every
// instruction set.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

constexpr int LANES = 16;

#if defined(__AVX512F__)
constexpr int WIDTH = 16, REGISTERS = 32;
#elif defined(__AVX__)
constexpr int WIDTH = 8, REGISTERS = 16;
#elif defined(__ARM_NEON)
constexpr int WIDTH = 4, REGISTERS = 32;
#else
constexpr int WIDTH = 4, REGISTERS = 16;
#endif

constexpr int PARTS = LANES / WIDTH;  // Parts in Lanes

typedef float Part __attribute__((vector_size(WIDTH * sizeof(float))));
typedef int32_t PartMask __attribute__((vector_size(WIDTH * sizeof(float))));
typedef uint32_t PartBits __attribute__((vector_size(WIDTH * sizeof(float))));
typedef uint64_t PartPairs __attribute__((vector_size(WIDTH * sizeof(float))));

struct alignas(LANES * sizeof(float)) Lanes {
    Part part[PARTS];

    float *values() { return reinterpret_cast<float *>(part); }
    const float *values() const { return reinterpret_cast<const float *>(part); }
};

inline Part splat(float value) { return Part{} + value; }

// a * b + c, rounded once where the processor can. Compilers are told not to contract by
// themselves, so that the bits are those of the source.
inline Part fma(Part a, Part b, Part c) {
#if defined(__AVX512F__)
    return reinterpret_cast<Part>(_mm512_fmadd_ps(
        reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
    return reinterpret_cast<Part>(_mm256_fmadd_ps(
        reinterpret_cast<__m256>(a), reinterpret_cast<__m256>(b), reinterpret_cast<__m256>(c)));
#elif defined(__ARM_NEON)
    return reinterpret_cast<Part>(vfmaq_f32(reinterpret_cast<float32x4_t>(c),
                                            reinterpret_cast<float32x4_t>(a),
                                            reinterpret_cast<float32x4_t>(b)));
#else
    return a * b + c;
#endif
}
inline Part fma(Part a, float b, Part c) { return fma(a, splat(b), c); }

// The 64-bit products of the lower half of each pair with a number.
inline PartPairs lower_products(PartPairs pairs, uint32_t number) {
    const PartPairs numbers = PartPairs{} + number;
#if defined(__AVX512F__)
    return reinterpret_cast<PartPairs>(_mm512_maskz_mul_epu32(
        0xFF, reinterpret_cast<__m512i>(pairs), reinterpret_cast<__m512i>(numbers)));
#elif defined(__AVX2__)
    return reinterpret_cast<PartPairs>(
        _mm256_mul_epu32(reinterpret_cast<__m256i>(pairs), reinterpret_cast<__m256i>(numbers)));
#else
    return (pairs & 0xFFFFFFFF) * numbers;
#endif
}

// A bit for each value of a mask, the first one's lowest; 16 of them tell which of Lanes a ReLU or
// dropout has let through, in a 32nd of their memory.
inline uint32_t bits_of(PartMask mask) {
#if defined(__AVX512F__)
    return _mm512_cmplt_epi32_mask(reinterpret_cast<__m512i>(mask), _mm512_setzero_si512());
#elif defined(__AVX__)
    return _mm256_movemask_ps(reinterpret_cast<__m256>(mask));
#elif defined(__x86_64__)
    return _mm_movemask_ps(reinterpret_cast<__m128>(mask));
#else
    uint32_t bits = 0;
    for (int i = 0; i < WIDTH; i++) bits |= (mask[i] & 1u) << i;
    return bits;
#endif
}

// The mask of part p of Lanes, of whose bits the lowest are the first part's.
inline PartMask mask_of(uint32_t bits, int p) {
    PartMask places{};
    for (int i = 0; i < WIDTH; i++) places[i] = 1 << i;
    return ((PartMask{} + static_cast<int32_t>(bits >> (p * WIDTH))) & places) != 0;
}

// Holds a value in a register, where a compiler would rather load it again at each use: loads
// limit loops whose multiplications are few.
inline Part in_register(Part part) {
#if defined(__SSE2__)
    asm("" : "+v"(part));
#elif defined(__ARM_NEON)
    asm("" : "+w"(part));
#endif
    return part;
}

// x * 2^n for whole n, -250 <= n <= 250, and 1/2 <= x <= 2; rounded once, where it is denormal.
inline Part scaled(Part x, Part n) {
#if defined(__AVX512F__)
    return reinterpret_cast<Part>(
        _mm512_maskz_scalef_ps(0xffff, reinterpret_cast<__m512>(x), reinterpret_cast<__m512>(n)));
#else
    // In two factors, since 2^n alone may overflow, or be denormal.
    const PartMask whole = __builtin_convertvector(n, PartMask), half = whole >> 1;
    return x * Part((half + 127) << 23) * Part((whole - half + 127) << 23);
#endif
}

// Sum of the values of all images: of those that are 8 apart, then 4, 2 and 1, on every processor.
inline float total(const Lanes &lanes) {
    Lanes sums = lanes;
    float *const value = sums.values();
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) value[i] += value[i + half];
    return value[0];
}
