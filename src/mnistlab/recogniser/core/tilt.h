// How a page is turned: by its rulings, or by how its characters follow each other.
#pragma once

#include <array>

#include "decode.h"

namespace reader {

constexpr float DOUBTED = 0.6f;

// One character of the reading.
struct Character {
    Box box;                               // in pixels of the picture
    std::array<float, NOTHING + 1> kinds;  // probabilities; the last: that it is nothing
    bool cut = false;                      // by the picture's edge
    bool is_apart = false;                 // see Candidate
    bool is_ink = false;                   // whether ink of this size is there, and no ruling
    int line = -1, group = -1, cell = -1;  // where it is

    int kind() const {
        return int(std::max_element(kinds.begin(), kinds.end() - 1) - kinds.begin());
    }
    float confidence() const { return kinds[kind()]; }
    bool is_digit() const { return kind() < SIGNS; }
    bool is_sign() const { return kind() >= SIGNS && kind() < OTHER; }

    // Leaves at most DOUBTED of the probability that it is a digit; of a stroke, that it is a one
    // or a slash.
    void doubt() {
        float sum = kind() == ONE ? kinds[SLASH] : 0;
        for (int k = 0; k < SIGNS; k++) sum += kinds[k];
        float left = std::min(1.f, DOUBTED / sum);
        if (kind() == ONE) kinds[SLASH] *= left;
        for (int k = 0; k < SIGNS; k++) kinds[k] *= left;
        kinds[OTHER] += sum * (1 - left);
    }
};

inline float median(std::vector<float> values) {
    if (values.empty()) return 0;
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
}

// Where rulings are: how likely in each cell of the detector's at one level, 0 to 1.
struct Rulings {
    int rows = 0, columns = 0;
    float scale = 1;  // pixels of the picture to a cell
    std::vector<float> level, upright;

    // Whether an upright one goes on above or below a box: not right at its ends, where the stroke
    // in it shows as well.
    bool goes_on(const Box &box) const {
        float near = 0.25f * box.height(), far = 0.5f * box.height();
        return mean(box, box.top - far, box.top - near) > WALL ||
               mean(box, box.bottom + near, box.bottom + far) > WALL;
    }

    // A map's value between cells.
    float mix(const std::vector<float> &map, float x, float y) const {
        int left = std::clamp(int(x), 0, columns - 1), top = std::clamp(int(y), 0, rows - 1);
        int right = std::min(left + 1, columns - 1), below = std::min(top + 1, rows - 1);
        float fx = std::clamp(x - left, 0.f, 1.f), fy = std::clamp(y - top, 0.f, 1.f);
        const float *a = &map[size_t(top) * columns], *b = &map[size_t(below) * columns];
        return (a[left] * (1 - fx) + a[right] * fx) * (1 - fy) +
               (b[left] * (1 - fx) + b[right] * fx) * fy;
    }

   private:
    static constexpr float WALL = 0.1f;  // likelihood of a ruling

    float mean(const Box &box, float top, float bottom) const {
        auto cell = [&](float at, int count) { return std::clamp(int(at / scale), 0, count - 1); };
        if (upright.empty()) return 0;
        float sum = 0;
        int from = cell(top, rows), to = cell(bottom, rows);
        for (int row = from; row <= to; row++) {
            float most = 0;
            for (int column = cell(box.left, columns); column <= cell(box.right, columns); column++)
                most = std::max(most, upright[size_t(row) * columns + column]);
            sum += most;
        }
        return sum / (to - from + 1);
    }
};

// Logits of rulings below which there is none, and from which on there surely is one.
constexpr float NO_RULING = -2.5f, RULING = 1;

// The detector learns a ruling as the cell that begins within half a cell before it: see
// `_draw_rulings` in detector/targets.py.
constexpr float MARKED = 1;

// Of one level; where it was left alone, since a coarser one had found characters, of that one.
inline Rulings find_rulings(const Maps &maps, const Level &level, const Rulings &coarser) {
    // Of the picture itself, without the paper around it.
    int first = PAD / CELL, blocks = level.padded.width / BLOCK;
    Rulings found;
    found.columns = (level.grey.width + CELL - 1) / CELL;
    found.rows = (level.grey.height + CELL - 1) / CELL;
    found.scale = CELL / level.scale;
    size_t size = size_t(found.rows) * found.columns;
    found.level.resize(size), found.upright.resize(size);
    auto likely = [](float logit) {
        return std::clamp((logit - NO_RULING) / (RULING - NO_RULING), 0.f, 1.f);
    };
    for (int row = 0; row < found.rows; row++)
        for (int column = 0; column < found.columns; column++) {
            size_t at = size_t(row) * found.columns + column;
            size_t from = size_t(row + first) * maps.columns + column + first;
            found.level[at] = likely(maps.plane[5][from]);
            found.upright[at] = likely(maps.plane[6][from]);
            int block = (row + first) * CELL / BLOCK * blocks + (column + first) * CELL / BLOCK;
            if (level.active[block] || coarser.level.empty()) continue;
            float y = (row + MARKED) * found.scale / coarser.scale - MARKED,
                  x = (column + MARKED) * found.scale / coarser.scale - MARKED;
            found.level[at] = coarser.mix(coarser.level, x, y);
            found.upright[at] = coarser.mix(coarser.upright, x, y);
        }
    return found;
}

// A system of coordinates in which lines of writing are level and upright rulings upright, even
// where a camera saw them at no right angle.
struct Turn {
    float tilt = 0, lean = 0;  // radians, clockwise, of level and of upright lines

