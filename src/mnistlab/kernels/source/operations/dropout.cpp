// Inverted dropout (Srivastava et al., 2014); float: the share that is dropped; integer: how many
// neighbours share a draw, such as the pixels of a channel.
//
// Draw i of the image at a position of the batch is always the same: word i % 4 of Philox at
// (i / 4, position, operation, 0). The backward pass finds in `saved` which values were kept.
#include <cmath>

#include "../operation.h"
#include "../philox.h"

namespace {

class Dropout : public Operation {
   public:
    explicit Dropout(const Signature &signature)
        : Operation(signature),
          drop_(static_cast<float>(signature.floats[0])),
          block_(signature.integers[0]),
          draws_(product(signature.output) / block_) {}

    void forward(const Forward &at) const override {
        if (!at.training) {
            if (at.crew.first()) std::copy_n(at.x[0], product(signature.output), at.y);
            return;
        }
        auto *kept = reinterpret_cast<uint16_t *>(at.saved);
        const Share mine = draws(at.crew);
        const auto threshold = static_cast<uint32_t>(std::ceil(double(drop_) * 4294967296.0));
        for (int64_t i = mine.begin; i < mine.end; i += 4) {
            uint32_t bits[4] = {};
            for (int p = 0; p < PARTS; p++) {
                PartBits image;
                for (int k = 0; k < WIDTH; k++) image[k] = static_cast<uint32_t>(k);
                const Philox drawn = philox(at.seed, static_cast<uint32_t>(i / 4),
                                            image + static_cast<uint32_t>(at.position + p * WIDTH),
                                            static_cast<uint32_t>(at.index), 0);
                for (int k = 0; k < 4; k++)
                    bits[k] |= bits_of(drawn.word[k] >= threshold) << (p * WIDTH);
            }
            for (int64_t k = i; k < std::min(i + 4, mine.end); k++)
                kept[k] = static_cast<uint16_t>(bits[k - i]);
        }
        keep(mine, kept, at.x[0], at.y, false);
    }

    void backward(const Backward &at) const override {
        const auto *kept = reinterpret_cast<const uint16_t *>(at.saved);
        if (at.dx[0]) keep(draws(at.crew), kept, at.dy, at.dx[0], at.add[0]);
    }

    int64_t saved() const override { return (draws_ + 31) / 32; }  // 16 bits a draw
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }

   private:
    // Of a crew's member: a Philox call draws four.
    Share draws(const Crew &crew) const {
        const Share mine = crew.share((draws_ + 3) / 4);
        return {mine.begin * 4, std::min(mine.end * 4, draws_)};
    }

    void keep(const Share &mine, const uint16_t *kept, const Lanes *x, Lanes *y, bool add) const {
        const Part scale = splat(1 / (1 - drop_));
        for (int64_t i = mine.begin; i < mine.end; i++)
            for (int p = 0; p < PARTS; p++) {
                const Part factor = mask_of(kept[i], p) ? scale : splat(0.0f);
                for (int64_t k = i * block_; k < (i + 1) * block_; k++) {
                    const Part value = x[k].part[p] * factor;
                    y[k].part[p] = add ? y[k].part[p] + value : value;
                }
            }
    }

    const float drop_;
    const int64_t block_, draws_;
};

}  // namespace

REGISTER_OPERATION(dropout, Dropout);
