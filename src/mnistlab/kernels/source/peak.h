// Peak: how fast the processor multiplies and adds if nothing holds it up.
#pragma once

#include <chrono>

#include "lanes.h"
#include "team.h"

// More sums than are on their way in a processor's pipelines, and fewer than it has registers.
constexpr int PEAK_SUMS = REGISTERS * 3 / 4;
constexpr int64_t PEAK_OPERATIONS = 2 * int64_t{PEAK_SUMS} * WIDTH;  // of one round

// Multiply-adds in registers, each round of which waits for nothing but the round before.
inline void multiply_add(int64_t rounds) {
    Part sums[PEAK_SUMS];
    for (int i = 0; i < PEAK_SUMS; i++) sums[i] = splat(static_cast<float>(i));
    const Part half = splat(0.5f), one = splat(1.0f);
    for (int64_t round = 0; round < rounds; round++)
#pragma GCC unroll 32
        for (int i = 0; i < PEAK_SUMS; i++) sums[i] = fma(sums[i], half, one);
    Part sum{};
    for (int i = 0; i < PEAK_SUMS; i++) sum += sums[i];
    [[maybe_unused]] const volatile float needed = sum[0];  // or a compiler leaves all out
}

// Seconds that `threads` threads need for `operations` in all, a multiplication and an addition
// being two. They have run for a while by then, so each has a core of its own if there is one.
inline double peak_seconds(int64_t operations, int threads) {
    const int64_t rounds = operations / (threads * PEAK_OPERATIONS) + 1;
    Team team;
    team.run(threads, false, [&](int) { multiply_add(rounds / 8); });
    const auto start = std::chrono::steady_clock::now();
    team.run(threads, false, [&](int) { multiply_add(rounds); });
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
