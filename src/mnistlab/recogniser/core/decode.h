// Characters from what the detector says of each cell, on all levels of the pyramid.
#pragma once

#include <array>
#include <cmath>
#include <numeric>

#include "picture.h"

namespace reader {

constexpr int CELL = 4, KINDS = 20, OTHER = 19, NOTHING = 20, SIGNS = 10;
constexpr int ONE = 1, POINT = 10, COMMA = 11, SLASH = 14, COLON = 15, PER_CENT = 18;
constexpr float REACH = 8, UNIT = 16;

struct Box {
    float left, top, right, bottom;

    float width() const { return right - left; }
    float height() const { return bottom - top; }
    float x() const { return (left + right) / 2; }
    float y() const { return (top + bottom) / 2; }
};

inline Box around(const Box &a, const Box &b) {
    return {std::min(a.left, b.left), std::min(a.top, b.top), std::max(a.right, b.right),
            std::max(a.bottom, b.bottom)};
}

inline float overlap(const Box &a, const Box &b) {
    float width = std::min(a.right, b.right) - std::max(a.left, b.left);
    float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    return width > 0 && height > 0 ? width * height : 0;
}

// Intersection over union.
inline float share_of_union(const Box &a, const Box &b) {
    float common = overlap(a, b);
    return common / (a.width() * a.height() + b.width() * b.height() - common);
}

// One level as the detector sees it: planes of cells, each rows x columns.
struct Maps {
    int rows, columns;
    const float *plane[8];

    float middle(size_t at) const { return plane[0][at]; }
    float right(size_t at) const { return plane[1][at]; }
    float down(size_t at) const { return plane[2][at]; }
    float width(size_t at) const { return plane[3][at]; }
    float height(size_t at) const { return plane[4][at]; }
};

// What may be a character.
struct Candidate {
    Box box;                         // in pixels of the picture
    float found;                     // probability that a character's middle lies here
    int row, column;                 // its cell of its level
    uint32_t levels;                 // on which it is seen, a bit each
    std::array<float, KINDS> kinds;  // probabilities by the detector
    bool is_apart = false;           // ink that hangs together and is no other character's
};

constexpr float LEAST = 0.2f;   // probability from which on a peak is looked at
constexpr int MOST = 8000;      // candidates of a picture
constexpr float ALIKE = 0.62f;  // intersection over union: then two levels see the same character
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

// Boxes by place: looked up by squares of about a usual character's size.
class Places {
   public:
    template <class Found>
    explicit Places(const std::vector<Found> &all) {
        float far = 0;
        for (const Found &one : all) {
            side = std::max(side, std::max(one.box.width(), one.box.height()));
            far = std::max(far, std::max(one.box.right, one.box.bottom));
        }
        side = std::max(std::max(side / 8, 16.f), far / MOST_SQUARES);
        for (const Found &one : all) columns = std::max(columns, square(one.box.right) + 1);
    }

    void add(const Box &box, int index) {
        int row = square(box.top), column = square(box.left);
        visit(box, [&](int y, int x) {
            size_t at = size_t(y) * columns + x;
            if (at >= squares.size()) squares.resize(at + 1);
            squares[at].push_back({index, row, column});
            return true;
        });
    }

    // Calls `each` for the indices near a box until it returns false.
    template <class Each>
    void near(const Box &box, Each &&each) const {
        int row = square(box.top), column = square(box.left);
        visit(box, [&](int y, int x) {
            size_t at = size_t(y) * columns + x;
            if (at >= squares.size()) return true;
            // Of the squares that both boxes lie in, the first one tells.
            for (const Placed &one : squares[at])
                if (y == std::max(row, one.row) && x == std::max(column, one.column) &&
                    !each(one.index))
                    return false;
            return true;
        });
    }

   private:
    static constexpr int MOST_SQUARES = 1024;  // in a row
    float side = 1;
    int columns = 0;
    struct Placed {
        int index, row, column;  // and the first of its squares
    };
    std::vector<std::vector<Placed>> squares;

    // Of what is no number the first one.
    int square(float at) const {
        float place = at / side;
        return place > 0 ? int(std::min(place, float(MOST_SQUARES))) : 0;
    }

    template <class Each>
    void visit(const Box &box, Each &&each) const {
        for (int y = square(box.top); y <= square(box.bottom); y++)
            for (int x = square(box.left); x <= std::min(square(box.right), columns - 1); x++)
                if (!each(y, x)) return;
    }
};

// Things that belong together, each at first by itself.
class DisjointSets {
   public:
    explicit DisjointSets(size_t count) : parent(count) {
        std::iota(parent.begin(), parent.end(), 0);
    }

