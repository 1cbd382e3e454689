// The reader: a picture's characters, lines and tables.
#pragma once

#include <span>

#include "left_over.h"
#include "network.h"
#include "number_forms.h"

namespace reader {

// What is read; characters that are other ink stay out of lines.
struct Reading {
    std::vector<Character> characters;  // in reading order
    std::vector<Character> left_out;  // ink that may be a character, and characters cut by the edge
    std::vector<TableCell> cells;
};

constexpr int ANSWER = Classifier::OUTPUTS;
constexpr float TINY = 1e-6f;
constexpr float SPECK = 0.5f, SPECK_SURE = 0.85f;  // heights of a usual digit, and confidence
constexpr float DOUBT = 0.1f;      // probability of a character from which on it is not passed over
constexpr float SLIM = 0.5f;       // width of a part of an upright ruling, in heights
constexpr float LEFT_OUT = 0.49f;  // probability of nothing up to which ink is told to be left out
// Share of its box inside the picture below which a character is called cut, and below which it is
// not read if there are others. Boxes of whole characters reach beyond the edge by less.
constexpr float CUT = 0.9f, WHOLE = 0.78f;
constexpr float COVERED = 0.9f;  // probability from which on a large character hides what is in it
constexpr float TOO_LARGE = 40;  // pixels of height that the detector does not find
constexpr float SIGN_SIZE = 0.2f;  // heights of a digit, of the smallest sign that is told
constexpr float PART_OF = 0.5f, INSIDE = 0.5f;  // shares of the whole's area, and of the part's
constexpr float CLOSEST = 0.15f;                // heights between parts of one
constexpr float BESIDE = 6;    // sizes of a sign within which its digit is looked for
constexpr float CLOSE = 0.5f;  // heights between the letters of a word, at most
// Nothing is sure beside a letter: heights between them, and the probability that is left.
constexpr float BESIDE_LETTER = 1.2f;
// Digits that handwritten letters look like: O, l, Z, S, b, q.
constexpr bool LETTER_LIKE[10] = {1, 1, 1, 0, 0, 1, 1, 0, 0, 1};
constexpr float NO_LETTER = 0.998f;  // from which confidence on a digit is none of them
// The classifier moves edges by at most so much of a box's larger side, and leaves it so much of
// its width and height. Where it is sure what a box shows, the detector's edges are as good as its.
constexpr float FARTHEST = 0.5f, NARROWEST = 0.2f, EQUAL = 0.5f;
// Candidates up to so sure are looked at again, but no more than so many, in boxes moved to the
// right and down, by so many of their sizes, and enlarged.
constexpr float UNSURE = 0.98f;
constexpr size_t MOST_AGAIN = 100;
struct Shift {
    float right, down, size;
};
constexpr Shift FIRST[] = {{0, 0, 1}};
constexpr Shift AGAIN[] = {{0, 0, 1},
                           {0.03f, 0.03f, 1.06f},
                           {-0.03f, 0.03f, 0.95f},
                           {0.03f, -0.03f, 0.95f},
                           {-0.03f, -0.03f, 1.06f}};
// Probability of a character, by the detector, from which on a candidate is asked about first.
constexpr float LIKELY = 0.6f;
// Of more candidates than this, those of which the detector is surest are not asked about.
constexpr size_t MOST_ASKED = 1000;
constexpr float SAME_INK = 0.8f;     // share of the smaller of two boxes around ink left over
constexpr float SAME_STROKE = 0.8f;  // intersection over union: then ink that hangs together is one
constexpr float EXPECTED = 8;        // how much likelier a sign is beside a digit than elsewhere
// A digit alone in a picture: its height, of the picture's shorter side, and how much likelier it
// is there than a character elsewhere.
constexpr float LONE = 0.3f, LONE_EXPECTED = 40;
// In a row or column with a digit another is likelier, where there are digits elsewhere less
// likely: logarithms of the odds, fitted on pages of training digits. From which probability on
// digits count, and how many times as high one may be as the other in a row and in a column.
constexpr float IN_LINE = 3.2f, ASTRAY = 2.4f, SEEN = 0.1f;
constexpr float ROW_HEIGHTS = 1.8f, COLUMN_HEIGHTS = 1.35f;
constexpr float SAME_HEIGHT = 0.7f;    // the lower of two, that may be boxes around one character
constexpr float UNLIKELY = 0.57f;      // confidence below which nothing in a picture is a digit
constexpr float LONE_LIKENESS = 0.4f;  // probability of the digit that it is likeliest to be
constexpr float SMALL_WRITING = 13, LEAST_SEEN = 0.25f;  // pixels of height, and probability, for a
                                                         // closer look

class Reader {
   public:
    explicit Reader(const Model &model) : model(model) {}

