// Tables and forms: what rulings enclose.
#pragma once

#include <numeric>

#include "tilt.h"

namespace reader {

// One cell of a table.
struct TableCell {
    int table, row, column;
    Box box;
    bool ruled;  // or of numbers that line up
};

// A straight line that was seen. Along it, and across it, both in a turned system.
struct Segment {
    float start, end;  // along
    float middle;      // across
    float seen;        // length of what was seen of it

    float length() const { return end - start; }
};

// Rows and columns, or the boxes of a form, which are one row.
struct Grid {
    std::vector<float> down, across;  // v and u of the lines between which they lie
    bool form = false;                // of a digit a box: what follows each other is one number
    int digits = 0;

    int rows() const { return int(down.size()) - 1; }
    int columns() const { return int(across.size()) - 1; }
    bool is_table() const { return rows() > 1 && columns() > 1; }
    bool holds(float u, float v) const {
        return u >= across.front() && u < across.back() && v >= down.front() && v < down.back();
    }
    int row(float v) const { return place(down, v); }
    int column(float u) const { return place(across, u); }

    // Which of the strips between lines a value is in; the first or the last if in none.
    static int place(const std::vector<float> &lines, float value) {
        int after = int(std::upper_bound(lines.begin(), lines.end(), value) - lines.begin());
        return std::clamp(after - 1, 0, int(lines.size()) - 2);
    }
};

// A character as grids see it.
struct Placed {
    float u, v, width, height;
};

class GridFinder {
   public:
    // `tall` is the usual height of digits in pixels.
    GridFinder(const Rulings &rulings, const Turn &turn, const std::vector<Character> &all,
               float tall)
        : turn(turn), tall(tall), scale(rulings.scale) {
        for (const Character &one : all)
            if (one.is_digit())
                digits.push_back({turn.u(one.box.x(), one.box.y()),
                                  turn.v(one.box.x(), one.box.y()), one.box.width(),
                                  one.box.height()});
        bring_upright(rulings);
        // Strokes of digits are no upright rulings, whatever they look like.
        for (const Placed &one : digits) {
            int left = column_of(one.u - 0.3f * one.width),
                right = column_of(one.u + 0.3f * one.width);
            int top = row_of(one.v - 0.45f * one.height), end = row_of(one.v + 0.45f * one.height);
            for (int row = std::max(top, 0); row <= std::min(end, rows - 1); row++)
                for (int column = std::max(left, 0); column <= std::min(right, columns - 1);
                     column++)
                    upright[size_t(row) * columns + column] = 0;
        }
        level_lines = find_segments(level, 1, columns, rows, columns, 1.2f, 0.8f);
        upright_lines = find_segments(upright, columns, 1, columns, rows, 0.75f, 0.35f);
        to_pixels(level_lines, u0, v0), to_pixels(upright_lines, v0, u0);
    }

    std::vector<Grid> find() {
        std::vector<Grid> grids;
        for (auto &[across, down] : components()) {
            Grid grid;
            if (make_grid(across, down, grid)) grids.push_back(std::move(grid));
        }
        drop_parts(grids);
        std::stable_sort(grids.begin(), grids.end(), [](const Grid &a, const Grid &b) {
            return a.down.front() < b.down.front();
        });
        return grids;
    }

    // Upright lines, for what lies between two characters: none if many go through digits.
    std::vector<Segment> walls() const {
        int crossed = 0;
        for (const Placed &one : digits)
            for (const Segment &line : upright_lines)
                if (std::fabs(line.middle - one.u) < 0.3f * one.width && line.start < one.v &&
                    line.end > one.v) {
                    crossed++;
                    break;
                }
        return crossed * 8 > int(digits.size()) ? std::vector<Segment>{} : upright_lines;
    }

    // Likelihood, 0 to 1, that an upright ruling parts two characters that follow each other.
    float wall_between(const Placed &one, const Placed &next) const {
        float v = (one.v + next.v) / 2, half = 0.2f * (one.height + next.height);
        return best_line(upright, column_of(one.u + 0.25f * one.width),
                         column_of(next.u - 0.25f * next.width) + 1, row_of(v - half),
                         row_of(v + half) + 1, true);
    }

    // Likelihood, 0 to 1, that level rulings go above and below a character: their mean.
    float lids_of(const Placed &one) const {
        int left = column_of(one.u - 0.5f * one.height),
            right = column_of(one.u + 0.5f * one.height) + 1;
        auto best = [&](float from, float to) {
            return best_line(level, left, right, row_of(one.v + from * one.height),
                             row_of(one.v + to * one.height) + 1, false);
        };
        return (best(-1.3f, -0.45f) + best(0.45f, 1.3f)) / 2;
    }

