// What numbers look like: a stroke between digits is a one, a slash or a bracket, a low one is a
// comma, and a point beneath a colon is part of it.
#pragma once

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "layout.h"

namespace reader {

constexpr size_t LONGEST_NUMBER = 24, LONGEST_FORM = 10;  // characters

// A way to write numbers, and how many have it for each one of digits alone. D stands for digits,
// d for one, o for one or none, p for a point or a comma, s for any of + - / :, other characters
// for themselves.
struct NumberForm {
    std::string_view text;
    float share;
};
constexpr NumberForm NUMBER_FORMS[] = {
    {"D", 1},           {"DpD", 0.3f},        {"DpDpD", 0.01f},     {"DpDpDpD", 0.003f},
    {"D,ddd.dd", 0.1f}, {"D.ddd,dd", 0.1f},   {"-D", 0.5f},         {"-DpD", 0.1f},
    {"+D", 0.1f},       {"+DpD", 0.02f},      {"D%", 0.5f},         {"DpD%", 0.1f},
    {"(D)", 0.5f},      {"(DpD)", 0.02f},     {"(-D)", 0.02f},      {"(D)D", 0.02f},
    {"(D)D-D", 0.02f},  {"od/od/dd", 1},      {"od/od/dddd", 1},    {"od.od.dd", 0.5f},
    {"od.od.dddd", 1},  {"od-od-dddd", 0.5f}, {"dddd/od/od", 0.2f}, {"dddd-dd-dd", 1},
    {"od:dd", 1},       {"od:dd:dd", 0.3f},   {"D+D", 0.2f},        {"D-D", 0.2f},
    {"D/D", 0.02f},     {"D:D", 0.05f},       {"DsDsD", 0.02f},     {"DsDsDsD", 0.01f},
};
static_assert(std::ranges::all_of(NUMBER_FORMS, [](const NumberForm &form) {
    return form.text.size() <= LONGEST_FORM;
}));
constexpr float ANY_FORM = 1e-4f;  // likewise, numbers of no such form

constexpr std::string_view SIGN_TEXTS = ".,-+/:()%";  // in the order of their classes
constexpr int DIGIT = 0, NO_CHARACTER = int(SIGN_TEXTS.size()) + 1, CHOICES = NO_CHARACTER + 1;
// Probabilities are divided by these: the classifier was shown more signs, and more places with
// nothing, than numbers have.
constexpr float DIGIT_SHARE = 0.09f, SIGN_SHARE = 0.02f, NOTHING_SHARE = 0.2f;
// Of numbers, in which there is one sign too many; and the probability from which on it may be one.
constexpr float TOO_MANY = 0.1f, MAY_BE_SIGN = 0.3f;
constexpr float CERTAIN = 0.999f, TINY_SHARE = 1e-5f;

// A mark that is low and stands at the foot of the digits before and after it is a point or a
// comma: its height, and how far below their middle, in heights of the digits; and how far aside
// these are, in heights of its own. A point is no higher than so many times its width.
constexpr float LOW = 0.5f, FOOT = 0.15f, BENEATH = 0.75f, SIDEWAYS = 3, ROUND = 1.5f;

// Weighs what the characters of one number, from left to right, may be: a digit, a certain sign, or
// none. Each way to take all of them that some form allows counts as much as it is likely; all ways
// are added up by the forward-backward algorithm (Rabiner, 1989).
class NumberWeigher {
   public:
    explicit NumberWeigher(const std::vector<Character *> &number)
        : number(number), count(number.size()), likely(count), shares(count) {
        for (size_t i = 0; i < count; i++) {
            likely[i][DIGIT] = (share_of(i, DIGIT) + TINY_SHARE) / DIGIT_SHARE;
            float signs = 0;
            for (int choice = DIGIT + 1; choice < NO_CHARACTER; choice++) {
                likely[i][choice] = (share_of(i, choice) + TINY_SHARE) / SIGN_SHARE;
                signs += share_of(i, choice);
            }
            if (signs > MAY_BE_SIGN)
                likely[i][NO_CHARACTER] = number[i]->kinds[NOTHING] / NOTHING_SHARE * TOO_MANY;
        }
    }

    // Gives each character the probabilities that it has in all forms together.
    void decide() {
        bool certain = true;
        for (size_t i = 0; i < count; i++) certain &= share_of(i, DIGIT) > CERTAIN;
        if (certain || count > LONGEST_NUMBER) return;
        for (const NumberForm &form : NUMBER_FORMS) add(form);
        double as_it_is = ANY_FORM;
        for (const auto &one : likely)
            as_it_is *= *std::max_element(one.begin(), one.begin() + NO_CHARACTER);
        for (size_t i = 0; i < count; i++) share_out(i, as_it_is);
    }

   private:
    // How much of a form and of the number is gone through, and whether a character was left out.
    struct State {
        size_t place, i;
        bool less;
    };
    using Weights = double[LONGEST_FORM + 1][LONGEST_NUMBER + 1][2];

    static double &at(Weights &weights, const State &state) {
        return weights[state.place][state.i][state.less];
    }

    const std::vector<Character *> &number;
    size_t count;
    std::vector<std::array<double, CHOICES>> likely, shares;
    double total = 0;

    static int first_kind(int choice) { return choice == DIGIT ? 0 : SIGNS + choice - 1; }
    static int end_kind(int choice) { return SIGNS + choice; }

    float share_of(size_t i, int choice) const {
        const auto &kinds = number[i]->kinds;
        return std::accumulate(kinds.begin() + first_kind(choice), kinds.begin() + end_kind(choice),
                               0.f);
    }