    Reading read(const uint8_t *pixels, int width, int height, int channels) {
        std::vector<Character> all = choose(find_candidates(pixels, width, height, channels));
        std::vector<Character> more = name_left_over(all);
        drop_beneath(all, more);
        size_t before = all.size();
        all.insert(all.end(), more.begin(), more.end());
        expect_in_line(all, before);
        expect_signs(all, before);
        return sort(join(suppress(std::move(all))), float(width), float(height));
    }

    // All that the classifier is asked about, first and again.
    std::vector<Candidate> find_all(const uint8_t *pixels, int width, int height, int channels) {
        std::vector<Candidate> all = find_candidates(pixels, width, height, channels);
        std::vector<Candidate> more = find_left_over(levels, choose(all));
        all.insert(all.end(), more.begin(), more.end());
        if (!model.classifier.count) return all;
        Answers answers = ask(all);
        for (size_t i : answers.unsure) all.push_back(answers.asked[i]);
        return all;
    }

    // All that the detector sees.
    std::vector<Candidate> find_candidates(const uint8_t *pixels, int width, int height,
                                           int channels) {
        Grey base = reduce(pixels, width, height, channels, LARGEST);
        float scale = float(base.width) / width;
        levels = reader::pyramid(std::move(base), scale);
        most = -1, small = false, rulings = {};
        std::vector<Candidate> found = find();
        look_closer(pixels, width, height, channels, found);
        return thin_out(std::move(found));
    }

    // What the classifier is shown of each, three views of 32x32 values.
    std::vector<uint8_t> cut_out_all(const std::vector<Candidate> &all) const {
        std::vector<size_t> each(all.size());
        std::iota(each.begin(), each.end(), 0);
        return cut_out_some(all, find_heights(all), each, {0, 0, 1});
    }

    const std::vector<Level> &pyramid() const { return levels; }

    // A letter that could be a digit is a letter in a word of more letters than digits, and not
    // surely a digit beside a letter, nor on a page of letters in a word of none but such digits.
    static void find_words(std::vector<Character> &all) {
        std::vector<int> letters(all.size()), digits(all.size());
        std::vector<bool> is_letter(all.size()), is_number(all.size());
        DisjointSets words(all.size());
        Places places(all);
        for (size_t i = 0; i < all.size(); i++) {
            if (all[i].is_sign()) continue;
            const Box &box = all[i].box;
            float reach = CLOSE * box.height();
            places.near({box.left - reach, box.top, box.right + reach, box.bottom}, [&](int index) {
                if (is_close(box, all[index].box, CLOSE)) words.unite(int(i), index);
                return true;
            });
            places.add(box, int(i));
        }
        int surplus = 0;
        for (size_t i = 0; i < all.size(); i++) {
            int word = words.find(int(i));
            is_letter[i] = all[i].kind() == OTHER;
            letters[word] += is_letter[i];
            digits[word] += all[i].is_digit();
            surplus += is_letter[i] - all[i].is_digit();
            if (all[i].is_digit() && !LETTER_LIKE[all[i].kind()] && all[i].confidence() > NO_LETTER)
                is_number[word] = true;
        }
        auto is_beside_letter = [&](const Box &box) {
            float reach = BESIDE_LETTER * box.height();
            bool beside = false;
            places.near({box.left - reach, box.top, box.right + reach, box.bottom}, [&](int index) {
                beside = is_letter[index] && is_close(box, all[index].box, BESIDE_LETTER);
                return !beside;
            });
            return beside;
        };
        for (size_t i = 0; i < all.size(); i++) {
            int word = words.find(int(i));
            Character &one = all[i];
            if (!one.is_digit()) continue;
            int kind = one.kind();
            if (letters[word] > digits[word]) {
                std::swap(one.kinds[OTHER], one.kinds[kind]);
            } else if ((surplus > 0 && !is_number[word]) || is_beside_letter(one.box)) {
                one.doubt();
            }
        }
    }

   private:
    const Model &model;
    std::vector<Level> levels;
    Rulings rulings;
    int most = -1;       // sure characters on the level that rulings are from
    bool small = false;  // whether they are

    // Looks for characters from coarse to fine, so that what a large one covers is left alone.
    std::vector<Candidate> find() {
        std::vector<Candidate> found;
        for (int index = int(levels.size()) - 1; index >= 0; index--) {
            for (const Candidate &one : found)
                if (one.found > COVERED && one.box.height() * levels[index].scale > TOO_LARGE)
                    leave_alone(levels[index], one.box);
            look(levels[index], found);
        }
        return found;
    }

