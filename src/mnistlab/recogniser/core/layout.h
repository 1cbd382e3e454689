// Lines, numbers and tables: how characters lie on a page.
#pragma once

#include <numeric>

#include "decode.h"

namespace reader {

// One character of the reading.
struct Character {
    Box box;                               // in pixels of the picture
    std::array<float, NOTHING + 1> kinds;  // probabilities; the last: that it is nothing
    bool cut = false;                      // by the picture's edge
    int line = -1, group = -1, cell = -1;  // where it is

    int kind() const {
        return int(std::max_element(kinds.begin(), kinds.end() - 1) - kinds.begin());
    }
    float confidence() const { return kinds[kind()]; }
    bool is_sign() const { return kind() >= SIGNS && kind() < OTHER; }
};

// One cell of a table, or one box of a form.
struct TableCell {
    int table, row, column;
    Box box;
    bool ruled;  // or of numbers that line up
};

struct Layout {
    std::vector<Character> characters;  // in reading order
    std::vector<TableCell> cells;
};

// Where rulings are: cells of the detector's at one level.
struct Rulings {
    int rows = 0, columns = 0;
    float scale = 1;  // pixels of the picture to a cell
    std::vector<uint8_t> level, upright;
};

inline Rulings find_rulings(const Maps &maps, const Level &level) {
    // Of the picture itself, without the paper around it.
    int first = PAD / CELL;
    Rulings found;
    found.columns = (level.grey.width + CELL - 1) / CELL;
    found.rows = (level.grey.height + CELL - 1) / CELL;
    found.scale = CELL / level.scale;
    size_t size = size_t(found.rows) * found.columns;
    found.level.resize(size), found.upright.resize(size);
    for (int row = 0; row < found.rows; row++)
        for (int column = 0; column < found.columns; column++) {
            size_t at = size_t(row) * found.columns + column;
            size_t from = size_t(row + first) * maps.columns + column + first;
            found.level[at] = maps.level_ruling(from);
            found.upright[at] = maps.upright_ruling(from);
        }
    return found;
}

// A turned system of coordinates, in which lines are level.
struct Turn {
    float cosine = 1, sine = 0;

    float u(float x, float y) const { return cosine * x + sine * y; }
    float v(float x, float y) const { return cosine * y - sine * x; }
};

inline float median(std::vector<float> values) {
    if (values.empty()) return 0;
    std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
    return values[values.size() / 2];
}

// The tilt of the writing: the median direction from a character to the next one.
inline Turn find_tilt(const std::vector<Character> &all) {
    std::vector<float> slopes;
    for (const Character &one : all) {
        if (one.is_sign()) continue;
        float best = 2.5f * one.box.height(), slope = 0;
        bool found = false;
        for (const Character &other : all) {
            float dx = other.box.x() - one.box.x(), dy = other.box.y() - one.box.y();
            float tall = std::max(one.box.height(), other.box.height());
            if (other.is_sign() || dx <= 0.2f * tall || std::fabs(dy) > 0.5f * dx + 0.15f * tall ||
                std::min(one.box.height(), other.box.height()) < 0.6f * tall)
                continue;
            float distance = dx + 2 * std::fabs(dy);
            if (distance < best) best = distance, slope = dy / dx, found = true;
        }
        if (found) slopes.push_back(slope);
    }
    if (slopes.size() < 3) return {};
    float slope = std::clamp(median(slopes), -0.5f, 0.5f);
    float length = std::sqrt(1 + slope * slope);
    return {1 / length, slope / length};
}

// Regions that rulings enclose.
struct Region {
    float left, top, right, bottom;  // turned
    Box box;                         // in pixels of the picture
    int table = -1, row = 0, column = 0, filled = 0;
    bool left_open, right_open;

