// Transposes of 16 x 16 values, between images in rows and images side by side.
#pragma once

#include <utility>

#include "lanes.h"

#if defined(__AVX512F__)

// One step of the butterfly: from rows a and b, `DISTANCE` apart, swap the off-diagonal parts of
// that size.
template <int DISTANCE, size_t... I>
inline void exchange(Part &a, Part &b, std::index_sequence<I...>) {
    const Part first = __builtin_shufflevector(
        a, b, ((I & DISTANCE) ? static_cast<int>(LANES + I - DISTANCE) : static_cast<int>(I))...);
    const Part second = __builtin_shufflevector(
        a, b, ((I & DISTANCE) ? static_cast<int>(LANES + I) : static_cast<int>(I + DISTANCE))...);
    a = first;
    b = second;
}

template <int DISTANCE>
inline void exchange_all(Part (&rows)[LANES]) {
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        if (!(i & DISTANCE))
            exchange<DISTANCE>(rows[i], rows[i + DISTANCE], std::make_index_sequence<LANES>());
}

// to[j * to_step + i] = from[i * from_step + j]; steps in floats.
inline void transpose(const float *from, int64_t from_step, float *to, int64_t to_step) {
    Part rows[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) __builtin_memcpy(&rows[i], from + i * from_step, sizeof(Part));
    exchange_all<8>(rows);
    exchange_all<4>(rows);
    exchange_all<2>(rows);
    exchange_all<1>(rows);
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) __builtin_memcpy(to + i * to_step, &rows[i], sizeof(Part));
}

#else

inline void transpose(const float *from, int64_t from_step, float *to, int64_t to_step) {
    for (int i = 0; i < LANES; i++)
        for (int j = 0; j < LANES; j++) to[j * to_step + i] = from[i * from_step + j];
}

#endif