    // Finds what the detector sees on one level.
    void look(const Level &level, std::vector<Candidate> &found) {
        Detector detector(model);
        detector.run(level.padded.pixels.data(), level.padded.width, level.padded.height,
                     level.active.data(), level.paper);
        Maps maps{detector.height, detector.width, {}};
        for (int k = 0; k < 8; k++) maps.plane[k] = detector.plane(k);
        size_t before = found.size();
        find_peaks(maps, level, found);
        std::vector<float> heights;  // of the sure ones
        for (size_t k = before; k < found.size(); k++) {
            Candidate &one = found[k];
            float logits[KINDS];
            detector.classes(one.row, one.column, logits);
            softmax(logits, KINDS, one.kinds.data());
            if (one.found > 0.6f) heights.push_back(one.box.height() * level.scale);
        }
        // Rulings are taken where most characters are; where these are small, as many of them as
        // are not left alone do on the next finer level.
        int sure = int(heights.size());
        if (sure < (small ? most / 2 : most)) return;
        most = std::max(sure, most), small = sure && median(heights) < SMALL_WRITING;
        rulings = find_rulings(maps, level, rulings);
    }

    // Names the ink beside digits that no character covers.
    std::vector<Character> name_left_over(const std::vector<Character> &all) const {
        std::vector<Character> more = name(find_left_over(levels, all));
        for (Character &one : more)
            one.is_ink = one.is_apart ? one.kinds[NOTHING] < 1 - DOUBT : !rulings.goes_on(one.box);
        // A stroke that goes on as a ruling is a part of it.
        std::erase_if(more, [](const Character &one) {
            bool slim = one.box.width() < SLIM * one.box.height();
            return slim && !one.is_ink && !one.is_apart;
        });
        return more;
    }

    // Where writing is smaller than the detector knows it, looks again at twice the size.
    void look_closer(const uint8_t *pixels, int width, int height, int channels,
                     std::vector<Candidate> &found) {
        const Level &finest = levels.front();
        std::vector<Box> small;
        size_t seen = 0;
        for (const Candidate &one : found) {
            seen += one.found > LEAST_SEEN;
            if (one.found > LEAST_SEEN && one.box.height() * finest.scale < SMALL_WRITING)
                small.push_back(one.box);
        }
        if (small.empty() || small.size() < 0.3f * seen) return;
        int longest = std::max(finest.grey.width, finest.grey.height);
        bool more = std::max(width, height) >= 2 * longest;
        Grey grey = more ? stretch(reduce(pixels, width, height, channels, 2 * longest))
                         : enlarge(finest.grey);
        Level level = pad(2 * finest.scale, std::move(grey), finest.paper);
        int columns = level.padded.width / BLOCK, rows = level.padded.height / BLOCK;
        level.active.assign(size_t(columns) * rows, 0);
        constexpr int AROUND = 3;
        for (const Box &box : small) {
            auto block = [&](float at, int add, int most) {
                return std::clamp(int((at * level.scale + PAD) / BLOCK) + add, 0, most);
            };
            int left = block(box.left, -AROUND, columns - 1),
                right = block(box.right, AROUND, columns - 1);
            int bottom = block(box.bottom, AROUND, rows - 1);
            for (int row = block(box.top, -AROUND, rows - 1); row <= bottom; row++)
                std::fill_n(level.active.begin() + size_t(row) * columns + left, right - left + 1,
                            1);
        }
        look(level, found);
        levels.insert(levels.begin(), std::move(level));
    }

    static void leave_alone(Level &level, const Box &box) {
        int columns = level.padded.width / BLOCK, rows = level.padded.height / BLOCK;
        auto block = [&](float at, int most) {
            return std::clamp(int((at * level.scale + PAD) / BLOCK), 0, most);
        };
        int left = block(box.left, columns), right = block(box.right, columns - 1);
        for (int row = block(box.top, rows); row <= block(box.bottom, rows - 1); row++)
            for (int column = left; column <= right; column++)
                level.active[size_t(row) * columns + column] = 0;
    }

    static void softmax(const float *logits, int count, float *out) {
        float most = *std::max_element(logits, logits + count), sum = 0;
        for (int i = 0; i < count; i++) sum += out[i] = std::exp(logits[i] - most);
        for (int i = 0; i < count; i++) out[i] /= sum;
    }