    // Adds the ways of one form.
    void add(const NumberForm &form) {
        Weights before = {}, after = {};
        const size_t end = form.text.size();
        auto for_all = [&](auto &&visit) {
            for (size_t i = 0; i <= count; i++)
                for (size_t place = 0; place <= end; place++)
                    for (bool less : {false, true}) visit(place, i, less);
        };
        for_all([&](size_t place, size_t i, bool less) {
            State from{end - place, count - i, !less};
            double &weight = at(after, from);
            weight = from.place == end && from.i == count;
            step(form.text, from,
                 [&](State to, int, double likely) { weight += likely * at(after, to); });
        });
        at(before, {0, 0, false}) = form.share;
        for_all([&](size_t place, size_t i, bool less) {
            State from{place, i, less};
            step(form.text, from, [&](State to, int choice, double likely) {
                double weight = likely * at(before, from);
                at(before, to) += weight;
                if (to.i > i) shares[i][choice] += weight * at(after, to);
            });
        });
        total += form.share * at(after, {0, 0, false});
    }

    // Calls `take` for each way to go on: with the next state, and what the character is taken for
    // and how likely it is that.
    template <class Take>
    void step(std::string_view form, const State &from, Take &&take) const {
        auto [place, i, less] = from;
        char symbol = place < form.size() ? form[place] : 0;
        if (symbol == 'o') take(State{place + 1, i, less}, DIGIT, 1.0);
        if (i == count) return;
        auto choose = [&](size_t next, int choice, bool less) {
            take(State{next, i + 1, less}, choice, likely[i][choice]);
        };
        if (!less && likely[i][NO_CHARACTER] > 0) choose(place, NO_CHARACTER, true);
        if (symbol == 'D') choose(place, DIGIT, less);
        if (symbol == 'D' || symbol == 'd' || symbol == 'o') choose(place + 1, DIGIT, less);
        for (int choice = DIGIT + 1; choice < NO_CHARACTER; choice++)
            if (may_be(symbol, SIGN_TEXTS[choice - 1])) choose(place + 1, choice, less);
    }

    static bool may_be(char symbol, char sign) {
        bool is_point = sign == '.' || sign == ',';
        bool is_operator = sign == '+' || sign == '-' || sign == '/' || sign == ':';
        return symbol == sign || (symbol == 'p' && is_point) || (symbol == 's' && is_operator);
    }

    // Shares the probability of a character out among what it may be.
    void share_out(size_t i, double as_it_is) {
        auto &kinds = number[i]->kinds;
        double sum = total + as_it_is, none = shares[i][NO_CHARACTER] / sum;
        double character = 1 - kinds[OTHER] - kinds[NOTHING], all = 0;
        std::array<double, OTHER> weights;
        for (int choice = DIGIT; choice < NO_CHARACTER; choice++) {
            double before = share_of(i, choice) + TINY_SHARE;
            double after = (shares[i][choice] * character + as_it_is * before) / sum;
            for (int k = first_kind(choice); k < end_kind(choice); k++)
                all += weights[k] = kinds[k] * after / before;
        }
        for (int k = 0; k < OTHER && all > 0; k++)
            kinds[k] = float(weights[k] * character * (1 - none) / all);
        kinds[OTHER] *= float(1 - none);
        kinds[NOTHING] += float(none * (1 - kinds[NOTHING]));
    }
};

// Takes ones for commas that are low and stand at the foot of digits, and for points and commas the
// ink there that is no character, or was left out though it is something.
inline void find_points(std::vector<Character> &all, std::vector<Character> &others) {
    Places places(all);
    for (size_t i = 0; i < all.size(); i++) places.add(all[i].box, int(i));
    auto is_at_foot = [&](const Box &box) {
        float reach = SIDEWAYS * std::max(box.height(), box.width());
        bool before = false, after = false;
        places.near({box.left - reach, box.top - reach, box.right + reach, box.bottom},
                    [&](int index) {
                        const Box &digit = all[index].box;
                        float tall = digit.height(), low = (box.y() - digit.y()) / tall;
                        if (!all[index].is_digit() || box.height() > LOW * tall || low < FOOT ||
                            low > BENEATH)
                            return true;
                        before |= digit.right < box.right;
                        after |= digit.left > box.left;
                        return !before || !after;
                    });
        return before && after;
    };
    for (Character &one : all)
        if (one.kind() == ONE && is_at_foot(one.box)) std::swap(one.kinds[ONE], one.kinds[COMMA]);
    std::erase_if(others, [&](Character one) {
        bool is_something = one.is_ink || one.kinds[NOTHING] < 0.5f;
        if (!is_something || !is_at_foot(one.box)) return false;
        one.kinds.fill(0);
        one.kinds[one.box.height() > ROUND * one.box.width() ? COMMA : POINT] = DOUBTED;
        one.kinds[OTHER] = 1 - DOUBTED;
        all.push_back(one);
        return true;
    });
}

// Decides what the characters of every number are, and takes away what is none.
inline void decide_numbers(Layout &layout) {
    std::vector<Character> &all = layout.characters;
    for (size_t from = 0, to; from < all.size(); from = to) {
        std::vector<Character *> number;
        for (to = from;
             to < all.size() && all[to].line == all[from].line && all[to].group == all[from].group;
             to++)
            number.push_back(&all[to]);
        NumberWeigher(number).decide();
    }
    auto none = std::stable_partition(
        all.begin(), all.end(), [](const Character &one) { return one.kinds[NOTHING] < 0.5f; });
    layout.others.insert(layout.others.end(), none, all.end());
    all.erase(none, all.end());
}

}  // namespace reader
