// Lines, numbers and tables: how characters lie on a page.
#pragma once

#include <optional>

#include "alignment.h"

namespace reader {

struct Layout {
    std::vector<Character> characters;  // in reading order
    std::vector<Character> others;      // other ink, and signs without a digit beside them
    std::vector<TableCell> cells;
};

constexpr float SPACE = 0.85f;      // heights of a digit between two numbers
constexpr float ROOMY = 0.5f;       // width of a digit, of its height, at least
constexpr float SIGN_SPACE = 0.1f;  // so much more where a sign stands between
// Where all of a line stand far apart: of the usual gap, and heights at most.
constexpr float WIDER = 1.5f, WIDEST_SPACE = 1.2f;
constexpr float PITCH = 1.6f;        // of the usual one in a form's boxes, without a box between
constexpr float WIDEST_STEP = 2.4f;  // heights of a digit from one box's to the next one's
// See drop_wall: steps to a wall and from box to box, of the pitch; a wall's likelihood and width.
constexpr float WALL_STEP = 0.75f, UNEVEN = 0.25f, WALL_LIKE = 0.9f, WALL_WIDE = 0.35f,
                WALLED = 0.15f;
constexpr float BOXED = 0.4f;  // likelihood of rulings around the characters of a form

class LayoutMaker {
   public:
    LayoutMaker(std::vector<Character> given, std::vector<Character> others,
                const Rulings &rulings) {
        layout.others = std::move(others);
        for (Character &one : given) (one.kind() < OTHER ? all : layout.others).push_back(one);
        turn = find_turn(rulings, all);
        std::vector<float> heights;
        for (const Character &one : all)
            if (one.is_digit()) heights.push_back(one.box.height());
        tall = median(heights);
        for (const Character &one : all)
            places.push_back({turn.u(one.box.x(), one.box.y()), turn.v(one.box.x(), one.box.y()),
                              one.box.width(), one.box.height()});
        if (tall > 0 && rulings.rows) {
            finder.emplace(rulings, turn, all, tall);
            grids = finder->find();
            walls = finder->walls();
        }
    }

    Layout make() {
        grid.assign(all.size(), -1);
        for (size_t i = 0; i < all.size(); i++)
            for (size_t k = 0; k < grids.size() && grid[i] < 0; k++)
                if (grids[k].holds(places[i].u, places[i].v)) grid[i] = int(k);
        std::vector<Line> lines;
        std::vector<int> outside;
        std::vector<std::vector<int>> inside(grids.size());
        for (size_t i = 0; i < all.size(); i++)
            if (grid[i] < 0 || !grids[grid[i]].is_table()) outside.push_back(int(i));
            else inside[grid[i]].push_back(int(i));
        for (std::vector<int> &line : find_lines(outside)) {
            float pitch = find_pitch(line);
            if (pitch > 0) drop_wall(line, pitch);
            lines.push_back({group(line, pitch)});
        }
        for (size_t k = 0; k < grids.size(); k++)
            if (grids[k].is_table()) read_table(int(k), inside[k], lines);
        std::stable_sort(lines.begin(), lines.end(),
                         [&](const Line &a, const Line &b) { return middle(a) < middle(b); });
        int line = 0, number = 0;
        for (const Line &one : lines) {
            for (const std::vector<int> &members : one.groups) {
                for (int i : members) {
                    all[i].line = line, all[i].group = number;
                    layout.characters.push_back(all[i]);
                }
                number++;
            }
            line++;
        }
        for (size_t i = 0; i < all.size(); i++)
            if (all[i].line < 0) layout.others.push_back(all[i]);
        if (layout.cells.empty())
            layout.cells = align(layout.characters, layout.others, turn, tall);
        return std::move(layout);
    }

   private:
    struct Line {
        std::vector<std::vector<int>> groups;
    };

    std::vector<Character> all;
    std::vector<Placed> places;
    std::vector<int> grid;  // in which a character lies
    std::vector<Grid> grids;
    std::vector<Segment> walls;
    std::optional<GridFinder> finder;
    Turn turn;
    Layout layout;
    float tall = 0;

    float left(int i) const { return places[i].u - places[i].width / 2; }
    // Between two that follow each other; a one takes the room of another digit.
    float gap(int one, int next) const {
        return places[next].u - places[one].u - (room(one) + room(next)) / 2;
    }
    float room(int i) const {
        return is_sign(i) ? places[i].width : std::max(places[i].width, ROOMY * places[i].height);
    }
    float right(int i) const { return places[i].u + places[i].width / 2; }
    bool is_sign(int i) const { return all[i].is_sign(); }

    float middle(const Line &line) const {
        float sum = 0;
        int count = 0;
        for (const std::vector<int> &members : line.groups)
            for (int i : members) sum += places[i].v, count++;
        return sum / std::max(count, 1);
    }