    // The height of a character's text: its own, or if it is a sign that of the characters beside
    // it.
    static std::vector<float> find_heights(const std::vector<Candidate> &found) {
        auto is_sign = [](const Candidate &one) {
            auto kind = std::max_element(one.kinds.begin(), one.kinds.end()) - one.kinds.begin();
            return kind >= SIGNS && kind < OTHER;
        };
        std::vector<float> heights;
        std::vector<Box> others;
        for (const Candidate &one : found)
            if (!is_sign(one)) others.push_back(one.box);
        for (const Candidate &one : found) {
            float height = one.box.height();
            if (is_sign(one)) {
                std::array<std::pair<float, float>, 3> near;
                near.fill({1e9f, 0});
                for (const Box &other : others) {
                    float dx = std::fabs(other.x() - one.box.x()),
                          dy = std::fabs(other.y() - one.box.y());
                    float tall = other.height();
                    if (dx > 4 * tall || dy > 1.5f * tall || dx + 2 * dy >= near[2].first) continue;
                    near[2] = {dx + 2 * dy, tall};
                    std::sort(near.begin(), near.end());
                }
                std::vector<float> tall;
                for (auto [distance, value] : near)
                    if (distance < 1e9f) tall.push_back(value);
                if (!tall.empty()) height = median(tall);
            }
            heights.push_back(height);
        }
        return heights;
    }

    // Of several candidates for one character the likeliest.
    std::vector<Character> choose(const std::vector<Candidate> &found) {
        std::vector<Character> all = model.classifier.count ? name(found) : as_detected(found);
        expect_in_line(all, 0);
        expect_signs(all, 0);
        return suppress(std::move(all));
    }

    // What they are by the detector alone.
    static std::vector<Character> as_detected(const std::vector<Candidate> &found) {
        std::vector<Character> all;
        for (const Candidate &one : found) all.push_back(as_detected(one));
        return all;
    }

    static Character as_detected(const Candidate &one) {
        Character character{one.box, {}};
        for (int k = 0; k < KINDS; k++) character.kinds[k] = one.found * one.kinds[k];
        character.kinds[NOTHING] = 1 - one.found;
        return character;
    }

    // How sure the detector is of what a candidate is; of ink that it left over not at all.
    static float sureness(const Candidate &one) {
        return one.levels == ~0u ? 0 : one.found * std::ranges::max(one.kinds);
    }

    // The sureness from which on candidates are not asked about; more than one if all are.
    static float enough(const std::vector<Candidate> &asked) {
        if (asked.size() <= MOST_ASKED) return 2;
        std::vector<float> all;
        for (const Candidate &one : asked) all.push_back(sureness(one));
        std::nth_element(all.begin(), all.begin() + MOST_ASKED, all.end());
        return all[MOST_ASKED] > 0 ? all[MOST_ASKED] : 2;
    }

    // What the classifier says of candidates, whose boxes it has made better.
    struct Answers {
        std::vector<Candidate> asked;
        std::vector<float> heights, said;    // `said`: a row of ANSWER for each
        std::vector<Character> named;        // what both networks say of each
        std::vector<size_t> places, unsure;  // which are left, and of which of them it is unsure
    };

    // Whether nothing else is asked about at its place.
    static bool is_plain(const Character &one) {
        return one.is_digit() && one.confidence() >= UNSURE;
    }

    static bool is_unsure(const Character &one) { return std::ranges::max(one.kinds) < UNSURE; }

    // Asks the classifier for the candidates and takes its answer and the detector's together. The
    // less likely ones that share the place of what surely is a digit are left out.
    Answers ask(const std::vector<Candidate> &asked) const {
        Answers answers{asked, find_heights(asked), {}, {}, {}, {}};
        answers.said.resize(asked.size() * ANSWER), answers.named.resize(asked.size());
        std::vector<size_t> likely, rest;
        std::vector<bool> is_first(asked.size());
        Places digits(asked);
        float known = enough(asked);
        for (size_t i = 0; i < asked.size(); i++) {
            bool is_known = sureness(asked[i]) >= known;
            is_first[i] = is_known || asked[i].found > LIKELY;
            if (is_known) {
                answers.named[i] = as_detected(asked[i]);
                if (answers.named[i].is_digit()) digits.add(asked[i].box, int(i));
            } else if (is_first[i]) {
                likely.push_back(i);
            }
        }
        answer(answers, likely, FIRST);
        for (size_t i : likely)
            if (is_plain(answers.named[i])) digits.add(asked[i].box, int(i));
        for (size_t i = 0; i < asked.size(); i++) {
            if (!is_first[i] && shares_place(asked[i].box, asked, digits)) continue;
            answers.places.push_back(i);
            if (!is_first[i]) rest.push_back(i);
        }
        answer(answers, rest, FIRST);
        for (size_t i : answers.places) refine(answers, i, is_unsure(answers.named[i]) ? 1 : EQUAL);
        Places plain(answers.asked);
        for (size_t i : answers.places)
            if (is_plain(answers.named[i])) plain.add(answers.asked[i].box, int(i));
        for (size_t i : answers.places)
            if (is_unsure(answers.named[i]) && answers.unsure.size() < MOST_AGAIN &&
                !shares_place(answers.asked[i].box, answers.asked, plain))
                answers.unsure.push_back(i);
        return answers;
    }

