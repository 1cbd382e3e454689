// Characters from what the detector says of each cell, on all levels of the pyramid.
#pragma once

#include <array>
#include <cmath>

#include "picture.h"

namespace reader {

constexpr int CELL = 4, KINDS = 20, OTHER = 19, NOTHING = 20, SIGNS = 10;
constexpr float REACH = 8, UNIT = 16;

struct Box {
    float left, top, right, bottom;

    float width() const { return right - left; }
    float height() const { return bottom - top; }
    float x() const { return (left + right) / 2; }
    float y() const { return (top + bottom) / 2; }
};

inline float overlap(const Box &a, const Box &b) {
    float width = std::min(a.right, b.right) - std::max(a.left, b.left);
    float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    return width > 0 && height > 0 ? width * height : 0;
}

constexpr float RULED = -0.7f;  // logit of a ruling from which on a cell is taken for one

// One level as the detector sees it: planes of cells, each rows x columns.
struct Maps {
    int rows, columns;
    const float *plane[8];

    float middle(size_t at) const { return plane[0][at]; }
    float right(size_t at) const { return plane[1][at]; }
    float down(size_t at) const { return plane[2][at]; }
    float width(size_t at) const { return plane[3][at]; }
    float height(size_t at) const { return plane[4][at]; }
    bool level_ruling(size_t at) const { return plane[5][at] > RULED; }
    bool upright_ruling(size_t at) const { return plane[6][at] > RULED; }
};

// What may be a character.
struct Candidate {
    Box box;                         // in pixels of the picture
    float found;                     // probability that a character's middle lies here
    int row, column;                 // its cell of its level
    uint32_t levels;                 // on which it is seen, a bit each
    std::array<float, KINDS> kinds;  // probabilities by the detector
};

constexpr float LEAST = 0.15f;  // probability from which on a peak is looked at
constexpr int MOST = 4000;      // candidates of a picture
constexpr float ALIKE = 0.45f;  // intersection over union: then two levels see the same character
constexpr float SHARED = 0.5f;  // of the smaller of two boxes: then they are one character

inline float sigmoid(float logit) { return 1 / (1 + std::exp(-logit)); }

// The peaks of a level.
inline void find_peaks(const Maps &maps, const Level &level, std::vector<Candidate> &found) {
    // Each level is half as large as the one before.
    uint32_t bit = 1u << std::clamp(int(8.5f - std::log(level.scale) / std::log(2.f)), 0, 31);
    const float least = std::log(LEAST / (1 - LEAST));
    for (int row = 0; row < maps.rows; row++)
        for (int column = 0; column < maps.columns; column++) {
            size_t at = size_t(row) * maps.columns + column;
            float value = maps.middle(at);
            if (!(value > least)) continue;
            bool top = true;
            for (int y = std::max(row - 1, 0); y <= std::min(row + 1, maps.rows - 1) && top; y++)
                for (int x = std::max(column - 1, 0); x <= std::min(column + 1, maps.columns - 1);
                     x++) {
                    float other = maps.middle(size_t(y) * maps.columns + x);
                    // Of equals the first one.
                    bool before = y < row || (y == row && x < column);
                    if (other > value || (before && other == value)) top = false;
                }
            if (!top) continue;
            float x = (column + 0.5f) * CELL - PAD + REACH * maps.right(at);
            float y = (row + 0.5f) * CELL - PAD + REACH * maps.down(at);
            float width = UNIT * std::exp(std::clamp(maps.width(at), -3.f, 1.5f));
            float height = UNIT * std::exp(std::clamp(maps.height(at), -3.f, 1.5f));
            if (x < 0 || y < 0 || x >= level.grey.width || y >= level.grey.height) continue;
            float scale = 1 / level.scale;
            found.push_back({{(x - width / 2) * scale, (y - height / 2) * scale,
                              (x + width / 2) * scale, (y + height / 2) * scale},
                             sigmoid(value),
                             row,
                             column,
                             bit,
                             {}});
        }
}

// Keeps the best of those that share much of their place, best first.
inline std::vector<Candidate> suppress(std::vector<Candidate> found) {
    std::stable_sort(found.begin(), found.end(),
                     [](const Candidate &a, const Candidate &b) { return a.found > b.found; });
    std::vector<Candidate> kept;
    // Places are looked up by squares of about a usual character's size.
    float side = 1;
    for (const Candidate &one : found)
        side = std::max(side, std::max(one.box.width(), one.box.height()));
    side = std::max(side / 8, 16.f);
    int columns = 0;
    for (const Candidate &one : found)
        columns = std::max(columns, int(std::max(one.box.right, 0.f) / side) + 1);
    std::vector<std::vector<int>> squares;
    auto visit = [&](const Box &box, auto &&each) {
        int left = int(std::max(box.left, 0.f) / side),
            right = int(std::max(box.right, 0.f) / side);
        int top = int(std::max(box.top, 0.f) / side),
            bottom = int(std::max(box.bottom, 0.f) / side);
        for (int y = top; y <= bottom; y++)
            for (int x = left; x <= right; x++)
                if (!each(size_t(y) * columns + x)) return;
    };
    for (const Candidate &one : found) {
        if (kept.size() >= MOST) break;
        bool free = true;
        float area = one.box.width() * one.box.height();
        visit(one.box, [&](size_t square) {
            if (square < squares.size())
                for (int index : squares[square]) {
                    Candidate &other = kept[index];
                    float size = other.box.width() * other.box.height();
                    float common = overlap(one.box, other.box);
                    if (common <= SHARED * std::min(area, size)) continue;
                    free = false;
                    // Levels that see the same agree by no accident.
                    if (common > ALIKE * (area + size - common) && !(other.levels & one.levels)) {
                        other.levels |= one.levels;
                        other.found = 1 - (1 - other.found) * (1 - one.found);
                    }
                    break;
                }
            return free;
        });
        if (!free) continue;
        visit(one.box, [&](size_t square) {
            if (square >= squares.size()) squares.resize(square + 1);
            squares[square].push_back(int(kept.size()));
            return true;
        });
        kept.push_back(one);
    }
    return kept;
}

// Cuts a character out for the classifier: 32x32 grey values, contrast stretched.
constexpr int SIDE = 32;
constexpr float ROOM = 1.45f, SHORT = 0.9f, FLAT = 24, LARGEST_CUT = 54;

inline void cut_out(const std::vector<Level> &levels, const Box &box, float tall, uint8_t *out) {
    float side = ROOM * std::max(std::max(box.width(), box.height()), SHORT * tall);
    // The finest level in which it is no larger than those that the classifier learnt from.
    size_t index = 0;
    while (index + 1 < levels.size() && side * levels[index].scale > LARGEST_CUT) index++;
    const Grey &grey = levels[index].grey;
    float scale = levels[index].scale, step = side * scale / SIDE;
    float values[SIDE * SIDE], low = 255, high = 0;
    for (int row = 0; row < SIDE; row++) {
        float y = std::clamp(box.y() * scale + (row + 0.5f - SIDE / 2) * step - 0.5f, 0.f,
                             float(grey.height - 1));
        int top = std::clamp(int(y), 0, std::max(grey.height - 2, 0));
        float fy = y - top;
        const uint8_t *upper = grey.row(top), *lower = grey.row(std::min(top + 1, grey.height - 1));
        for (int column = 0; column < SIDE; column++) {
            float x = std::clamp(box.x() * scale + (column + 0.5f - SIDE / 2) * step - 0.5f, 0.f,
                                 float(grey.width - 1));
            int left = std::clamp(int(x), 0, std::max(grey.width - 2, 0));
            float fx = x - left;
            int right = std::min(left + 1, grey.width - 1);
            float above = upper[left] * (1 - fx) + upper[right] * fx;
            float below = lower[left] * (1 - fx) + lower[right] * fx;
            float value = above * (1 - fy) + below * fy;
            values[row * SIDE + column] = value;
            low = std::min(low, value), high = std::max(high, value);
        }
    }
    float factor = 255 / std::max(high - low, FLAT);
    for (int i = 0; i < SIDE * SIDE; i++)
        out[i] = uint8_t(std::nearbyint((values[i] - low) * factor));
}

}  // namespace reader