    Turn() = default;
    Turn(float tilt, float lean)
        : tilt(tilt),
          lean(lean),
          cosine(cos_of(tilt)),
          sine(sin_of(tilt)),
          across(cos_of(lean)),
          down(sin_of(lean)),
          whole(across * cosine + down * sine) {}

    float u(float x, float y) const { return across * x + down * y; }
    float v(float x, float y) const { return cosine * y - sine * x; }
    float x(float u, float v) const { return (cosine * u - down * v) / whole; }
    float y(float u, float v) const { return (sine * u + across * v) / whole; }

    // A box of the picture in this system, and one of this system in the picture: as large, about
    // its middle.
    Box upright(const Box &box) const {
        return about(box, u(box.x(), box.y()), v(box.x(), box.y()));
    }
    Box in_picture(const Box &box) const {
        return about(box, x(box.x(), box.y()), y(box.x(), box.y()));
    }

    // To 1e-6 within half a radian.
    static float sin_of(float a) { return a * (1 - a * a / 6 * (1 - a * a / 20)); }
    static float cos_of(float a) { return 1 - a * a / 2 * (1 - a * a / 12 * (1 - a * a / 30)); }

   private:
    static Box about(const Box &box, float x, float y) {
        float wide = box.width() / 2, high = box.height() / 2;
        return {x - wide, y - high, x + wide, y + high};
    }

    float cosine = 1, sine = 0, across = 1, down = 0, whole = 1;
};

constexpr float DEGREE = 0.017453293f;
constexpr float STEEPEST = 25 * DEGREE;

// The median direction from a character to the next one; false if there are too few to tell.
inline bool find_direction(const std::vector<Character> &all, float &tilt) {
    std::vector<const Character *> digits;
    for (const Character &one : all)
        if (one.is_digit()) digits.push_back(&one);
    std::stable_sort(digits.begin(), digits.end(),
                     [](auto *a, auto *b) { return a->box.x() < b->box.x(); });
    std::vector<float> slopes;
    for (size_t i = 0; i < digits.size(); i++) {
        const Box &one = digits[i]->box;
        float best = 2.5f * one.height(), slope = 0;
        bool found = false;
        for (size_t k = i + 1; k < digits.size(); k++) {
            const Box &other = digits[k]->box;
            float dx = other.x() - one.x(), dy = other.y() - one.y();
            if (dx > best) break;
            float tall = std::max(one.height(), other.height());
            if (dx <= 0.2f * tall || std::fabs(dy) > 0.5f * dx + 0.15f * tall ||
                std::min(one.height(), other.height()) < 0.6f * tall)
                continue;
            float distance = dx + 2 * std::fabs(dy);
            if (distance < best) best = distance, slope = dy / dx, found = true;
        }
        if (found) slopes.push_back(slope);
    }
    if (slopes.size() < 3) return false;
    // The arc tangent, to 1e-3 within half a radian.
    float slope = std::clamp(median(slopes), -0.46f, 0.46f), square = slope * slope;
    tilt = slope * (1 - square * (1 / 3.f - square / 5));
    return true;
}

// Sums of what lies on parallel lines: the sharper, the nearer they are to the rulings' direction.
class Profile {
   public:
    // Cells of one map of rulings; upright ones are taken as level ones of the turned picture.
    Profile(const Rulings &rulings, bool upright) {
        const std::vector<float> &map = upright ? rulings.upright : rulings.level;
        for (int row = 0; row < rulings.rows; row++)
            for (int column = 0; column < rulings.columns; column++) {
                float value = map[size_t(row) * rulings.columns + column];
                if (value < LIKELY) continue;
                float x = float(column), y = float(row);
                points.push_back(upright ? Point{-y, x, value} : Point{x, y, value});
                sum += value;
            }
        size_t every = points.size() / MOST_POINTS + 1;
        if (every > 1) {
            size_t count = 0;
            for (size_t i = 0; i < points.size(); i += every) points[count++] = points[i];
            points.resize(count);
            sum /= every;
        }
        reach = float(rulings.rows + rulings.columns + 2);
        bins.resize(size_t(2 * reach) + 3);
    }

