// Normalisation of blocks: values that lie side by side and share mean and variance, in each image
// on its own. A block consists of runs of values that share a weight and a bias:
//
//     layer norm         a block per position, each value a run
//     group norm         a block per group of channels, each channel a run
//     instance norm      a block per channel, one run
//
// integers: blocks, runs in a block, values in a run. floats: epsilon. parameters: weight and bias,
// which the runs of all blocks take in turn.
#pragma once

#include "../operation.h"
#include "../sums.h"
#include "../vector_math.h"

// CENTRED: whether the mean is taken off.
template <bool CENTRED>
class BlockNorm : public Operation {
   public:
    explicit BlockNorm(const Signature &signature)
        : Operation(signature),
          blocks_(signature.integers[0]),
          runs_(signature.integers[1]),
          length_(signature.integers[2]),
          size_(runs_ * length_),
          weights_(std::max(signature.parameters[0], signature.parameters[1])),
          epsilon_(static_cast<float>(signature.floats[0])) {}

    void forward(const Forward &at) const override {
        const float *weight = at.parameters[0], *bias = at.parameters[1];
        for (int64_t block = 0; block < blocks_; block++) {
            const Lanes *x = at.x[0] + block * size_;
            Lanes *y = at.y + block * size_;
            Lanes &mean = at.saved[2 * block], &inverse = at.saved[2 * block + 1];
            measure(x, mean, inverse);
            for (int64_t run = 0; run < runs_; run++) {
                const int64_t w = weight_of(block, run);
                const Part scale = splat(weight ? weight[w] : 1.0f);
                const Part shift = splat(bias ? bias[w] : 0.0f);
                for (int64_t i = run * length_; i < (run + 1) * length_; i++)
                    for (int p = 0; p < PARTS; p++)
                        y[i].part[p] =
                            normalised(x[i].part[p], mean.part[p], inverse.part[p]) * scale + shift;
            }
        }
    }

    void backward(const Backward &at) const override {
        float *const *gradients = at.gradients;
        Lanes *to_weight = at.scratch, *to_bias = at.scratch + weights_;
        std::fill_n(at.scratch, scratch(), Lanes{});
        for (int64_t block = 0; block < blocks_; block++) backward_block(at, block);
        for (int which = 0; which < 2; which++)
            for (int64_t w = 0; gradients[which] && w < weights_; w++) {
                const float sum = total((which ? to_bias : to_weight)[w]);
                gradients[which][w] = at.add_gradients[which] ? gradients[which][w] + sum : sum;
            }
    }

    int64_t saved() const override { return 2 * blocks_; }
    int64_t scratch() const override { return 2 * weights_; }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    int64_t weight_of(int64_t block, int64_t run) const {
        return weights_ ? (block * runs_ + run) % weights_ : 0;
    }

    static Part normalised(Part x, Part mean, Part inverse) {
        if constexpr (CENTRED) return (x - mean) * inverse;
        else return x * inverse;
    }

    void measure(const Lanes *x, Lanes &mean, Lanes &inverse) const {
        const float share = 1.0f / static_cast<float>(size_);
        mean = Lanes{};
        if constexpr (CENTRED) {
            const Sums<1> sum = sum_over<1>(
                size_, [&](int64_t i, int p, Part(&term)[1]) { term[0] = x[i].part[p]; });
            for (int p = 0; p < PARTS; p++) mean.part[p] = sum.of[0].part[p] * share;
        }
        const Lanes centre = mean;
        const Sums<2> sums = sum_over<2>(size_, [&](int64_t i, int p, Part(&term)[2]) {
            const Part deviation = CENTRED ? x[i].part[p] - centre.part[p] : x[i].part[p];
            term[0] = deviation * deviation;
            term[1] = deviation;
        });
        for (int p = 0; p < PARTS; p++) {
            // The mean's rounding error, found as the deviations' mean.
            const Part missing = CENTRED ? sums.of[1].part[p] * share : Part{};
            mean.part[p] += missing;
            const Part variance = sums.of[0].part[p] * share - missing * missing;
            inverse.part[p] = 1.0f / square_root(variance + epsilon_);
        }
    }

    void backward_block(const Backward &at, int64_t block) const {
        const float *weight = at.parameters[0];
        const Lanes *x = at.x[0] + block * size_, *dy = at.dy + block * size_;
        const Lanes mean = at.saved[2 * block], inverse = at.saved[2 * block + 1];
        const auto terms = [&](int64_t i, int p, Part(&term)[2]) {
            term[0] = dy[i].part[p] * normalised(x[i].part[p], mean.part[p], inverse.part[p]);
            term[1] = dy[i].part[p];
        };
        // Towards the mean of dy * weight * normalised x, and of dy * weight.
        const auto take = [&](int64_t w, int p, Part(&term)[2]) {
            const float scale = weight ? weight[w] : 1.0f;
            if (weights_) {
                at.scratch[w].part[p] += term[0];
                at.scratch[weights_ + w].part[p] += term[1];
            }
            for (Part &each : term) each *= scale;
        };
        Sums<2> sums;
        if (length_ == 1)
            sums = sum_over<2>(runs_, [&](int64_t run, int p, Part(&term)[2]) {
                terms(run, p, term);
                take(weight_of(block, run), p, term);
            });
        else
            for (int64_t run = 0; run < runs_; run++) {
                Sums<2> of_run = sum_over<2>(length_, [&](int64_t i, int p, Part(&term)[2]) {
                    terms(run * length_ + i, p, term);
                });
                for (int p = 0; p < PARTS; p++) {
                    Part term[2] = {of_run.of[0].part[p], of_run.of[1].part[p]};
                    take(weight_of(block, run), p, term);
                    for (int s = 0; s < 2; s++) of_run.of[s].part[p] = term[s];
                }
                sums += of_run;
            }
        if (!at.dx[0]) return;
        Lanes *dx = at.dx[0] + block * size_;
        const float share = 1.0f / static_cast<float>(size_);
        for (int64_t run = 0; run < runs_; run++) {
            const float scale = weight ? weight[weight_of(block, run)] : 1.0f;
            for (int64_t i = run * length_; i < (run + 1) * length_; i++)
                for (int p = 0; p < PARTS; p++) {
                    const Part z = normalised(x[i].part[p], mean.part[p], inverse.part[p]);
                    const Part along = z * sums.of[0].part[p];
                    const Part even = CENTRED ? along + sums.of[1].part[p] : along;
                    const Part own = (dy[i].part[p] * scale - even * share) * inverse.part[p];
                    dx[i].part[p] = at.add[0] ? dx[i].part[p] + own : own;
                }
        }
    }

    const int64_t blocks_, runs_, length_, size_, weights_;
    const float epsilon_;
};
