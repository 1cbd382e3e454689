// Transposes of 16 x 16 values, between images in rows and images side by side, and sums of rows.
#pragma once

#include <utility>

#include "lanes.h"

// One step of the butterfly: from rows a and b, `DISTANCE` apart, swap the off-diagonal parts of
// that size.
template <int DISTANCE, size_t... I>
inline void exchange(Part &a, Part &b, std::index_sequence<I...>) {
    const Part first = __builtin_shufflevector(
        a, b, ((I & DISTANCE) ? static_cast<int>(WIDTH + I - DISTANCE) : static_cast<int>(I))...);
    const Part second = __builtin_shufflevector(
        a, b, ((I & DISTANCE) ? static_cast<int>(WIDTH + I) : static_cast<int>(I + DISTANCE))...);
    a = first;
    b = second;
}

template <int DISTANCE>
inline void add_halves(Part (&rows)[WIDTH]) {
    if constexpr (DISTANCE > 0) {
#pragma GCC unroll 16
        for (int i = 0; i < DISTANCE; i++) {
            exchange<DISTANCE>(rows[i], rows[i + DISTANCE], std::make_index_sequence<WIDTH>());
            rows[i] += rows[i + DISTANCE];
        }
        add_halves<DISTANCE / 2>(rows);
    }
}

// to[i] = total(sums[i]), or += it, with the same bits; faster.
inline void totals(const Lanes *sums, int64_t count, float *to, bool add) {
    int64_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH) {
        Part rows[WIDTH];
#pragma GCC unroll 16
        for (int row = 0; row < WIDTH; row++) {
            Lanes lanes = sums[i + row];
            for (int half = PARTS / 2; half > 0; half /= 2)
                for (int p = 0; p < half; p++) lanes.part[p] += lanes.part[p + half];
            rows[row] = lanes.part[0];
        }
        add_halves<WIDTH / 2>(rows);
        Part before{};
        if (add) __builtin_memcpy(&before, to + i, sizeof(Part));
        rows[0] += before;
        __builtin_memcpy(to + i, &rows[0], sizeof(Part));
    }
    for (; i < count; i++) to[i] = (add ? to[i] : 0.0f) + total(sums[i]);
}

#if defined(__AVX512F__)

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