    // Sorts characters into lines, each from left to right. Each digit goes to the line whose last
    // ones it stands beside, each sign to the digits beside it, if there are any.
    std::vector<std::vector<int>> find_lines(std::vector<int> order) const {
        std::stable_sort(order.begin(), order.end(),
                         [&](int a, int b) { return places[a].u < places[b].u; });
        std::vector<std::vector<int>> lines;
        std::vector<int> signs;
        for (int index : order) {
            if (is_sign(index)) {
                signs.push_back(index);
                continue;
            }
            const Placed &one = places[index];
            int best = -1;
            float least = 0;
            for (int k = 0; k < int(lines.size()); k++) {
                const std::vector<int> &line = lines[k];
                const Placed &last = places[line.back()];
                float v = last.v;
                if (std::fabs(one.v - v) > std::max(one.height, last.height)) continue;
                if (line.size() > 1) v = (2 * v + places[line[line.size() - 2]].v) / 3;
                float unit = std::max(std::min(one.height, last.height),
                                      0.6f * std::max(one.height, last.height));
                // Far along a line its height is less certain.
                float far = std::min(0.05f * std::fabs(one.u - last.u) / unit, 0.25f);
                float cost = std::fabs(one.v - v) / unit;
                if (cost < 0.6f + far && (best < 0 || cost < least)) best = k, least = cost;
            }
            if (best < 0) lines.push_back({index});
            else lines[best].push_back(index);
        }
        add_signs(lines, std::move(signs));
        return lines;
    }

    // Adds signs to lines beside whose digits they stand. A sign may stand beside another one that
    // does.
    void add_signs(std::vector<std::vector<int>> &lines, std::vector<int> signs) const {
        auto before = [&](int a, int b) { return places[a].u < places[b].u; };
        for (bool more = true; more && !signs.empty();) {
            more = false;
            std::vector<int> rest;
            for (int index : signs) {
                int best = -1;
                float least = 1;
                for (int k = 0; k < int(lines.size()); k++) {
                    float cost = 1;
                    auto after = std::lower_bound(lines[k].begin(), lines[k].end(), index, before);
                    if (after != lines[k].begin())
                        cost = std::min(cost, apart(index, *(after - 1), lines[k], true));
                    if (after != lines[k].end())
                        cost = std::min(cost, apart(index, *after, lines[k], false));
                    if (cost < least) best = k, least = cost;
                }
                if (best < 0) {
                    rest.push_back(index);
                    continue;
                }
                lines[best].insert(
                    std::lower_bound(lines[best].begin(), lines[best].end(), index, before), index);
                more = true;
            }
            signs = std::move(rest);
        }
    }

    // How badly a sign stands beside a member of a line, 0 to 1.
    float apart(int sign, int other, const std::vector<int> &line, bool follows) const {
        // The height of the digit that is nearest in the line tells how large its writing is.
        int digit = other;
        if (is_sign(digit)) {
            float near = 1e9f;
            for (int i : line)
                if (!is_sign(i) && std::fabs(places[i].u - places[sign].u) < near)
                    digit = i, near = std::fabs(places[i].u - places[sign].u);
            if (is_sign(digit)) return 1;
        }
        float unit = std::max(places[digit].height, 0.6f * tall);
        float gap = follows ? left(sign) - right(other) : left(other) - right(sign);
        float off = (places[sign].v - places[digit].v) / unit;
        // Points and commas stand at the foot of what they follow.
        bool low = all[sign].kind() == POINT || all[sign].kind() == COMMA;
        if (low) off -= 0.4f;
        if (low && !follows) gap += 0.3f * unit;
        if (std::fabs(off) > (low ? 0.5f : 0.55f) || gap > unit) return 1;
        return std::min(0.99f, 0.5f * std::fabs(off) + 0.5f * std::max(gap, 0.f) / unit);
    }

    // Whether an upright ruling goes between two characters.
    bool is_walled(int one, int next) const {
        float v = (places[one].v + places[next].v) / 2;
        float from = places[one].u + 0.3f * places[one].width,
              to = places[next].u - 0.3f * places[next].width;
        return std::any_of(walls.begin(), walls.end(), [&](const Segment &wall) {
            return wall.middle > from && wall.middle < to && wall.start < v && wall.end > v;
        });
    }

    // How far apart the characters of a line are that stand in the boxes of a form; 0: in none.
    float find_pitch(const std::vector<int> &line) const {
        if (!finder) return 0;
        std::vector<float> steps;
        float walls = 0, lids = 0;
        int last = -1, count = 0;
        for (int i : line) {
            if (is_sign(i)) continue;
            lids += finder->lids_of(places[i]), count++;
            if (last >= 0 && places[i].u - places[last].u < WIDEST_STEP * tall) {
                steps.push_back(places[i].u - places[last].u);
                walls += finder->wall_between(places[last], places[i]);
            }
            last = i;
        }
        if (steps.empty() || walls / steps.size() + lids / count < BOXED) return 0;
        return median(steps);
    }

