// Ink beside digits that no character covers: strokes and signs that the detector missed.
#pragma once

#include <vector>

#include "tilt.h"

namespace reader {

// In heights of the digit beside which it is looked for: how far, how far above and below, and how
// high and wide a digit and a sign may be.
constexpr float BESIDE_DIGIT = 1.5f, ABOVE = 0.35f;
constexpr float LOWEST = 0.35f, PART = 0.5f, HIGHEST = 1.7f, WIDEST = 1.8f, SMALLEST_SIGN = 0.06f;
constexpr float LARGEST_SIGN = 0.5f, LONGEST_SIGN = 1.0f;
// A dot of a colon, how far aside of each other its dots are and how far apart.
constexpr float LARGEST_DOT = 0.4f, ASIDE = 0.2f, LEAST_APART = 0.2f, MOST_APART = 0.8f;
constexpr size_t MOST_DOTS = 16;    // more of a sign's size around a digit are noise
constexpr size_t MOST_LEFT = 1000;  // in a picture: of more, the largest
constexpr float INK = 0.45f;        // of the way from paper to ink
constexpr int LEAST_INK = 16;       // grey values between them
constexpr float OWN = 0.6f;         // share of a stroke's pixels outside of other boxes
constexpr float APART = 0.7f;       // height of one that is within them and a character's own
constexpr float PIXELS_HIGH = 28;   // of a digit on the level that is looked at
constexpr float LEFT = 0.8f;        // probability that it is a character

// The window around one digit.
class Window {
   public:
    Window(const std::vector<Level> &levels, const Box &digit) : tall(digit.height()) {
        level = &levels.front();
        for (const Level &one : levels)
            if (std::fabs(std::log(tall * one.scale / PIXELS_HIGH)) <
                std::fabs(std::log(tall * level->scale / PIXELS_HIGH)))
                level = &one;
        Box wide{digit.left - BESIDE_DIGIT * tall, digit.top - ABOVE * tall,
                 digit.right + BESIDE_DIGIT * tall, digit.bottom + ABOVE * tall};
        left = column(wide.left), right = column(wide.right) + 1;
        top = row(wide.top), bottom = row(wide.bottom) + 1;
        width = right - left, height = bottom - top;
        area = {left / level->scale, top / level->scale, right / level->scale,
                bottom / level->scale};
        covered.assign(size_t(width) * height, 0);
    }

    Box area;  // in pixels of the picture

    void cover(const Box &box) {
        boxes.push_back(box);
        int from = std::max(column(box.left), left), to = std::min(column(box.right), right - 1);
        for (int y = std::max(row(box.top), top); y <= std::min(row(box.bottom), bottom - 1); y++)
            for (int x = from; x <= to; x++) covered[at(x, y)] = 1;
    }

    void cover_sign(const Box &box) {
        cover(box);
        add_dot(box);
    }

    // Adds what may be a character to `out`.
    void find(const Box &digit, std::vector<Candidate> &out) {
        size_t first = out.size();
        find_strokes(digit, out);
        auto is_sign = [](const Candidate &one) { return one.kinds[SIGNS] > one.kinds[0]; };
        if (size_t(std::count_if(out.begin() + first, out.end(), is_sign)) > MOST_DOTS)
            out.erase(std::remove_if(out.begin() + first, out.end(), is_sign), out.end());
        for (size_t i = first; i < out.size(); i++) add_dot(out[i].box);
        for (size_t i = 0; i < dots.size(); i++)
            for (size_t j = 0; j < i; j++)
                if (are_colon(dots[i], dots[j])) keep(sign(around(dots[i], dots[j])), out);
    }

   private:
    const Level *level;
    float tall;
    int left, right, top, bottom, width, height;
    std::vector<uint8_t> covered, ink;
    std::vector<Box> dots, boxes;

    // Ink that hangs together.
    struct Stroke {
        std::vector<int> pixels;
        Box box;  // in pixels of the picture
        bool is_claimed = false;
    };

    void add_dot(const Box &box) {
        if (std::max(box.width(), box.height()) < LARGEST_DOT * tall && dots.size() < MOST_DOTS)
            dots.push_back(box);
    }