    // Names candidates: those of which the classifier is unsure are shown to it again in better
    // boxes, which are moved a little, and the mean of its answers is taken.
    std::vector<Character> name(const std::vector<Candidate> &asked) const {
        Answers answers = ask(asked);
        answer(answers, answers.unsure, AGAIN);
        std::vector<Character> named;
        for (size_t i : answers.places) named.push_back(answers.named[i]);
        return named;
    }

    // Shows the classifier some in shifted boxes, takes the mean of its answers, and names them.
    void answer(Answers &answers, const std::vector<size_t> &some,
                std::span<const Shift> shifts) const {
        for (size_t i : some) std::fill_n(&answers.said[i * ANSWER], ANSWER, 0.f);
        std::vector<float> said(some.size() * ANSWER);
        for (const Shift &shift : shifts) {
            Scope scope;
            std::vector<uint8_t> seen = cut_out_some(answers.asked, answers.heights, some, shift);
            Classifier(model).run(seen.data(), int(some.size()), said.data());
            for (size_t i = 0; i < said.size(); i++)
                answers.said[some[i / ANSWER] * ANSWER + i % ANSWER] += said[i] / shifts.size();
        }
        for (size_t i : some) answers.named[i] = weigh(answers.asked[i], &answers.said[i * ANSWER]);
    }

    // Moves the edges of a candidate's box by a share of what the classifier says, but for those of
    // points and commas, which are too small for it, and of ink that hangs together, which are
    // known.
    static void refine(Answers &answers, size_t index, float share) {
        if (answers.asked[index].is_apart) return;
        const float *said = &answers.said[index * ANSWER], *moves = said + NOTHING + 1;
        int64_t kind = std::max_element(said, said + NOTHING) - said;
        if (kind == POINT || kind == COMMA) return;
        Box &box = answers.asked[index].box;
        float side = std::max(box.width(), box.height());
        auto moved = [&](float edge, int which) {
            return edge + share * side * std::clamp(moves[which], -FARTHEST, FARTHEST);
        };
        Box better{moved(box.left, 0), moved(box.top, 1), moved(box.right, 2),
                   moved(box.bottom, 3)};
        if (std::min(better.width() / box.width(), better.height() / box.height()) < NARROWEST)
            return;
        if (answers.heights[index] == box.height()) answers.heights[index] = better.height();
        answers.named[index].box = box = better;
    }

    // Whether a box is one of those at a place, or a part of one, or around it.
    template <class Found>
    static bool shares_place(const Box &box, const std::vector<Found> &all, const Places &places) {
        bool shared = false;
        float area = box.width() * box.height();
        places.near(box, [&](int index) {
            const Box &other = all[index].box;
            shared = overlap(box, other) > SHARED * std::min(area, other.width() * other.height());
            return !shared;
        });
        return shared;
    }

    // Cuts some out, in boxes that are shifted.
    std::vector<uint8_t> cut_out_some(const std::vector<Candidate> &all,
                                      const std::vector<float> &heights,
                                      const std::vector<size_t> &some, const Shift &shift) const {
        std::vector<uint8_t> cut_outs(some.size() * CUT_OUT);
        for (size_t i = 0; i < some.size(); i++) {
            const Box &box = all[some[i]].box;
            float side = std::max(box.width(), box.height());
            float x = box.x() + shift.right * side, y = box.y() + shift.down * side;
            float width = shift.size * box.width() / 2, height = shift.size * box.height() / 2;
            cut_out(levels, {x - width, y - height, x + width, y + height},
                    shift.size * heights[some[i]], &cut_outs[i * CUT_OUT]);
        }
        return cut_outs;
    }

    // What the classifier says of a candidate and what the detector says, together.
    Character weigh(const Candidate &one, const float *logits) const {
        const float *powers = model.powers;
        Character character{one.box, {}};
        character.is_apart = one.is_apart;
        float both[NOTHING + 1];
        for (int k = 0; k <= NOTHING; k++) {
            bool nothing = k == NOTHING;
            float kind = nothing ? powers[3] : powers[1] * std::log(one.kinds[k] + TINY);
            float there = (nothing ? 1 - one.found : one.found) + TINY;
            both[k] = powers[0] * logits[k] + kind + powers[2] * std::log(there);
        }
        softmax(both, NOTHING + 1, character.kinds.data());
        return character;
    }

