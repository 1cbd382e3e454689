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
        Lanes most = x[0];
        for (int64_t i = 1; i < size_; i++)
            for (int p = 0; p < PARTS; p++) {
                const Part next = x[i * step_].part[p];
                most.part[p] = next > most.part[p] ? next : most.part[p];
            }
        return most;
    }

    int64_t rows() const { return before_ * step_; }

    const int64_t before_, size_, step_;
};