    bool are_colon(const Box &one, const Box &other) const {
        float apart = std::fabs(one.y() - other.y()) / tall;
        return std::fabs(one.x() - other.x()) < ASIDE * tall && apart > LEAST_APART &&
               apart < MOST_APART;
    }

    void find_strokes(const Box &digit, std::vector<Candidate> &out) {
        if (!find_ink(digit)) return;
        std::vector<Stroke> strokes;
        for (size_t start = 0; start < ink.size(); start++)
            if (ink[start]) {
                Stroke &stroke = strokes.emplace_back();
                flood(int(start), ink, stroke.pixels);
                stroke.box = box_of(stroke.pixels);
            }
        claim(strokes);
        for (const Stroke &stroke : strokes) {
            int own = 0;
            for (int pixel : stroke.pixels) own += !covered[pixel];
            if (own >= OWN * stroke.pixels.size()) {
                add(stroke.pixels, LOWEST, out);
                continue;
            }
            // A slanted stroke lies within its neighbours' boxes.
            if (!stroke.is_claimed && stroke.box.height() >= APART * tall) {
                size_t before = out.size();
                add(stroke.pixels, APART, out);
                if (out.size() > before) out.back().is_apart = true;
                continue;
            }
            // What touches another character: its parts beyond that.
            std::vector<uint8_t> beyond(ink.size());
            for (int pixel : stroke.pixels) beyond[pixel] = !covered[pixel];
            std::vector<int> part;
            for (int pixel : stroke.pixels)
                if (beyond[pixel]) flood(pixel, beyond, part), add(part, PART, out);
        }
    }

    // Gives each character the stroke whose box is most like its own, each stroke to one at most.
    void claim(std::vector<Stroke> &strokes) const {
        struct Pair {
            float alike;
            size_t box;
            Stroke *stroke;
        };
        std::vector<Pair> pairs;
        for (size_t i = 0; i < boxes.size(); i++)
            for (Stroke &stroke : strokes)
                if (float alike = share_of_union(boxes[i], stroke.box); alike > 0)
                    pairs.push_back({alike, i, &stroke});
        std::stable_sort(pairs.begin(), pairs.end(),
                         [](const Pair &a, const Pair &b) { return a.alike > b.alike; });
        std::vector<bool> has_claimed(boxes.size());
        for (const Pair &pair : pairs) {
            if (has_claimed[pair.box] || pair.stroke->is_claimed) continue;
            has_claimed[pair.box] = pair.stroke->is_claimed = true;
        }
    }

    Box box_of(const std::vector<int> &pixels) const {
        int x0 = width, x1 = -1, y0 = height, y1 = -1;
        for (int pixel : pixels) {
            x0 = std::min(x0, pixel % width), x1 = std::max(x1, pixel % width);
            y0 = std::min(y0, pixel / width), y1 = std::max(y1, pixel / width);
        }
        float scale = level->scale;
        return {(left + x0) / scale, (top + y0) / scale, (left + x1 + 1) / scale,
                (top + y1 + 1) / scale};
    }

    int column(float x) const {
        return std::clamp(int(std::floor(x * level->scale)), 0, level->grey.width - 1);
    }
    int row(float y) const {
        return std::clamp(int(std::floor(y * level->scale)), 0, level->grey.height - 1);
    }
    size_t at(int x, int y) const { return size_t(y - top) * width + (x - left); }

    // Tells ink from paper by what is darkest or lightest in the digit.
    bool find_ink(const Box &digit) {
        int counts[256] = {}, total = 0, paper = 0;
        for (int y = top; y < bottom; y++)
            for (int x = left; x < right; x++)
                if (!covered[at(x, y)]) counts[level->grey.row(y)[x]]++, total++;
        if (!total) return false;
        for (int seen = counts[0]; 2 * seen < total; seen += counts[paper]) paper++;
        int low = 255, high = 0;
        for (int y = row(digit.top); y <= row(digit.bottom); y++)
            for (int x = column(digit.left); x <= column(digit.right); x++) {
                low = std::min<int>(low, level->grey.row(y)[x]);
                high = std::max<int>(high, level->grey.row(y)[x]);
            }
        int contrast = paper - low > high - paper ? low - paper : high - paper;
        if (std::abs(contrast) < LEAST_INK) return false;
        ink.resize(covered.size());
        for (int y = top; y < bottom; y++)
            for (int x = left; x < right; x++)
                ink[at(x, y)] = (level->grey.row(y)[x] - paper) * (contrast > 0 ? 1 : -1) >
                                INK * std::abs(contrast);
        return true;
    }