    // Where a picture holds but two that stand close they may be parts of one: takes that if it is
    // at least as likely as both.
    std::vector<Character> join(std::vector<Character> all) {
        std::vector<Character *> two;
        for (Character &one : all)
            if (one.kinds[NOTHING] < 0.5f) two.push_back(&one);
        if (two.size() != 2 || two[0]->kind() == OTHER || two[1]->kind() == OTHER) return all;
        Character &one = *two[0], &other = *two[1];
        const Box &a = one.box, &b = other.box;
        Candidate whole{};
        whole.box = around(a, b);
        float tall = std::max(a.height(), b.height());
        if (std::max(a.left - b.right, b.left - a.right) > CLOSEST * tall) return all;
        // Two that surely are digits are two.
        bool digits = one.is_digit() && other.is_digit() &&
                      std::min(a.height(), b.height()) > SAME_HEIGHT * tall;
        float less = digits ? std::min(one.confidence(), other.confidence()) : 0;
        if (less > SPECK_SURE) return all;
        whole.found = LEFT;
        whole.kinds.fill(1.f / KINDS);
        Character named = name({whole}).front();
        float both = one.confidence() * other.confidence();
        if (!named.is_digit() || named.confidence() < std::max(both, 0.5f)) return all;
        // The classifier may have moved the box to one of the two.
        for (const Box &part : {a, b})
            if (overlap(named.box, part) < INSIDE * part.width() * part.height()) return all;
        one = named;
        if (less > 0.5f) one.doubt();
        other.kinds.fill(0);
        other.kinds[NOTHING] = 1;
        return all;
    }

    // A dash may be a speck or part of a ruling, but beside a digit it is likelier a sign. Of the
    // characters from the first one on.
    static void expect_signs(std::vector<Character> &all, size_t first) {
        Places places(all);
        for (size_t i = 0; i < all.size(); i++)
            if (all[i].kinds[NOTHING] < 1 - DOUBT && !all[i].is_sign())
                places.add(all[i].box, int(i));
        for (size_t i = first; i < all.size(); i++) {
            Character &one = all[i];
            if (!one.is_sign()) continue;
            const Box &box = one.box;
            float reach = std::max(BESIDE * std::max(box.height(), box.width()), BESIDE * 8);
            bool beside = false, within = false;
            places.near({box.left - reach, box.top - reach, box.right + reach, box.bottom + reach},
                        [&](int index) {
                            const Character &other = all[index];
                            // A bar within a digit is part of it.
                            within = overlap(box, other.box) > 0.5f * box.width() * box.height();
                            beside |= other.kind() < SIGNS && other.kinds[NOTHING] < 0.5f &&
                                      stands_beside(box, other.box);
                            return !within;
                        });
            if (beside && !within) expect(one, EXPECTED);
        }
    }

    // A digit stands likelier in a row or a column with others, as high as they are, than away
    // from them, but not beside letters. Of the characters from the first one on.
    static void expect_in_line(std::vector<Character> &all, size_t first) {
        struct Seen {
            float probability;
            Box box;
        };
        std::vector<Seen> digits, letters;
        for (const Character &one : all)
            if (float digit = digit_share(one); std::max(digit, one.kinds[OTHER]) > SEEN)
                digits.push_back({digit, one.box}), letters.push_back({one.kinds[OTHER], one.box});
        for (std::vector<Seen> *seen : {&digits, &letters})
            std::sort(seen->begin(), seen->end(),
                      [](const Seen &a, const Seen &b) { return a.probability > b.probability; });
        for (size_t i = first; i < all.size(); i++) {
            const Box &box = all[i].box;
            float area = box.width() * box.height();
            auto apart = [&](const Seen &other) {
                float size = other.box.width() * other.box.height();
                return overlap(box, other.box) <= SHARED * std::min(area, size);
            };
            auto in_line = [&](const Seen &other) {
                return stands_in_line(box, other.box) && apart(other);
            };
            // Of the likeliest that does.
            auto most = [](const std::vector<Seen> &seen, auto &&does) {
                auto found = std::find_if(seen.begin(), seen.end(), does);
                return found == seen.end() ? 0.f : found->probability;
            };
            float anywhere = most(digits, apart), beside = most(digits, in_line);
            float letter = most(letters, in_line);
            float odds = IN_LINE * beside - ASTRAY * anywhere;
            if (letter > beside) odds = std::min(odds, 0.f);
            float share = digit_share(all[i]) / std::max(1 - all[i].kinds[NOTHING], TINY);
            expect(all[i], std::exp(share * odds));
        }
    }

    static bool stands_in_line(const Box &box, const Box &digit) {
        float tall = digit.height(), higher = std::max(box.height() / tall, tall / box.height());
        bool row = std::fabs(box.y() - digit.y()) < tall / 2;
        bool column = std::fabs(box.x() - digit.x()) < tall / 2;
        return (row && higher < ROW_HEIGHTS) || (column && higher < COLUMN_HEIGHTS);
    }