    // Mean length of the line that a ruling's cell is of, in cells. `anywhere`: each point is taken
    // to be anywhere in its cell, or else the lines of the cells themselves are the sharpest.
    float sharpness(float angle, bool anywhere = false) {
        if (points.empty()) return 0;
        std::fill(bins.begin(), bins.end(), 0.f);
        float cosine = Turn::cos_of(angle), sine = Turn::sin_of(angle);
        float spread = 0;
        for (const Point &point : points) {
            if (anywhere) spread += GOLDEN, spread -= std::floor(spread);
            float at = cosine * point.y - sine * point.x + reach + spread;
            int bin = int(at);
            float share = at - bin;
            bins[bin] += point.value * (1 - share), bins[bin + 1] += point.value * share;
        }
        float squares = 0;
        for (float bin : bins) squares += bin * bin;
        return squares / sum;
    }

    float weight() const { return sum; }

   private:
    struct Point {
        float x, y, value;
    };
    static constexpr float LIKELY = 0.4f, GOLDEN = 0.618034f;
    static constexpr size_t MOST_POINTS = 5000;
    std::vector<Point> points;
    std::vector<float> bins;
    float sum = 0, reach = 0;
};

constexpr float LINE_SEEN = 5, SHARPER = 1.2f;  // cells, and times the mean of all directions
constexpr float LEAN = 5 * DEGREE;              // upright lines are so near to a right angle

inline Turn find_turn(const Rulings &rulings, const std::vector<Character> &all) {
    float written = 0;
    bool known = find_direction(all, written);
    Profile level(rulings, false), upright(rulings, true);
    // The best angle of a range by a sharpness, and the mean sharpness.
    auto search = [](float from, float to, float step, auto &&sharpness) {
        float best = 0, most = -1, sum = 0;
        int count = 0;
        for (float angle = from; angle <= to + step / 2; angle += step, count++) {
            float value = sharpness(angle);
            sum += value;
            if (value > most) most = value, best = angle;
        }
        return std::array<float, 3>{best, most, sum / count};
    };
    auto both = [&](float angle, bool anywhere) {
        float likely = known ? 1 / (1 + 20 * (angle - written) * (angle - written)) : 1;
        return likely * (level.weight() * level.sharpness(angle, anywhere) +
                         upright.weight() * upright.sharpness(angle, anywhere));
    };
    float weight = std::max(level.weight() + upright.weight(), 1.f);
    auto [coarse, most, mean] =
        search(-STEEPEST, STEEPEST, DEGREE, [&](float angle) { return both(angle, true); });
    if (most < LINE_SEEN * weight || most < SHARPER * mean) return {written, written};
    float fine = search(coarse - DEGREE, coarse + DEGREE, 0.2f * DEGREE,
                        [&](float angle) { return both(angle, false); })[0];
    auto alone = [&](Profile &profile) {
        auto [best, sharp, usual] = search(fine - LEAN, fine + LEAN, 0.25f * DEGREE,
                                           [&](float angle) { return profile.sharpness(angle); });
        return sharp > LINE_SEEN && sharp > SHARPER * usual ? best : fine;
    };
    return {alone(level), alone(upright)};
}

}  // namespace reader