    // Takes the pixels that hang together with one out of a mask.
    void flood(int start, std::vector<uint8_t> &mask, std::vector<int> &pixels) const {
        pixels.assign(1, start);
        mask[start] = 0;
        for (size_t i = 0; i < pixels.size(); i++) {
            int x = pixels[i] % width, y = pixels[i] / width;
            for (int v = std::max(y - 1, 0); v <= std::min(y + 1, height - 1); v++)
                for (int u = std::max(x - 1, 0); u <= std::min(x + 1, width - 1); u++)
                    if (mask[v * width + u])
                        mask[v * width + u] = 0, pixels.push_back(v * width + u);
        }
    }

    // `out` must not grow: this window's memory is given back before its own.
    static void keep(const Candidate &one, std::vector<Candidate> &out) {
        if (out.size() < out.capacity()) out.push_back(one);
    }

    void add(const std::vector<int> &pixels, float lowest, std::vector<Candidate> &out) const {
        for (int pixel : pixels) {
            int x = pixel % width, y = pixel / width;
            // What goes on beyond the window is a ruling, or another line's.
            if (x == 0 || y == 0 || x == width - 1 || y == height - 1) return;
        }
        Box box = box_of(pixels);
        float high = box.height() / tall, wide = box.width() / tall;
        if (high >= lowest && high <= HIGHEST && wide <= WIDEST) {
            Candidate one{};
            one.box = box;
            one.levels = ~0u;
            one.found = LEFT;
            one.kinds.fill(1.f / KINDS);
            keep(one, out);
        } else if (lowest == LOWEST && high <= LARGEST_SIGN && wide <= LONGEST_SIGN &&
                   std::max(high, wide) >= SMALLEST_SIGN) {
            keep(sign(box), out);
        }
    }

    static Candidate sign(const Box &box) {
        Candidate one{};
        one.box = box;
        one.levels = ~0u;
        one.found = LEFT;
        one.kinds.fill(0.001f);
        for (int k = SIGNS; k < OTHER; k++) one.kinds[k] = 0.11f;
        return one;
    }
};

// What may be characters beside those that are kept.
inline std::vector<Candidate> find_left_over(const std::vector<Level> &levels,
                                             const std::vector<Character> &kept) {
    std::vector<Candidate> found;
    found.reserve(MOST);
    Places places(kept), seen(kept);
    for (size_t i = 0; i < kept.size(); i++)
        if (kept[i].kinds[NOTHING] < 0.5f) places.add(kept[i].box, int(i));
    for (const Character &one : kept) {
        if (one.kinds[NOTHING] >= 0.5f || !one.is_digit()) continue;
        size_t first = found.size();
        {
            Scope scope;
            Window window(levels, one.box);
            places.near(window.area, [&](int index) {
                if (kept[index].is_sign()) window.cover_sign(kept[index].box);
                else window.cover(kept[index].box);
                return true;
            });
            window.find(one.box, found);
        }
        // Windows overlap.
        size_t last = first;
        for (size_t i = first; i < found.size(); i++) {
            bool is_new = true;
            seen.near(found[i].box, [&](int index) {
                return is_new = share_of_union(found[i].box, found[index].box) <= ALIKE;
            });
            if (!is_new) continue;
            seen.add(found[i].box, int(last));
            found[last++] = found[i];
        }
        found.resize(last);
    }
    if (found.size() > MOST_LEFT) {
        auto size = [](const Candidate &one) {
            return std::max(one.box.width(), one.box.height());
        };
        std::stable_sort(found.begin(), found.end(),
                         [&](const Candidate &a, const Candidate &b) { return size(a) > size(b); });
        found.resize(MOST_LEFT);
    }
    return found;
}

}  // namespace reader
