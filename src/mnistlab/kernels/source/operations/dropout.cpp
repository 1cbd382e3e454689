// Inverted dropout (Srivastava et al., 2014); float: the share that is dropped; integer: how many
// neighbours share a draw, such as the pixels of a channel.
//
// Draw i of the image at a position of the batch is always the same: word i % 4 of Philox at
// (i / 4, position, operation, 0).
#include "../operation.h"
#include "../philox.h"

namespace {

class Dropout : public Operation {
   public:
    explicit Dropout(const Signature &signature)
        : Operation(signature),
          drop_(static_cast<float>(signature.floats[0])),
          block_(signature.integers[0]) {}

    void forward(const Forward &at) const override {
        if (at.training) drop(at, at.x[0], at.y, false);
        else if (at.crew.first()) std::copy_n(at.x[0], product(signature.output), at.y);
    }

    void backward(const Backward &at) const override {
        if (at.dx[0]) drop(at, at.dy, at.dx[0], at.add[0]);
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }

   private:
    template <class Call>
    void drop(const Call &at, const Lanes *x, Lanes *y, bool add) const {
        const float keep = 1 / (1 - drop_);
        const double threshold = double(drop_) * 4294967296.0;
        const int64_t draws = product(signature.output) / block_;
        const Share mine = at.crew.share((draws + 3) / 4);
        for (int64_t i = mine.begin * 4; i < mine.end * 4; i += 4) {
            Philox drawn[LANES];
            for (int image = 0; image < LANES; image++)
                drawn[image] = philox(at.seed, static_cast<uint32_t>(i / 4),
                                      static_cast<uint32_t>(at.position + image),
                                      static_cast<uint32_t>(at.index), 0);
            for (int64_t j = i; j < std::min(i + 4, draws); j++) {
                Lanes factor;
                for (int image = 0; image < LANES; image++)
                    factor.values()[image] = drawn[image].word[j - i] < threshold ? 0.0f : keep;
                for (int64_t k = j * block_; k < (j + 1) * block_; k++)
                    for (int p = 0; p < PARTS; p++) {
                        const Part value = x[k].part[p] * factor.part[p];
                        y[k].part[p] = add ? y[k].part[p] + value : value;
                    }
            }
        }
    }

    const float drop_;
    const int64_t block_;
};

}  // namespace

REGISTER_OPERATION(dropout, Dropout);
