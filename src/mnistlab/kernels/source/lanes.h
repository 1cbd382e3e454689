// Lanes: 16 images side by side, the innermost dimension of every activation.
//
// An activation of C x H x W values is C*H*W consecutive Lanes. A compiler's vector extension
// computes on Parts, as wide as the machine's registers, so the same source serves every
// instruction set.
#pragma once

#include <cstdint>

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

// Sum of a Part's values, always in the same order.
inline float total(Part part) {
    float sums[WIDTH];
    for (int i = 0; i < WIDTH; i++) sums[i] = part[i];
    for (int half = WIDTH / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) sums[i] += sums[i + half];
    return sums[0];
}