    int find(int one) {
        while (parent[one] != one) one = parent[one] = parent[parent[one]];
        return one;
    }

    void unite(int one, int other) { parent[find(one)] = find(other); }

   private:
    std::vector<int> parent;
};

// Of those that show the same, on one level or on several, keeps the best; best first.
inline std::vector<Candidate> thin_out(std::vector<Candidate> found) {
    std::stable_sort(found.begin(), found.end(),
                     [](const Candidate &a, const Candidate &b) { return a.found > b.found; });
    std::vector<Candidate> kept;
    Places places(found);
    for (const Candidate &one : found) {
        if (kept.size() >= MOST) break;
        bool free = true;
        places.near(one.box, [&](int index) {
            Candidate &other = kept[index];
            if (share_of_union(one.box, other.box) <= ALIKE) return true;
            free = false;
            // Levels that see the same agree by no accident.
            if (!(other.levels & one.levels)) {
                other.levels |= one.levels;
                other.found = 1 - (1 - other.found) * (1 - one.found);
            }
            return false;
        });
        if (!free) continue;
        places.add(one.box, int(kept.size()));
        kept.push_back(one);
    }
    return kept;
}

constexpr int SIDE = 32, VIEWS = 3, CUT_OUT = VIEWS * SIDE * SIDE;
constexpr float ROOM = 1.45f, SHORT = 0.9f, FLAT = 24, LARGEST_CUT = 54;
constexpr float DIMMED = 0.5f, MARGIN = 0.04f;  // MARGIN: of the cut-out's side
constexpr float FIELD[VIEWS] = {1, 2.2f, 5};    // sides of the views, in those of the first

// A square of the picture around a box: 32x32 values, light on dark, contrast stretched. Beyond the
// picture there is paper. What is beyond the box is dimmed by a factor.
inline void cut_square(const std::vector<Level> &levels, const Box &box, float side, float dimmed,
                       uint8_t *out) {
    // The finest level in which it is no larger than those that the classifier learnt from.
    size_t index = 0;
    while (index + 1 < levels.size() && side * levels[index].scale > LARGEST_CUT) index++;
    const Grey &grey = levels[index].grey;
    float scale = levels[index].scale, step = side * scale / SIDE;
    constexpr float BEYOND = -1;
    float values[SIDE * SIDE], low = 255, high = 0;
    int counts[256] = {}, inside = 0;
    Between columns[SIDE];
    bool is_inside[SIDE];
    for (int column = 0; column < SIDE; column++) {
        float x = box.x() * scale + (column + 0.5f - SIDE / 2) * step;
        columns[column] = between(x, grey.width), is_inside[column] = x >= 0 && x <= grey.width;
    }
    for (int row = 0; row < SIDE; row++) {
        float y = box.y() * scale + (row + 0.5f - SIDE / 2) * step;
        Between across = between(y, grey.height);
        for (int column = 0; column < SIDE; column++) {
            float &value = values[row * SIDE + column];
            value = BEYOND;
            if (!is_inside[column] || y < 0 || y > grey.height) continue;
            value = sample(grey, columns[column], across);
            low = std::min(low, value), high = std::max(high, value);
            counts[int(value + 0.5f)]++, inside++;
        }
    }
    int paper = 0;
    for (int seen = counts[0]; 2 * seen < inside; seen += counts[paper]) paper++;
    float from = low, factor = 255 / std::max(high - low, FLAT);
    if (high - paper < paper - low) from = high, factor = -factor;
    float wide = box.width() / 2 + MARGIN * side, high_half = box.height() / 2 + MARGIN * side;
    for (int i = 0; i < SIDE * SIDE; i++) {
        float value = values[i] == BEYOND ? std::clamp(float(paper), low, high) : values[i];
        float right = (i % SIDE + 0.5f - SIDE / 2) * side / SIDE,
              down = (i / SIDE + 0.5f - SIDE / 2) * side / SIDE;
        bool within = std::fabs(right) <= wide && std::fabs(down) <= high_half;
        out[i] = uint8_t(std::nearbyint((value - from) * factor * (within ? 1 : dimmed)));
    }
}

// Cuts a character out for the classifier: what is in its box, dimmed beyond it so that neighbours
// that touch it are told from it, and wider views of what is around it.
inline void cut_out(const std::vector<Level> &levels, const Box &box, float tall, uint8_t *out) {
    float side = ROOM * std::max(std::max(box.width(), box.height()), SHORT * tall);
    for (int view = 0; view < VIEWS; view++, out += SIDE * SIDE)
        cut_square(levels, box, FIELD[view] * side, view ? 1 : DIMMED, out);
}

}  // namespace reader
