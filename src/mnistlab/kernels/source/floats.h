// Between arrays of float32, an image after the other, and images side by side.
#pragma once

#include <algorithm>

#include "transpose.h"

// Lanes behind `count` repeat the last image.
inline void interleave(const float *from, int64_t size, int count, Lanes *to) {
    const int64_t whole = count == LANES ? size / LANES * LANES : 0;
    for (int64_t i = 0; i < whole; i += LANES) transpose(from + i, size, to[i].values(), LANES);
    for (int lane = 0; lane < LANES; lane++) {
        const float *const image = from + std::min(lane, count - 1) * size;
        for (int64_t i = whole; i < size; i++) to[i].values()[lane] = image[i];
    }
}

// Lanes behind `count` become zero: they are nobody's gradient.
inline void interleave_gradient(const float *from, int64_t size, int count, Lanes *to) {
    interleave(from, size, count, to);
    for (int64_t i = 0; i < size; i++)
        std::fill(to[i].values() + count, to[i].values() + LANES, 0.0f);
}

inline void separate(const Lanes *from, int64_t size, int count, float *to) {
    const int64_t whole = count == LANES ? size / LANES * LANES : 0;
    for (int64_t i = 0; i < whole; i += LANES) transpose(from[i].values(), LANES, to + i, size);
    for (int lane = 0; lane < count; lane++)
        for (int64_t i = whole; i < size; i++) to[lane * size + i] = from[i].values()[lane];
}
