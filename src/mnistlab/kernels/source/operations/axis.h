// Operations along one axis of a value. integers: the product of the dimensions before it, its
// size, and the product of those behind it.
#pragma once

#include "../operation.h"
#include "../sums.h"
#include "../vector_math.h"

class AlongAxis : public Operation {
   public:
    explicit AlongAxis(const Signature &signature)
        : Operation(signature),
          before_(signature.integers[0]),
          size_(signature.integers[1]),
          step_(signature.integers[2]) {}

    bool in_place(int) const override { return true; }

   protected:
    // Calls row(its number, the index of its first value); further values are step_ apart.
    template <class Row>
    void each_row(const Row &row) const {
        for (int64_t block = 0; block < before_; block++)
            for (int64_t i = 0; i < step_; i++) row(block * step_ + i, block * size_ * step_ + i);
    }

    // NaN need not be found: exp(x - largest) is NaN in any case.
    Lanes largest(const Lanes *x) const {
        constexpr int CHAINS = 4;  // which hide how long a comparison takes
        const Lanes none = x[0];
        Lanes most[CHAINS] = {none, none, none, none};
        const auto compare = [&](Lanes &to, const Lanes &from) {
            for (int p = 0; p < PARTS; p++)
                to.part[p] = from.part[p] > to.part[p] ? from.part[p] : to.part[p];
        };
        int64_t i = 1;
        for (; i + CHAINS <= size_; i += CHAINS)
            for (int chain = 0; chain < CHAINS; chain++)
                compare(most[chain], x[(i + chain) * step_]);
        for (; i < size_; i++) compare(most[0], x[i * step_]);
        for (int chain = 1; chain < CHAINS; chain++) compare(most[0], most[chain]);
        return most[0];
    }

    int64_t rows() const { return before_ * step_; }

    const int64_t before_, size_, step_;
};