    // Takes away what is like a one or a slash, but stands between the boxes of a form: a wall.
    // Two in a line are the slashes of a date.
    void drop_wall(std::vector<int> &line, float pitch) const {
        size_t found = 0, place = 0;
        for (size_t k = 1; k < line.size(); k++) {
            int i = line[k];
            float before = places[i].u - places[line[k - 1]].u;
            float after =
                k + 1 < line.size() ? places[line[k + 1]].u - places[i].u : pitch - before;
            bool between = std::max(before, after) < WALL_STEP * pitch &&
                           std::fabs(before + after - pitch) < UNEVEN * pitch;
            bool is_stroke = all[i].kind() == ONE || all[i].kind() == SLASH;
            bool is_wall = is_stroke && between && all[i].confidence() < WALL_LIKE &&
                           places[i].width < WALL_WIDE * places[i].height;
            found += is_wall || all[i].kind() == SLASH;
            if (is_wall) place = k;
        }
        if (found != 1 || !place) return;
        std::vector<int> others = line;
        others.erase(others.begin() + place);
        // Boxes are evenly spaced, and have walls.
        float walls = 0;
        int even = 0, steps = int(others.size()) - 1;
        for (int k = 0; k < steps; k++) {
            const Placed &one = places[others[k]], &next = places[others[k + 1]];
            even += std::fabs(next.u - one.u - pitch) < UNEVEN * pitch;
            walls += finder->wall_between(one, next);
        }
        if (even * 4 >= steps * 3 && walls > WALLED * steps) line = std::move(others);
    }

    // Divides a line into numbers. With a pitch, it is of characters in boxes.
    std::vector<std::vector<int>> group(const std::vector<int> &line, float pitch) const {
        std::vector<std::vector<int>> groups;
        float wide = find_spacing(line);
        int last = -1;
        for (int i : line) {
            bool next = last >= 0;
            if (next && pitch > 0) next = places[i].u - places[last].u < PITCH * pitch;
            else if (next) next = gap(last, i) < space(last, i, wide) && !is_walled(last, i);
            if (!next) groups.push_back({});
            groups.back().push_back(i);
            last = i;
        }
        return groups;
    }

    // The gap from which on there is a space, in heights: where all digits stand far apart more
    // than usual.
    float find_spacing(const std::vector<int> &line) const {
        std::vector<float> gaps;
        for (size_t k = 1; k < line.size(); k++)
            if (!is_sign(line[k - 1]) && !is_sign(line[k]))
                gaps.push_back(gap(line[k - 1], line[k]) / unit(line[k - 1], line[k]));
        if (gaps.empty()) return SPACE;
        auto middle = gaps.begin() + (gaps.size() - 1) / 2;
        std::nth_element(gaps.begin(), middle, gaps.end());
        return std::clamp(WIDER * *middle, SPACE, WIDEST_SPACE);
    }

    float unit(int one, int next) const {
        return (std::max(places[one].height, places[next].height) + tall) / 2;
    }

    float space(int one, int next, float wide) const {
        return unit(one, next) * (wide + (is_sign(one) || is_sign(next) ? SIGN_SPACE : 0));
    }

    // Adds a table's cells, and its rows as lines.
    void read_table(int number, const std::vector<int> &members, std::vector<Line> &lines) {
        const Grid &table = grids[number];
        int first = int(layout.cells.size()),
            index = layout.cells.empty() ? 0 : layout.cells.back().table + 1;
        for (int row = 0; row < table.rows(); row++)
            for (int column = 0; column < table.columns(); column++)
                layout.cells.push_back(
                    {index, row, column,
                     turn.in_picture({table.across[column], table.down[row],
                                      table.across[column + 1], table.down[row + 1]}),
                     true});
        std::vector<std::vector<int>> inside(layout.cells.size() - first);
        for (int i : members) {
            int cell = table.row(places[i].v) * table.columns() + table.column(places[i].u);
            all[i].cell = first + cell;
            inside[cell].push_back(i);
        }
        for (Character &other : layout.others) {
            float u = turn.u(other.box.x(), other.box.y()),
                  v = turn.v(other.box.x(), other.box.y());
            if (table.holds(u, v))
                other.cell = first + table.row(v) * table.columns() + table.column(u);
        }
        for (int row = 0; row < table.rows(); row++) {
            Line line;
            for (int column = 0; column < table.columns(); column++) {
                auto parts = sorted_lines(inside[row * table.columns() + column]);
                for (std::vector<int> &part : parts) {
                    // One above the other in a cell: one of two rows, or of what was struck out.
                    for (int i : part)
                        if (parts.size() > 1 && all[i].is_digit()) all[i].doubt();
                    for (std::vector<int> &some : group(part, 0)) line.groups.push_back(some);
                }
            }
            if (!line.groups.empty()) lines.push_back(std::move(line));
        }
    }

    // Lines from top to bottom.
    std::vector<std::vector<int>> sorted_lines(const std::vector<int> &members) const {
        std::vector<std::vector<int>> lines = find_lines(members);
        std::stable_sort(lines.begin(), lines.end(),
                         [&](auto &a, auto &b) { return middle({{a}}) < middle({{b}}); });
        return lines;
    }
};

inline Layout lay_out(std::vector<Character> all, std::vector<Character> others,
                      const Rulings &rulings) {
    return LayoutMaker(std::move(all), std::move(others), rulings).make();
}

}  // namespace reader