    float u() const { return (left + right) / 2; }
    float v() const { return (top + bottom) / 2; }
};

constexpr int GAP = 3;  // cells

inline std::vector<Region> find_regions(const Rulings &rulings, const Turn &turn, float tall,
                                        std::vector<int> &owner) {
    int rows = rulings.rows, columns = rulings.columns;
    owner.assign(size_t(rows) * columns, -1);
    std::vector<uint8_t> wall(owner.size());
    auto at = [&](int row, int column) { return size_t(row) * columns + column; };
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            bool here = rulings.level[at(row, column)] || rulings.upright[at(row, column)];
            // Gaps of few cells in a line are closed.
            for (int before = 1; before <= GAP && !here; before++)
                for (int after = 1; before + after <= GAP + 1 && !here; after++) {
                    here |= column >= before && column + after < columns &&
                            rulings.level[at(row, column - before)] &&
                            rulings.level[at(row, column + after)];
                    here |= row >= before && row + after < rows &&
                            rulings.upright[at(row - before, column)] &&
                            rulings.upright[at(row + after, column)];
                }
            wall[at(row, column)] = here;
        }
    std::vector<Region> regions;
    std::vector<int> stack;
    for (int start = 0; start < rows * columns; start++) {
        if (wall[start] || owner[start] >= 0) continue;
        int number = int(regions.size()), area = 0;
        Region region{1e9f, 1e9f, -1e9f, -1e9f, {1e9f, 1e9f, -1e9f, -1e9f}, -1, 0,
                      0,    0,    false, false};
        owner[start] = number;
        stack.assign(1, start);
        while (!stack.empty()) {
            int here = stack.back(), row = here / columns, column = here % columns;
            stack.pop_back();
            area++;
            float x = (column + 0.5f) * rulings.scale, y = (row + 0.5f) * rulings.scale;
            float u = turn.u(x, y), v = turn.v(x, y), half = rulings.scale / 2;
            region.left = std::min(region.left, u - half),
            region.right = std::max(region.right, u + half);
            region.top = std::min(region.top, v - half),
            region.bottom = std::max(region.bottom, v + half);
            region.box = {std::min(region.box.left, x - half), std::min(region.box.top, y - half),
                          std::max(region.box.right, x + half),
                          std::max(region.box.bottom, y + half)};
            region.left_open |= column == 0, region.right_open |= column == columns - 1;
            const int next[4][2] = {
                {row - 1, column}, {row + 1, column}, {row, column - 1}, {row, column + 1}};
            for (auto [r, c] : next)
                if (r >= 0 && c >= 0 && r < rows && c < columns && !wall[at(r, c)] &&
                    owner[at(r, c)] < 0)
                    owner[at(r, c)] = number, stack.push_back(int(at(r, c)));
        }
        float width = region.right - region.left, height = region.bottom - region.top;
        float whole = float(rows) * columns * rulings.scale * rulings.scale;
        bool rectangle = area * rulings.scale * rulings.scale > 0.5f * width * height;
        if (!rectangle || height < 0.7f * tall || width < 0.5f * tall || height > 8 * tall ||
            width * height > 0.8f * whole)
            region.table = -2;  // no cell
        regions.push_back(region);
    }
    return regions;
}

inline int find_root(std::vector<int> &parent, int one) {
    while (parent[one] != one) one = parent[one] = parent[parent[one]];
    return one;
}

// Numbers what lies one after another: values that are nearer than `apart` to the last one's mean
// are one.
inline std::vector<int> number_steps(const std::vector<float> &values, float apart) {
    std::vector<int> order(values.size()), number(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return values[a] < values[b]; });
    int current = -1, count = 0;
    float mean = 0;
    for (int index : order) {
        if (current < 0 || values[index] - mean > apart) current++, mean = values[index], count = 1;
        else mean += (values[index] - mean) / ++count;
        number[index] = current;
    }
    return number;
}

// Joins regions that lie side by side to tables.
inline void find_tables(std::vector<Region> &regions, float gap) {
    std::vector<int> cells;
    for (int i = 0; i < int(regions.size()); i++)
        if (regions[i].table == -1) cells.push_back(i);
    std::vector<int> parent(regions.size());
    std::iota(parent.begin(), parent.end(), 0);
    for (int a : cells)
        for (int b : cells) {
            const Region &one = regions[a], &other = regions[b];
            float v = std::min(one.bottom, other.bottom) - std::max(one.top, other.top);
            float u = std::min(one.right, other.right) - std::max(one.left, other.left);
            float tall = std::min(one.bottom - one.top, other.bottom - other.top);
            float wide = std::min(one.right - one.left, other.right - other.left);
            if ((v > 0.6f * tall && u > -gap && u < 0.3f * wide) ||
                (u > 0.6f * wide && v > -gap && v < 0.3f * tall))
                parent[find_root(parent, a)] = find_root(parent, b);
        }
    int tables = 0;
    for (int root : cells) {
        if (find_root(parent, root) != root) continue;
        std::vector<int> members;
        std::vector<float> middles, lefts, heights, widths;
        bool any = false;
        for (int i : cells)
            if (find_root(parent, i) == root) {
                members.push_back(i);
                middles.push_back(regions[i].v()), lefts.push_back(regions[i].left);
                heights.push_back(regions[i].bottom - regions[i].top);
                widths.push_back(regions[i].right - regions[i].left);
                any |= regions[i].filled > 0;
            }
        std::vector<int> row = number_steps(middles, 0.5f * median(heights));
        std::vector<int> column = number_steps(lefts, 0.4f * median(widths));
        int columns = *std::max_element(column.begin(), column.end()) + 1;
        const Region &first = regions[members[0]];
        // Between the lines of ruled paper there are no cells.
        bool paper = columns == 1 && first.left_open && first.right_open;
        for (size_t i = 0; i < members.size(); i++) {
            Region &region = regions[members[i]];
            region.table = !any || members.size() < 2 || paper ? -2 : tables;
            region.row = row[i], region.column = column[i];
        }
        tables += regions[members[0]].table >= 0;
    }
}

