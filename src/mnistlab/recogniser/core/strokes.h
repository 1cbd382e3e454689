// A stroke between digits is a one, a slash or a comma: what the number would be, its size and its
// place tell which.
#pragma once

#include <algorithm>
#include <vector>

#include "tilt.h"

namespace reader {

constexpr int LONGEST_NUMBER = 24;
// How likely strokes make a date, a fraction or anything else with slashes, where a number of
// digits alone counts 1. Ones stand rarely by chance just where a date has its slashes.
constexpr float DATE = 30.0f, FRACTION = 0.02f, NEITHER = 1e-4f;

// A one that is low and stands at the foot is a comma: its height, and how far below their middle,
// in heights of the digits beside it; and how far aside these are, in heights of its own.
constexpr float LOW_ONE = 0.5f, FOOT = 0.15f, BENEATH = 0.75f, SIDEWAYS = 3;
// One that leans and is higher than they are may be a slash: width, in its own heights; what the
// classifier says; and the probability that is left, with two digits before and after and
// otherwise.
constexpr float LEANING = 0.4f, OVERSIZE = 1.06f, MAY_BE_SLASH = 0.01f;
constexpr float RATHER_NOT = 0.45f, HARDLY = 0.6f;

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

// Leaves at most so much of the probability that it is a one, the rest that it is a slash.
inline void doubt_one(Character &one, float most) {
    float more = std::max(one.kinds[ONE] - most, 0.f);
    one.kinds[ONE] -= more;
    one.kinds[SLASH] += more;
}

// Ones between digits that are low and stand at their foot are commas.
inline void find_commas(std::vector<Character> &all) {
    Places places(all);
    for (size_t i = 0; i < all.size(); i++) places.add(all[i].box, int(i));
    for (Character &one : all) {
        if (one.kind() != ONE) continue;
        const Box &box = one.box;
        float reach = SIDEWAYS * box.height();
        bool before = false, after = false;
        places.near({box.left - reach, box.top - reach, box.right + reach, box.bottom},
                    [&](int index) {
                        const Box &digit = all[index].box;
                        float tall = digit.height(), low = (box.y() - digit.y()) / tall;
                        if (!all[index].is_digit() || box.height() > LOW_ONE * tall || low < FOOT ||
                            low > BENEATH)
                            return true;
                        before |= digit.right < box.right;
                        after |= digit.left > box.left;
                        return !before || !after;
                    });
        if (before && after) std::swap(one.kinds[ONE], one.kinds[COMMA]);
    }
}

// Ones that may be slashes by their size and by what the classifier says.
inline std::vector<int> find_doubtful(const std::vector<Character *> &number) {
    std::vector<int> doubtful;
    for (size_t i = 1; i + 1 < number.size(); i++) {
        const Character &one = *number[i], &before = *number[i - 1], &after = *number[i + 1];
        float high = one.box.height(), tall = (before.box.height() + after.box.height()) / 2;
        if (before.is_digit() && after.is_digit() && high > OVERSIZE * tall &&
            one.box.width() > LEANING * high && one.kinds[SLASH] > MAY_BE_SLASH)
            doubtful.push_back(int(i));
    }
    return doubtful;
}

// Decides in every number of a reading, whose characters are in reading order.
inline void tell_strokes(std::vector<Character> &all) {
    for (size_t from = 0, to; from < all.size(); from = to) {
        std::vector<Character *> number;
        for (to = from;
             to < all.size() && all[to].line == all[from].line && all[to].group == all[from].group;
             to++)
            number.push_back(&all[to]);
        std::vector<int> doubtful = find_doubtful(number);
        Strokes(number).decide();
        for (int i : doubtful)
            doubt_one(*number[i], i == 2 && number.size() == 5 ? RATHER_NOT : HARDLY);
    }
}

}  // namespace reader
