// Tables without rulings: numbers that line up.
#pragma once

#include "tables.h"

namespace reader {

// Finds rows of numbers whose left or right edges or middles lie under each other.
class Alignment {
   public:
    struct Column {
        float left, right;
    };

    struct Table {
        int start, end;  // rows
        std::vector<Column> columns;

        // Which of the columns a number is in that is known to be in one.
        int column(float left) const { return place(columns, left); }
    };

    // The numbers' boxes in the turned system, by row, from top to bottom. `tall` is the usual
    // height of digits.
    Alignment(std::vector<std::vector<Box>> given, float tall)
        : rows(std::move(given)), strip(STRIP * tall), astray(ASTRAY * tall) {
        for (const std::vector<Box> &row : rows) {
            float sum = 0;
            for (const Box &number : row) sum += number.y();
            middles.push_back(sum / row.size());
        }
    }

    std::vector<Table> find() const {
        std::vector<Table> tables;
        for (int start = 0; start + LEAST_ROWS <= int(rows.size());) {
            Table table = longest(start);
            if (table.end == start) {
                start++;
                continue;
            }
            start = table.end;
            tables.push_back(std::move(table));
        }
        return tables;
    }

   private:
    static constexpr int LEAST_ROWS = 3, LEAST_COLUMNS = 2;  // as many columns have as many numbers
    static constexpr int IN_VAIN = 20;     // rows after which a table that is none yet is given up
    static constexpr int MOST_ROWS = 200;  // no picture has more that can be read
    static constexpr float SPARSEST = 0.1f;  // share of cells that are not blank
    // Heights of a digit: between columns at least, and within which most of a column line up.
    static constexpr float STRIP = 0.25f, ASTRAY = 0.75f;
    static constexpr float MOST_OF_COLUMN = 0.75f;  // the others may lack a character
    static constexpr float PITCH = 1.9f;   // of the usual one; farther below, another table begins
    static constexpr float PIECES = 1.5f;  // numbers in a cell, on average; of more a text is made
    std::vector<std::vector<Box>> rows;
    std::vector<float> middles;
    float strip, astray;

    static int place(const std::vector<Column> &columns, float left) {
        auto after = std::upper_bound(columns.begin(), columns.end(), left,
                                      [](float at, const Column &one) { return at < one.left; });
        return std::max(int(after - columns.begin()) - 1, 0);
    }

    // The longest table that begins with a row; one without rows if there is none.
    Table longest(int start) const {
        Table found{start, start, {}};
        std::vector<Column> columns;
        std::vector<float> steps;  // in order of size
        int last = std::min(int(rows.size()), start + MOST_ROWS);
        for (int end = start; end < last && end - found.end < IN_VAIN; end++) {
            if (end > start) {
                float step = middles[end] - middles[end - 1];
                steps.insert(std::upper_bound(steps.begin(), steps.end(), step), step);
            }
            for (const Box &number : rows[end]) add(columns, number);
            if (end - start + 1 < LEAST_ROWS) continue;
            if (steps.back() > PITCH * steps[steps.size() / 2]) break;
            if (is_table(start, end + 1, columns)) found = {start, end + 1, columns};
        }
        return found;
    }

    // Columns are parted by strips that no number enters.
    void add(std::vector<Column> &columns, const Box &number) const {
        auto from =
            std::lower_bound(columns.begin(), columns.end(), number.left - strip,
                             [](const Column &one, float reached) { return one.right < reached; });
        Column all{number.left, number.right};
        auto to = from;
        for (; to != columns.end() && to->left <= number.right + strip; ++to)
            all = {std::min(all.left, to->left), std::max(all.right, to->right)};
        if (from == to) columns.insert(from, all);
        else *from = all, columns.erase(from + 1, to);
    }

    bool is_table(int start, int end, const std::vector<Column> &columns) const {
        if (int(columns.size()) < LEAST_COLUMNS) return false;
        Scope scope;
        std::vector<std::vector<Column>> cells(columns.size());  // of each column, those not blank
        std::vector<int> last(columns.size(), -1);               // row in which it has one
        int numbers = 0, filled = 0, full = 0;
        for (int row = start; row < end; row++)
            for (const Box &number : rows[row]) {
                int column = place(columns, number.left);
                numbers++;
                if (last[column] == row) {
                    Column &cell = cells[column].back();
                    cell = {std::min(cell.left, number.left), std::max(cell.right, number.right)};
                    continue;
                }
                cells[column].push_back({number.left, number.right});
                last[column] = row, filled++;
            }
        for (const std::vector<Column> &column : cells) full += int(column.size()) >= LEAST_ROWS;
        float share = float(filled) / ((end - start) * columns.size());
        return numbers <= PIECES * filled && share >= SPARSEST && full >= LEAST_COLUMNS &&
               std::all_of(cells.begin(), cells.end(),
                           [&](const std::vector<Column> &column) { return lines_up(column); });
    }

    // Whether most of a column's cells do, by their left edges, middles or right edges.
    bool lines_up(const std::vector<Column> &cells) const {
        for (float share : {0.f, 0.5f, 1.f}) {
            std::vector<float> places;
            for (const auto &[left, right] : cells) places.push_back(left + share * (right - left));
            float usual = median(places), near = 0;
            for (float place : places) near += std::fabs(place - usual) <= astray;
            if (near >= MOST_OF_COLUMN * places.size()) return true;
        }
        return false;
    }
};

// Makes the cells of tables of characters that are in lines, from top to bottom, and tells in which
// each of these is, and other ink.
inline std::vector<TableCell> align(std::vector<Character> &characters,
                                    std::vector<Character> &others, const Turn &turn, float tall) {
    std::vector<std::vector<Box>> rows;
    int group = -1;
    for (const Character &one : characters) {
        if (one.line == int(rows.size())) rows.push_back({});
        std::vector<Box> &row = rows.back();
        Box box = turn.upright(one.box);
        if (one.group == group) row.back() = around(row.back(), box);
        else row.push_back(box);
        group = one.group;
    }
    std::vector<TableCell> cells;
    std::vector<bool> filled;
    int number = 0;
    for (const Alignment::Table &table : Alignment(rows, tall).find()) {
        int first = int(cells.size()), columns = int(table.columns.size());
        for (int row = table.start; row < table.end; row++) {
            Box line = rows[row].front();
            for (const Box &box : rows[row]) line = around(line, box);
            for (Character &other : others) {
                Box box = turn.upright(other.box);
                if (box.y() < line.top || box.y() > line.bottom) continue;
                float near = tall;
                for (int column = 0; column < columns; column++) {
                    const auto &[left, right] = table.columns[column];
                    float apart = std::max(left - box.right, box.left - right);
                    if (apart < near) near = apart, other.cell = int(cells.size()) + column;
                }
            }
            for (int column = 0; column < columns; column++) {
                const auto &[left, right] = table.columns[column];
                cells.push_back({number, row - table.start, column,
                                 turn.in_picture({left, line.top, right, line.bottom}), false});
            }
        }
        filled.resize(cells.size());
        for (Character &one : characters) {
            if (one.line < table.start || one.line >= table.end) continue;
            one.cell = first + (one.line - table.start) * columns +
                       table.column(turn.upright(one.box).left);
            Box &box = cells[one.cell].box;
            box = filled[one.cell] ? around(box, one.box) : one.box;
            filled[one.cell] = true;
        }
        number++;
    }
    return cells;
}

}  // namespace reader