// Sorts characters into lines. Each goes to the line whose last characters it stands beside.
inline std::vector<std::vector<int>> find_lines(const std::vector<Character> &all,
                                                const Turn &turn) {
    std::vector<int> order(all.size());
    std::iota(order.begin(), order.end(), 0);
    auto u = [&](int i) { return turn.u(all[i].box.x(), all[i].box.y()); };
    auto v = [&](int i) { return turn.v(all[i].box.x(), all[i].box.y()); };
    // Signs after the others: a dot says little of where its line is.
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        bool one = all[a].is_sign(), other = all[b].is_sign();
        return one != other ? other : u(a) < u(b);
    });
    std::vector<std::vector<int>> lines;
    for (int index : order) {
        float height = all[index].box.height();
        int best = -1;
        float least = 0;
        for (int k = 0; k < int(lines.size()); k++) {
            // The nearest in the line that is no sign.
            int near = -1;
            for (int member : lines[k])
                if (!all[member].is_sign() &&
                    (near < 0 || std::fabs(u(member) - u(index)) < std::fabs(u(near) - u(index))))
                    near = member;
            if (near < 0) continue;
            float tall = all[near].box.height(), off = std::fabs(v(index) - v(near));
            float unit = all[index].is_sign()
                             ? tall
                             : std::max(std::min(height, tall), 0.6f * std::max(height, tall));
            // Far along a line its height is less certain.
            float far = std::min(0.03f * std::fabs(u(index) - u(near)) / unit, 0.25f);
            float cost = off / unit;
            if (cost < (all[index].is_sign() ? 0.75f : 0.6f) + far && (best < 0 || cost < least))
                best = k, least = cost;
        }
        if (best < 0) lines.push_back({index});
        else lines[best].push_back(index);
    }
    for (auto &line : lines)
        std::stable_sort(line.begin(), line.end(), [&](int a, int b) { return u(a) < u(b); });
    auto middle = [&](const std::vector<int> &line) {
        float sum = 0;
        for (int i : line) sum += v(i);
        return sum / line.size();
    };
    std::stable_sort(lines.begin(), lines.end(),
                     [&](auto &a, auto &b) { return middle(a) < middle(b); });
    return lines;
}

constexpr float SPACE = 0.65f;  // heights of a digit between two numbers

inline Layout lay_out(std::vector<Character> all, const Rulings &rulings) {
    Turn turn = find_tilt(all);
    std::vector<float> heights;
    for (const Character &one : all)
        if (one.kind() < SIGNS) heights.push_back(one.box.height());
    float tall = median(heights);
    std::vector<Region> regions;
    Layout layout;
    if (tall > 0 && rulings.rows) {
        std::vector<int> owner;
        regions = find_regions(rulings, turn, tall, owner);
        for (Character &one : all) {
            int row = std::clamp(int(one.box.y() / rulings.scale), 0, rulings.rows - 1);
            int column = std::clamp(int(one.box.x() / rulings.scale), 0, rulings.columns - 1);
            int region = owner[size_t(row) * rulings.columns + column];
            // A character's middle may lie on a ruling: then the region that holds its middle's
            // box.
            if (region < 0)
                for (int i = 0; i < int(regions.size()) && region < 0; i++) {
                    float u = turn.u(one.box.x(), one.box.y()),
                          v = turn.v(one.box.x(), one.box.y());
                    if (regions[i].table == -1 && u > regions[i].left && u < regions[i].right &&
                        v > regions[i].top && v < regions[i].bottom)
                        region = i;
                }
            one.cell = region;
            if (region >= 0 && one.kind() < OTHER) regions[region].filled++;
        }
        find_tables(regions, 4.5f * rulings.scale);
    }
    auto table_of = [&](int i) { return all[i].cell < 0 ? -2 : regions[all[i].cell].table; };
    // Boxes of a form: a row of cells with at most a character each.
    std::vector<uint8_t> boxes;
    for (const Region &region : regions)
        if (region.table >= 0) boxes.resize(std::max(boxes.size(), size_t(region.table) + 1), 1);
    for (const Region &region : regions)
        if (region.table >= 0 &&
            (region.row > 0 || region.filled > 1 || region.right - region.left > 2.5f * tall))
            boxes[region.table] = 0;
    int group = 0, line = 0;
    for (const auto &members : find_lines(all, turn)) {
        int last = -1;
        for (int i : members) {
            if (last >= 0) {
                float gap = turn.u(all[i].box.left, all[i].box.y()) -
                            turn.u(all[last].box.right, all[last].box.y());
                bool same = table_of(i) >= 0 && table_of(i) == table_of(last);
                bool next;
                if (same && all[i].cell == all[last].cell) next = gap < SPACE * tall;
                else if (same && boxes[table_of(i)])
                    next = regions[all[i].cell].column == regions[all[last].cell].column + 1;
                else next = !same && gap < SPACE * tall;
                group += !next;
            }
            all[i].line = line, all[i].group = group;
            last = i;
            layout.characters.push_back(all[i]);
        }
        line++, group++;
    }
    std::vector<int> number(regions.size(), -1);
    for (size_t i = 0; i < regions.size(); i++)
        if (regions[i].table >= 0) {
            number[i] = int(layout.cells.size());
            layout.cells.push_back(
                {regions[i].table, regions[i].row, regions[i].column, regions[i].box, true});
        }
    for (Character &one : layout.characters) one.cell = one.cell < 0 ? -1 : number[one.cell];
    return layout;
}

}  // namespace reader