   private:
    // The largest mean of a row or a column within a part of a map.
    float best_line(const std::vector<float> &map, int left, int right, int top, int bottom,
                    bool of_columns) const {
        left = std::max(left, 0), right = std::min(right, columns);
        top = std::max(top, 0), bottom = std::min(bottom, rows);
        float best = 0;
        int first = of_columns ? left : top, last = of_columns ? right : bottom;
        int from = of_columns ? top : left, to = of_columns ? bottom : right;
        for (int i = first; i < last; i++) {
            float sum = 0;
            for (int k = from; k < to; k++)
                sum += of_columns ? map[size_t(k) * columns + i] : map[size_t(i) * columns + k];
            best = std::max(best, sum / std::max(to - from, 1));
        }
        return best;
    }

    static constexpr float SEEN = 0.42f;       // mean of a ruling's cells
    static constexpr float WIDEST_BOX = 2.2f;  // of a form, in heights of a digit
    static constexpr size_t MOST_LINES = 400;
    static constexpr float WITHIN = 0.4f, WALL = 0.2f;  // heights between digits of a number, and
                                                        // likelihood of a ruling between them
    static constexpr float LINE_APART = 0.8f;  // heights of a digit from a number to the next one
    static constexpr float HIGH_ROW = 1.6f;    // of the usual one: two rows
    static constexpr float WIDE_COLUMN = 1.5f, COLUMN_APART = 0.5f;  // likewise, columns
    static constexpr float FAINT = 0.1f;    // likelihood of a ruling where one is expected
    static constexpr float BEYOND = 0.35f;  // of a row or a column
    static constexpr int MOST_STRIPS = 100;
    Turn turn;
    float tall, scale;
    std::vector<Placed> digits;
    // The maps of rulings in the turned system, and where their first cell is.
    int rows = 0, columns = 0;
    float u0 = 0, v0 = 0, wide = 0, high = 0;
    std::vector<float> level, upright;
    std::vector<Segment> level_lines, upright_lines;

    int column_of(float u) const { return int(std::floor((u - u0) / scale)); }
    int row_of(float v) const { return int(std::floor((v - v0) / scale)); }

    void bring_upright(const Rulings &rulings) {
        wide = rulings.columns * scale, high = rulings.rows * scale;
        float u1 = -1e9f, v1 = -1e9f;
        u0 = v0 = 1e9f;
        for (float x : {0.f, wide})
            for (float y : {0.f, high}) {
                float u = turn.u(x, y), v = turn.v(x, y);
                u0 = std::min(u0, u), u1 = std::max(u1, u);
                v0 = std::min(v0, v), v1 = std::max(v1, v);
            }
        columns = int((u1 - u0) / scale) + 1, rows = int((v1 - v0) / scale) + 1;
        level.resize(size_t(rows) * columns), upright.resize(level.size());
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) {
                float u = u0 + (column + 0.5f) * scale, v = v0 + (row + 0.5f) * scale;
                float x = turn.x(u, v) / scale - MARKED, y = turn.y(u, v) / scale - MARKED;
                if (x < -0.5f || y < -0.5f || x > rulings.columns - 0.5f || y > rulings.rows - 0.5f)
                    continue;
                size_t at = size_t(row) * columns + column;
                level[at] = rulings.mix(rulings.level, x, y);
                upright[at] = rulings.mix(rulings.upright, x, y);
            }
    }