    static float digit_share(const Character &one) {
        return std::accumulate(one.kinds.begin(), one.kinds.begin() + SIGNS, 0.f);
    }

    // Where there is ink it is at least told to be left out.
    static void leave_out_at_least(Character &one) {
        float nothing = one.kinds[NOTHING];
        if (nothing <= LEFT_OUT) return;
        for (float &kind : one.kinds) kind *= (1 - LEFT_OUT) / std::max(1 - nothing, TINY);
        one.kinds[NOTHING] = LEFT_OUT;
    }

    // A sign alone is none.
    static void no_sign(Character &one) {
        float sum = 0;
        for (int k = SIGNS; k < OTHER; k++) sum += std::exchange(one.kinds[k], 0);
        for (float &kind : one.kinds) kind /= std::max(1 - sum, TINY);
    }

    static void expect(Character &one, float likelier) {
        float odds = one.kinds[NOTHING] / likelier, sum = odds + 1 - one.kinds[NOTHING];
        for (float &kind : one.kinds) kind /= sum;
        one.kinds[NOTHING] = odds / sum;
    }

    static bool stands_beside(const Box &sign, const Box &digit) {
        float tall = digit.height();
        float apart = std::max(digit.left - sign.right, sign.left - digit.right);
        return sign.height() < 1.4f * tall && sign.width() < 1.2f * tall && apart > -0.25f * tall &&
               apart < 0.8f * tall && sign.y() > digit.top - 0.1f * tall &&
               sign.y() < digit.bottom + 0.25f * tall;
    }

    static bool is_close(const Box &one, const Box &other, float reach) {
        float low = std::min(one.height(), other.height()),
              tall = std::max(one.height(), other.height());
        float apart = std::max(one.left - other.right, other.left - one.right);
        return apart < reach * low && tall < 2.5f * low &&
               std::fabs(one.y() - other.y()) < 0.5f * tall;
    }

    // Whether what was not read has a sign's size and place.
    static bool may_be_sign(const Character &one, const std::vector<Character> &read, float tall) {
        if (std::max(one.box.width(), one.box.height()) < SIGN_SIZE * tall) return false;
        return std::any_of(read.begin(), read.end(), [&](const Character &digit) {
            return digit.is_digit() && stands_beside(one.box, digit.box);
        });
    }

    // Of characters that share much of their place keeps the likeliest. Of boxes around the same
    // ink at most one fits, so that their probabilities add up: what is found twice, half as likely
    // each time, is there.
    static std::vector<Character> suppress(std::vector<Character> all) {
        drop_parts(all);
        std::stable_sort(all.begin(), all.end(), [](const Character &a, const Character &b) {
            return a.kinds[NOTHING] < b.kinds[NOTHING];
        });
        std::vector<Character> kept;
        Places places(all);
        for (const Character &one : all) {
            int taken = -1;
            places.near(one.box, [&](int index) {
                bool shared = share_place(one, kept[index]);
                if (shared) taken = index;
                return !shared;
            });
            if (taken < 0) {
                places.add(one.box, int(kept.size()));
                kept.push_back(one);
                continue;
            }
            Character &other = kept[taken];
            float low = std::min(one.box.height(), other.box.height()),
                  tall = std::max(one.box.height(), other.box.height());
            if (low < SAME_HEIGHT * tall) continue;
            float more = std::min(one.kinds[other.kind()], other.kinds[NOTHING]);
            other.kinds[other.kind()] += more;
            other.kinds[NOTHING] -= more;
        }
        return kept;
    }

    // Whether only one of two can be there.
    static bool share_place(const Character &one, const Character &other) {
        bool alike = one.kind() == other.kind(), apart = one.is_apart || other.is_apart;
        float common = overlap(one.box, other.box);
        float smaller =
            std::min(one.box.width() * one.box.height(), other.box.width() * other.box.height());
        // Ones are close; a part of another digit may look like it.
        if (apart && (!alike || one.kind() == ONE)) {
            // What is left over beside two digits may be the same ink.
            bool both_left = one.is_apart ? other.is_ink && !other.is_apart : one.is_ink;
            return both_left ? common > SAME_INK * smaller
                             : share_of_union(one.box, other.box) > SAME_STROKE;
        }
        // Signs have few pixels: two that touch are one whose box is uncertain.
        return common > (one.is_sign() && alike ? 0 : SHARED) * smaller;
    }

    // Takes away the dots of colons and the circles of per cent signs.
    static void drop_parts(std::vector<Character> &all) {
        std::vector<Box> wholes;
        for (const Character &one : all)
            if (one.confidence() > 0.5f && (one.kind() == COLON || one.kind() == PER_CENT))
                wholes.push_back(one.box);
        if (wholes.empty()) return;
        std::erase_if(all, [&](const Character &one) {
            float area = one.box.width() * one.box.height();
            return std::any_of(wholes.begin(), wholes.end(), [&](const Box &whole) {
                return area < PART_OF * whole.width() * whole.height() &&
                       overlap(one.box, whole) > INSIDE * area;
            });
        });
    }

