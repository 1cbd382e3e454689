// y[i] = f(x[i]): an elementwise operation, made from its function as a struct with
//
//     explicit Function(const Signature &);                // reads its attributes
//     Part value(Part x) const;                            // f(x)
//     Part gradient(Part x, Part dy) const;                // dy * f'(x), or
//     Part gradient_from_output(Part y, Part dy) const;    // the same where y makes it cheaper
#pragma once

#include "../operation.h"
#include "../vector_math.h"

template <class Function>
class Elementwise final : public Operation {
   public:
    explicit Elementwise(const Signature &signature)
        : Operation(signature), function_(signature), size_(product(signature.output)) {}

    void forward(const Forward &at) const override {
        const Share mine = at.crew.share(size_);
        for (int64_t i = mine.begin; i < mine.end; i++)
            for (int p = 0; p < PARTS; p++) at.y[i].part[p] = function_.value(at.x[0][i].part[p]);
    }

    void backward(const Backward &at) const override {
        Lanes *dx = at.dx[0];
        if (!dx) return;
        const Lanes *known = FROM_OUTPUT ? at.y : at.x[0];
        const bool add = at.add[0];
        const Share mine = at.crew.share(size_);
        for (int64_t i = mine.begin; i < mine.end; i++)
            for (int p = 0; p < PARTS; p++) {
                const Part gradient = slope(known[i].part[p], at.dy[i].part[p]);
                dx[i].part[p] = add ? dx[i].part[p] + gradient : gradient;
            }
    }

    bool in_place(int) const override { return true; }
    bool reads_output() const override { return FROM_OUTPUT; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }

   private:
    static constexpr bool FROM_OUTPUT =
        requires(Function f, Part part) { f.gradient_from_output(part, part); };

    Part slope(Part known, Part dy) const {
        if constexpr (FROM_OUTPUT) return function_.gradient_from_output(known, dy);
        else return function_.gradient(known, dy);
    }

    const Function function_;
    const int64_t size_;
};