    // The lines of a map, in its cells. `along` and `across` are the steps in it from a cell to the
    // next one. `least` is a line's shortest length, `gap` the longest piece of it that was not
    // seen, both in heights of a digit.
    std::vector<Segment> find_segments(const std::vector<float> &map, size_t along, size_t across,
                                       int length, int breadth, float least, float gap) const {
        float unit = tall / scale;
        int half = std::clamp(int(0.4f * unit), 1, 10), open = std::max(2, int(gap * unit));
        float shortest = std::max(least * unit, 3.f);
        if (along != 1) breadth = columns, length = rows;
        else breadth = rows, length = columns;
        // Means along lines.
        std::vector<float> mean(map.size());
        for (int b = 0; b < breadth; b++) {
            const float *in = &map[b * across];
            float *out = &mean[b * across];
            float sum = 0;
            for (int a = 0; a < std::min(half, length); a++) sum += in[a * along];
            for (int a = 0; a < length; a++) {
                if (a + half < length) sum += in[(a + half) * along];
                if (a > half) sum -= in[(a - half - 1) * along];
                out[a * along] = sum / (2 * half + 1);
            }
        }
        struct Chain {
            int start, end, at, count;
            float sum;
        };
        std::vector<Chain> chains;
        std::vector<int> last(breadth, -1);  // the chain that was last here
        for (int a = 0; a < length; a++)
            for (int b = 0; b < breadth; b++) {
                size_t here = b * across + a * along;
                float value = mean[here];
                if (value < SEEN || (b > 0 && mean[here - across] > value) ||
                    (b + 1 < breadth && mean[here + across] >= value))
                    continue;
                int best = -1;
                for (int by : {0, -1, 1}) {
                    if (b + by < 0 || b + by >= breadth || last[b + by] < 0) continue;
                    const Chain &chain = chains[last[b + by]];
                    if (chain.at != b + by || chain.end >= a || chain.end < a - open - 1) continue;
                    if (best < 0 || chain.end > chains[best].end) best = last[b + by];
                }
                if (best < 0) {
                    best = int(chains.size());
                    chains.push_back({a, a, b, 0, 0});
                }
                Chain &chain = chains[best];
                chain.end = a, chain.at = b, chain.count++, chain.sum += b;
                last[b] = best;
            }
        std::vector<Segment> found;
        for (const Chain &chain : chains) {
            float seen = float(chain.count);
            if (chain.end - chain.start + 1 < shortest ||
                seen < 0.5f * (chain.end - chain.start + 1))
                continue;
            found.push_back(
                {float(chain.start), float(chain.end + 1), chain.sum / chain.count + 0.5f, seen});
        }
        if (found.size() > MOST_LINES) {
            std::stable_sort(found.begin(), found.end(),
                             [](const Segment &a, const Segment &b) { return a.seen > b.seen; });
            found.resize(MOST_LINES);
        }
        return found;
    }

    void to_pixels(std::vector<Segment> &lines, float along, float across) const {
        for (Segment &line : lines)
            line = {along + line.start * scale, along + line.end * scale,
                    across + line.middle * scale, line.seen * scale};
    }

    using Lines = std::vector<Segment>;

    // Lines that touch each other: level ones and upright ones.
    std::vector<std::pair<Lines, Lines>> components() const {
        int levels = int(level_lines.size()), count = levels + int(upright_lines.size());
        DisjointSets sets(count);
        float near = 0.35f * tall + scale;
        for (int i = 0; i < levels; i++) {
            const Segment &one = level_lines[i];
            for (int k = levels; k < count; k++) {
                const Segment &other = upright_lines[k - levels];
                if (other.middle > one.start - near && other.middle < one.end + near &&
                    one.middle > other.start - near && one.middle < other.end + near)
                    sets.unite(i, k);
            }
            for (int k = 0; k < i; k++) {
                const Segment &other = level_lines[k];
                if (std::fabs(one.middle - other.middle) < 0.25f * tall + scale &&
                    std::max(one.start, other.start) - std::min(one.end, other.end) < tall)
                    sets.unite(i, k);
            }
        }
        std::vector<std::pair<Lines, Lines>> found;
        std::vector<int> place(count, -1);
        for (int i = 0; i < count; i++) {
            int at = sets.find(i);
            if (place[at] < 0) place[at] = int(found.size()), found.push_back({});
            auto &[level, upright] = found[place[at]];
            if (i < levels) level.push_back(level_lines[i]);
            else upright.push_back(upright_lines[i - levels]);
        }
        return found;
    }

    // Where lines that are nearer than `apart` are one: its place, its ends, and the length that
    // was seen.
    static Lines merge(Lines lines, float apart) {
        std::stable_sort(lines.begin(), lines.end(),
                         [](const Segment &a, const Segment &b) { return a.middle < b.middle; });
        Lines merged;
        float last = 0;
        for (const Segment &line : lines) {
            if (merged.empty() || line.middle - last > apart) {
                merged.push_back(line);
            } else {
                Segment &into = merged.back();
                float all = into.seen + line.seen;
                into = {std::min(into.start, line.start), std::max(into.end, line.end),
                        (into.middle * into.seen + line.middle * line.seen) / all, all};
            }
            last = line.middle;
        }
        return merged;
    }