    // Takes away what is likelier nothing, where boxes fit the ink better.
    static void drop_beneath(std::vector<Character> &all, const std::vector<Character> &more) {
        Places places(more);
        for (size_t i = 0; i < more.size(); i++) places.add(more[i].box, int(i));
        std::erase_if(all, [&](const Character &one) {
            return one.kinds[NOTHING] >= 0.5f && shares_place(one.box, more, places);
        });
    }

    Reading sort(std::vector<Character> all, float width, float height) {
        std::vector<Character> kept, out;
        auto share_inside = [&](const Character &one) {
            float area = one.box.width() * one.box.height();
            return overlap(one.box, {0, 0, width, height}) / area;
        };
        for (Character &one : all) {
            one.cut = share_inside(one) < CUT;
            if (one.kinds[NOTHING] < 0.5f) kept.push_back(one);
            else if (one.is_ink || one.kinds[NOTHING] < 1 - DOUBT) {
                if (one.is_ink) leave_out_at_least(one);
                out.push_back(one);
            }
        }
        auto leave_out = [&](auto &&doubtful) {
            std::erase_if(kept, [&](const Character &one) {
                if (doubtful(one)) out.push_back(one);
                return doubtful(one);
            });
        };
        // A cut character is read if there is nothing else.
        if (kept.size() > 1)
            leave_out([&](const Character &one) { return share_inside(one) < WHOLE; });
        // Specks beside writing are not read, unless they surely are.
        float usual = digit_height(kept);
        leave_out([&](const Character &one) {
            return one.kind() < SIGNS && one.box.height() < SPECK * usual &&
                   one.confidence() < SPECK_SURE;
        });
        // Where nothing is likely a digit, small things are none.
        float surest = 0;
        for (const Character &one : kept)
            if (one.is_digit()) surest = std::max(surest, one.confidence());
        if (surest < UNLIKELY)
            leave_out([&](const Character &one) {
                bool large = one.box.height() > LONE * std::min(width, height);
                return !large || one.confidence() < LONE_LIKENESS;
            });
        find_points(kept, out);
        find_words(kept);
        // A picture that holds but one large doubtful thing is likelier to hold that than nothing.
        if (std::all_of(kept.begin(), kept.end(),
                        [](const Character &one) { return one.is_sign(); })) {
            Character best{{}, {}};
            best.kinds[NOTHING] = 1;
            for (const Character &one : all)
                if (one.kind() < OTHER && one.box.height() > LONE * std::min(width, height) &&
                    one.kinds[NOTHING] < best.kinds[NOTHING])
                    best = one;
            if (best.is_sign()) no_sign(best);
            expect(best, LONE_EXPECTED);
            if (best.kinds[NOTHING] < 0.5f && best.confidence() > LONE_LIKENESS) {
                kept.assign(1, best), out.clear();
                for (Character &one : name_left_over({best})) {
                    if (one.is_ink) leave_out_at_least(one);
                    if (one.kinds[NOTHING] < 0.5f) kept.push_back(one);
                    else if (one.is_ink) out.push_back(one);
                }
            }
        }
        Layout layout = lay_out(std::move(kept), std::move(out), rulings);
        decide_numbers(layout);
        float tall = digit_height(layout.characters);
        Reading reading{std::move(layout.characters), std::move(layout.others),
                        std::move(layout.cells)};
        std::erase_if(reading.left_out, [&](const Character &one) {
            if (one.box.height() > 1.8f * tall) return true;
            return one.box.height() < 0.6f * tall && !may_be_sign(one, reading.characters, tall);
        });
        for (std::vector<Character> *some : {&reading.characters, &reading.left_out})
            for (Character &one : *some) one.box = inside(one.box, width, height);
        return reading;
    }

    // What of a box lies in the picture.
    static Box inside(const Box &box, float width, float height) {
        return {std::clamp(box.left, 0.f, width), std::clamp(box.top, 0.f, height),
                std::clamp(box.right, 0.f, width), std::clamp(box.bottom, 0.f, height)};
    }

    // The usual height of digits: of those that surely are, if there are any.
    static float digit_height(const std::vector<Character> &all) {
        std::vector<float> heights, sure;
        for (const Character &one : all)
            if (one.kind() < SIGNS) {
                heights.push_back(one.box.height());
                if (one.confidence() >= SPECK_SURE) sure.push_back(one.box.height());
            }
        return median(sure.empty() ? heights : sure);
    }
};

}  // namespace reader
