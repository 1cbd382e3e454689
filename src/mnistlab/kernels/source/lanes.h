// Lanes: 16 images side by side, the innermost dimension of every activation.
//
// An activation of C x H x W values is C*H*W consecutive Lanes. A compiler's vector extension
// computes on Parts, as wide as the machine's registers, so the same source serves every
// instruction set.
#pragma once

#include <cstdint>

#if defined(__FMA__)
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
    return reinterpret_cast<Part>(_mm512_fmadd_ps(reinterpret_cast<__m512>(a),
                                                  reinterpret_cast<__m512>(b),
                                                  reinterpret_cast<__m512>(c)));
#elif defined(__FMA__)
    return reinterpret_cast<Part>(_mm256_fmadd_ps(reinterpret_cast<__m256>(a),
                                                  reinterpret_cast<__m256>(b),
                                                  reinterpret_cast<__m256>(c)));
#elif defined(__ARM_NEON)
    return reinterpret_cast<Part>(vfmaq_f32(reinterpret_cast<float32x4_t>(c),
                                            reinterpret_cast<float32x4_t>(a),
                                            reinterpret_cast<float32x4_t>(b)));
#else
    return a * b + c;
#endif
}
inline Part fma(Part a, float b, Part c) { return fma(a, splat(b), c); }

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

// Sum of a Part's values, always in the same order.
inline float total(Part part) {
    float sums[WIDTH];
    for (int i = 0; i < WIDTH; i++) sums[i] = part[i];
    for (int half = WIDTH / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) sums[i] += sums[i + half];
    return sums[0];
}

// Sum of the values of all images: of those that are 8 apart, then 4, 2 and 1, on every processor.
inline float total(const Lanes &lanes) {
    Lanes sums = lanes;
    float *const value = sums.values();
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) value[i] += value[i + half];
    return value[0];
}