    // From each line to the next one.
    static std::vector<float> gaps(const std::vector<float> &lines) {
        std::vector<float> found;
        for (size_t k = 1; k < lines.size(); k++) found.push_back(lines[k] - lines[k - 1]);
        return found;
    }

    static float quantile(std::vector<float> values, float share) {
        std::stable_sort(values.begin(), values.end());
        return values[size_t(share * (values.size() - 1) + 0.5f)];
    }

    // The lines of a grid in one direction, from those seen and the ends of those that cross them.
    std::vector<float> complete(const Lines &lines, const Lines &crossing, float from, float to,
                                float apart) const {
        std::vector<float> found;
        for (const Segment &line : lines)
            if (line.seen > 0.3f * (to - from)) found.push_back(line.middle);
        if (crossing.size() < 2) return found;
        // Open edges: where the lines that cross them end.
        std::vector<float> starts, ends;
        for (const Segment &line : crossing) starts.push_back(line.start), ends.push_back(line.end);
        float first = quantile(starts, 0.4f), last = quantile(ends, 0.6f);
        if (found.empty() || found.front() - first > apart) found.insert(found.begin(), first);
        if (last - found.back() > apart) found.push_back(last);
        return found;
    }

    bool make_grid(const Lines &level, const Lines &upright, Grid &grid) const {
        if (level.empty() || upright.size() < 2) return false;
        Lines down = merge(level, 0.5f * tall), across = merge(upright, 0.5f * tall);
        float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f;
        for (const Segment &line : across) {
            left = std::min(left, line.middle), right = std::max(right, line.middle);
            top = std::min(top, line.start), bottom = std::max(bottom, line.end);
        }
        grid.down = complete(down, across, left, right, 0.7f * tall);
        if (grid.rows() < 1) return false;
        // Level strokes of digits do not tell where a table ends.
        std::erase_if(down, [&](const Segment &line) { return line.seen < 0.3f * (right - left); });
        grid.across = complete(across, down, grid.down.front(), grid.down.back(), 0.6f * tall);
        if (grid.columns() < 1) return false;
        if (grid.is_table()) {
            float high = grid.down.back() - grid.down.front();
            for (bool is_last : {false, true}) {
                float edge = is_last ? grid.across.back() : grid.across.front();
                bool seen = std::any_of(across.begin(), across.end(), [&](const Segment &line) {
                    return std::fabs(line.middle - edge) < 0.3f * tall && line.seen > high / 2;
                });
                if (!seen) widen(grid, is_last);
            }
            extend(grid);
            divide_rows(grid);
            divide_columns(grid);
        }
        return check(grid);
    }

    // Of grids that overlap keeps the one that holds most.
    static void drop_parts(std::vector<Grid> &grids) {
        std::stable_sort(grids.begin(), grids.end(),
                         [](const Grid &a, const Grid &b) { return a.digits > b.digits; });
        std::vector<Grid> kept;
        for (Grid &grid : grids) {
            float u = (grid.across.front() + grid.across.back()) / 2,
                  v = (grid.down.front() + grid.down.back()) / 2;
            bool is_part = std::any_of(kept.begin(), kept.end(), [&](const Grid &one) {
                return one.is_table() && one.holds(u, v);
            });
            if (!is_part) kept.push_back(std::move(grid));
        }
        grids = std::move(kept);
    }

    // Adds rows and columns of which the outer ruling was not seen, where the rulings that would
    // cross it go on, faintly, and numbers stand beside several of those that are there.
    void extend(Grid &grid) const {
        bool more = true;
        for (int count = 0; more && count < MOST_STRIPS; count++) {
            more = false;
            for (bool is_row : {false, true})
                for (bool is_last : {false, true}) more |= add_strip(grid, is_row, is_last);
        }
    }

