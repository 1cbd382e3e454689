// Sums over an image's values, several at a time: of short runs first, which keeps rounding errors
// and the chains of additions short.
#pragma once

#include <algorithm>

#include "lanes.h"

template <int SUMS>
struct Sums {
    Lanes of[SUMS]{};

    Sums &operator+=(const Sums &other) {
        for (int s = 0; s < SUMS; s++)
            for (int p = 0; p < PARTS; p++) of[s].part[p] += other.of[s].part[p];
        return *this;
    }
};

// Sums over 0 <= i < size of what terms(i, p, Part (&)[SUMS]) sets for part p of value i.
template <int SUMS, class Terms>
Sums<SUMS> sum_over(int64_t size, const Terms &terms) {
    constexpr int CHAINS = 4, RUN = 128;
    Sums<SUMS> all;
    for (int64_t begin = 0; begin < size; begin += RUN) {
        Sums<SUMS> chains[CHAINS];
        const auto add = [&](int chain, int64_t i) {
            for (int p = 0; p < PARTS; p++) {
                Part term[SUMS];
                terms(i, p, term);
                for (int s = 0; s < SUMS; s++) chains[chain].of[s].part[p] += term[s];
            }
        };
        const int64_t end = std::min(begin + RUN, size);
        int64_t i = begin;
        for (; i + CHAINS <= end; i += CHAINS)
            for (int chain = 0; chain < CHAINS; chain++) add(chain, i + chain);
        for (; i < end; i++) add(0, i);
        chains[0] += chains[1];
        chains[2] += chains[3];
        chains[0] += chains[2];
        all += chains[0];
    }
    return all;
}
