// Windows: what each output of a pooling reads. kernels/windows.py lists them.
#pragma once

#include "operation.h"

// Positions begin, begin + step, ... below end; `counted` divides an average.
struct Window {
    int begin, end, counted;
};

// x: channels x height x width; y: channels x rows x columns.
// integers: the step between a window's rows and that of its columns; then begin, end and counted
// of each row of the output, and of each column.
struct Windows {
    int channels, height, width, row_step, column_step;
    std::vector<Window> rows, columns;

    explicit Windows(const Signature &signature)
        : channels(static_cast<int>(signature.inputs[0][0])),
          height(static_cast<int>(signature.inputs[0][1])),
          width(static_cast<int>(signature.inputs[0][2])),
          row_step(static_cast<int>(signature.integers[0])),
          column_step(static_cast<int>(signature.integers[1])) {
        const int64_t *next = signature.integers.data() + 2;
        for (auto [axis, windows] : {std::pair{1, &rows}, std::pair{2, &columns}})
            for (int64_t i = 0; i < signature.output[axis]; i++, next += 3)
                windows->push_back({static_cast<int>(next[0]), static_cast<int>(next[1]),
                                    static_cast<int>(next[2])});
    }

    // Calls visit(row's window, column's window, offset of the channel in x) for each output.
    template <class Visit>
    void each(const Visit &visit) const {
        for (int c = 0; c < channels; c++)
            for (const Window &row : rows)
                for (const Window &column : columns)
                    visit(row, column, int64_t(c) * height * width);
    }

    // Calls visit(offset in x) for each position of a window in turn.
    template <class Visit>
    void each_position(const Window &row, const Window &column, const Visit &visit) const {
        for (int i = row.begin; i < row.end; i += row_step)
            for (int j = column.begin; j < column.end; j += column_step)
                visit(int64_t(i) * width + j);
    }
};