    bool add_strip(Grid &grid, bool is_row, bool is_last) const {
        std::vector<float> &lines = is_row ? grid.down : grid.across;
        const std::vector<float> &crossing = is_row ? grid.across : grid.down;
        float size = quantile(gaps(lines), 0.5f), edge = is_last ? lines.back() : lines.front();
        float to = is_last ? edge + size : edge - size;
        // Near the edge rulings are seen a little beyond their ends.
        float low = std::min(edge + (to - edge) * BEYOND, to),
              high = std::max(edge + (to - edge) * BEYOND, to);
        std::vector<uint8_t> beside(crossing.size());
        for (const Placed &one : digits) {
            float along = is_row ? one.v : one.u, across = is_row ? one.u : one.v;
            float apart = is_last ? along - edge : edge - along;
            if (apart >= 0 && apart < 2 * size && across >= crossing.front() &&
                across < crossing.back())
                beside[Grid::place(crossing, across)] = 1;
        }
        if (std::count(beside.begin(), beside.end(), 1) < 2) return false;
        float seen = 0, near = 0.3f * tall;
        for (float line : crossing)
            seen += is_row ? best_line(upright, column_of(line - near), column_of(line + near) + 1,
                                       row_of(low), row_of(high), true)
                           : best_line(level, column_of(low), column_of(high), row_of(line - near),
                                       row_of(line + near) + 1, false);
        if (seen < FAINT * crossing.size()) return false;
        // The edge was only guessed if no ruling is seen there and nothing is written before it.
        float before = is_last ? lines[lines.size() - 2] : lines[1];
        float outer =
            is_row ? best_line(level, column_of(crossing.front()), column_of(crossing.back()),
                               row_of(edge - near), row_of(edge + near) + 1, false)
                   : best_line(upright, column_of(edge - near), column_of(edge + near) + 1,
                               row_of(crossing.front()), row_of(crossing.back()), true);
        bool is_blank = std::none_of(digits.begin(), digits.end(), [&](const Placed &one) {
            float along = is_row ? one.v : one.u;
            return grid.holds(one.u, one.v) && (along - before) * (along - edge) < 0;
        });
        if (is_blank && outer < SEEN && lines.size() > 2) {
            lines.erase(is_last ? lines.end() - 1 : lines.begin());
            to = is_last ? before + size : before - size;
        }
        lines.insert(is_last ? lines.end() : lines.begin(), to);
        return true;
    }

    // Divides a wide column at a faint ruling that has numbers on both sides in several rows.
    void divide_columns(Grid &grid) const {
        float usual = quantile(gaps(grid.across), 0.25f);
        for (int column = 0; column < grid.columns(); column++) {
            if (grid.across[column + 1] - grid.across[column] < WIDE_COLUMN * usual) continue;
            std::vector<const Placed *> inside;
            for (const Placed &one : digits)
                if (grid.holds(one.u, one.v) && grid.column(one.u) == column)
                    inside.push_back(&one);
            std::stable_sort(inside.begin(), inside.end(), [](const Placed *a, const Placed *b) {
                return a->u - a->width / 2 < b->u - b->width / 2;
            });
            float reached = grid.across[column + 1], from = 0, to = 0;
            for (const Placed *one : inside) {
                float left = one->u - one->width / 2;
                if (left - reached > to - from) from = reached, to = left;
                bool is_first = one == inside.front();
                reached = is_first ? left + one->width : std::max(reached, left + one->width);
            }
            if (to - from < COLUMN_APART * tall) continue;
            std::vector<uint8_t> halves(grid.rows());  // 1: a digit before, 2: one beyond
            for (const Placed *one : inside) halves[grid.row(one->v)] |= one->u < from ? 1 : 2;
            float seen = best_line(upright, column_of(from), column_of(to) + 1,
                                   row_of(grid.down.front()), row_of(grid.down.back()), true);
            if (std::count(halves.begin(), halves.end(), 3) < 2 || seen < FAINT) continue;
            grid.across.insert(grid.across.begin() + column + 1, (from + to) / 2);
            column--;
        }
    }

    // Moves an edge that was not seen, and would part the digits of a number, to beyond them.
    void widen(Grid &grid, bool is_last) const {
        float &edge = is_last ? grid.across.back() : grid.across.front(), side = is_last ? 1 : -1;
        std::vector<const Placed *> outwards;
        for (const Placed &one : digits)
            if (one.v >= grid.down.front() && one.v <= grid.down.back()) outwards.push_back(&one);
        std::stable_sort(outwards.begin(), outwards.end(), [&](const Placed *a, const Placed *b) {
            return side * a->u < side * b->u;
        });
        for (const Placed *one : outwards) {
            if (side * (one->u - edge) <= 0) continue;
            bool follows = std::any_of(outwards.begin(), outwards.end(), [&](const Placed *other) {
                // A one takes the room of another digit.
                float room = std::max(one->width, 0.5f * one->height) +
                             std::max(other->width, 0.5f * other->height);
                float gap = side * (one->u - other->u) - room / 2;
                return grid.holds(other->u, other->v) && gap < WITHIN * tall &&
                       std::fabs(one->v - other->v) < 0.5f * tall &&
                       (is_last ? wall_between(*other, *one) : wall_between(*one, *other)) < WALL;
            });
            if (follows) edge = one->u + side * (one->width / 2 + 0.25f * tall);
        }
    }

