// A stroke between digits is a slash or a one: what the number would be tells which.
#pragma once

#include <algorithm>
#include <vector>

#include "tilt.h"

namespace reader {

constexpr int ONE = 1, SLASH = 14, LONGEST_NUMBER = 24;
// How likely strokes make a date, a fraction or anything else with slashes, where a number of
// digits alone counts 1. Ones stand rarely by chance just where a date has its slashes.
constexpr float DATE = 30.0f, FRACTION = 0.02f, NEITHER = 1e-4f;

// Weighs what the strokes of one number, from left to right, may be.
class Strokes {
   public:
    explicit Strokes(std::vector<Character *> number) : number(std::move(number)) {
        for (size_t i = 0; i < this->number.size(); i++) {
            const Character &one = *this->number[i];
            plain &= one.is_digit() || one.kind() == SLASH;
            slashes += one.kind() == SLASH;
            if (one.kinds[ONE] + one.kinds[SLASH] > 0.5f) places.push_back(int(i));
        }
    }

    // Shares the probability of each stroke out among the two.
    void decide() {
        if (!plain || places.empty() || int(number.size()) > LONGEST_NUMBER) return;
        std::vector<float> weights(places.size());
        float sum = 0;
        auto count = [&](std::vector<int> chosen, float prior) {
            float weight = prior;
            for (size_t k = 0; k < places.size(); k++) {
                bool is_slash = std::count(chosen.begin(), chosen.end(), int(k));
                const auto &kinds = number[places[k]]->kinds;
                weight *= (kinds[is_slash ? SLASH : ONE] + TINY_SHARE) /
                          (kinds[ONE] + kinds[SLASH] + 2 * TINY_SHARE);
            }
            for (int k : chosen) weights[k] += weight;
            sum += weight;
        };
        int most = int(places.size()), last = int(number.size()) - 1;
        count({}, 1);
        for (int a = 0; a < most; a++) {
            bool within = places[a] > 0 && places[a] < last;
            count({a}, within ? FRACTION : NEITHER);
            for (int b = a + 1; b < most; b++)
                count({a, b}, is_date(places[a], places[b], last) ? DATE : NEITHER);
        }
        if (slashes > 2) {
            std::vector<int> seen;
            for (int k = 0; k < most; k++)
                if (number[places[k]]->kind() == SLASH) seen.push_back(k);
            count(seen, NEITHER);
        }
        for (int k = 0; k < most; k++) {
            auto &kinds = number[places[k]]->kinds;
            float both = kinds[ONE] + kinds[SLASH];
            kinds[SLASH] = both * weights[k] / sum;
            kinds[ONE] = both - kinds[SLASH];
        }
    }

   private:
    static constexpr float TINY_SHARE = 1e-4f;
    std::vector<Character *> number;
    std::vector<int> places;  // of strokes that may be either
    bool plain = true;
    int slashes = 0;

    // Day, month and year in any order: one or two digits each, the year two or four.
    static bool is_date(int first, int second, int last) {
        int a = first, b = second - first - 1, c = last - second;
        auto is_day = [](int digits) { return digits == 1 || digits == 2; };
        return is_day(b) && ((is_day(a) && (c == 2 || c == 4)) || (a == 4 && is_day(c)));
    }
};

// Decides in every number of a reading, whose characters are in reading order.
inline void tell_slashes(std::vector<Character> &all) {
    for (size_t from = 0, to; from < all.size(); from = to) {
        std::vector<Character *> number;
        for (to = from;
             to < all.size() && all[to].line == all[from].line && all[to].group == all[from].group;
             to++)
            number.push_back(&all[to]);
        Strokes(std::move(number)).decide();
    }
}

}  // namespace reader