    // A ruling was not seen where two numbers stand one above the other in several columns, or in
    // one of several in a row that is much higher than the others.
    void divide_rows(Grid &grid) const {
        float usual = quantile(gaps(grid.down), 0.25f);
        for (int row = 0; row < grid.rows(); row++) {
            float top = grid.down[row], bottom = grid.down[row + 1];
            std::vector<const Placed *> inside;
            for (const Placed &one : digits)
                if (grid.holds(one.u, one.v) && grid.row(one.v) == row) inside.push_back(&one);
            std::stable_sort(inside.begin(), inside.end(),
                             [](const Placed *a, const Placed *b) { return a->v < b->v; });
            float widest = 0, at = 0;
            for (size_t k = 1; k < inside.size(); k++) {
                float apart = inside[k]->v - inside[k - 1]->v;
                if (apart > widest) widest = apart, at = (inside[k]->v + inside[k - 1]->v) / 2;
            }
            if (widest < LINE_APART * tall) continue;
            int crossed = 0;
            std::vector<uint8_t> halves(grid.columns());  // 1: a digit above, 2: one below
            for (const Placed *one : inside) {
                halves[grid.column(one->u)] |= one->v < at ? 1 : 2;
                crossed += std::fabs(one->v - at) < 0.3f * one->height;
            }
            int both = int(std::count(halves.begin(), halves.end(), 3)),
                empty = int(std::count(halves.begin(), halves.end(), 0));
            bool high = grid.rows() > 1 && bottom - top > HIGH_ROW * usual;
            bool several = both > 1 || (both && high && grid.columns() - empty > 1);
            if (crossed || !several) continue;
            grid.down.insert(grid.down.begin() + row + 1, at);
            row--;
        }
    }

    // Whether it is no squared paper; and whether it is a form.
    bool check(Grid &grid) const {
        if (grid.rows() == 1) divide_boxes(grid);
        int straddling = 0, shared = 0, beside = 0;
        std::vector<uint8_t> filled(size_t(grid.rows()) * grid.columns());
        for (const Placed &one : digits) {
            if (!grid.holds(one.u, one.v)) {
                beside += one.v >= grid.down.front() && one.v < grid.down.back();
                continue;
            }
            grid.digits++;
            int column = grid.column(one.u), row = grid.row(one.v);
            float beyond = std::max(grid.across[column] - (one.u - one.width / 2),
                                    one.u + one.width / 2 - grid.across[column + 1]);
            float over = std::max(grid.down[row] - (one.v - one.height / 2),
                                  one.v + one.height / 2 - grid.down[row + 1]);
            straddling += beyond > 0.25f * one.width || over > 0.25f * one.height;
            uint8_t &here = filled[size_t(row) * grid.columns() + column];
            shared += here, here = 1;
        }
        // Where most columns were not seen, numbers that line up tell more.
        if (!grid.digits || (grid.is_table() && beside > grid.digits)) return false;
        bool everywhere = grid.is_table() && touches_all_edges(grid);
        if (straddling > (everywhere ? 0.08f : 0.3f) * grid.digits) return false;
        grid.form = grid.rows() == 1 && shared * 6 <= grid.digits;
        return true;
    }

    // Boxes of a form are equally wide: where two or more seem to be one, a wall was not seen.
    void divide_boxes(Grid &grid) const {
        std::vector<float> widths = gaps(grid.across);
        float usual = quantile(widths, 0.25f);
        if (usual > WIDEST_BOX * tall) return;
        std::vector<float> all{grid.across[0]};
        for (int k = 0; k < grid.columns(); k++) {
            int parts = std::max(int(widths[k] / usual + 0.5f), 1);
            for (int part = 1; part <= parts; part++)
                all.push_back(grid.across[k] + widths[k] * part / parts);
        }
        grid.across = std::move(all);
    }

    bool touches_all_edges(const Grid &grid) const {
        float near = 1.5f * scale + 0.02f * std::max(wide, high);
        float u = (grid.across.front() + grid.across.back()) / 2,
              v = (grid.down.front() + grid.down.back()) / 2;
        return turn.x(grid.across.front(), v) < near &&
               turn.x(grid.across.back(), v) > wide - near && turn.y(u, grid.down.front()) < near &&
               turn.y(u, grid.down.back()) > high - near;
    }
};

}  // namespace reader
