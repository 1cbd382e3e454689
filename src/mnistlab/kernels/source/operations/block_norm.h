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
#include "../transpose.h"
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
        int64_t block = 0;
        for (; beside() && block + BESIDE <= blocks_; block += BESIDE) forward_beside(at, block);
        for (; block < blocks_; block++) {
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
                        y[i].part[p] = fma(normalised(x[i].part[p], mean.part[p], inverse.part[p]),
                                           scale, shift);
            }
        }
    }

    void backward(const Backward &at) const override {
        float *const *gradients = at.gradients;
        Lanes *to_weight = at.scratch, *to_bias = at.scratch + weights_;
        std::fill_n(at.scratch, scratch(), Lanes{});
        int64_t block = 0;
        for (; beside() && block + BESIDE <= blocks_; block += BESIDE)
            at.add[0] ? backward_beside<true>(at, block) : backward_beside<false>(at, block);
        for (; block < blocks_; block++) backward_block(at, block);
        for (int which = 0; which < 2; which++)
            if (gradients[which])
                totals(which ? to_bias : to_weight, weights_, gradients[which],
                       at.add_gradients[which]);
    }

    int64_t saved() const override { return 2 * blocks_; }
    int64_t scratch() const override { return 2 * weights_; }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    // Blocks at a time, which share their weights and hide how long an addition takes.
    static constexpr int BESIDE = 4;

    // Whether blocks are short and have the same weights, one for each value.
    bool beside() const { return length_ == 1 && size_ <= 256 && (!weights_ || weights_ == size_); }

    void forward_beside(const Forward &at, int64_t block) const {
        const float *weight = at.parameters[0], *bias = at.parameters[1];
        const float share = 1.0f / static_cast<float>(size_);
        const Lanes *x = at.x[0] + block * size_;
        Lanes *y = at.y + block * size_, *saved = at.saved + 2 * block;
        for (int p = 0; p < PARTS; p++) {
            Part mean[BESIDE] = {}, squares[BESIDE] = {}, lost[BESIDE] = {}, inverse[BESIDE];
            if constexpr (CENTRED) {
                for (int64_t i = 0; i < size_; i++)
                    for (int b = 0; b < BESIDE; b++) mean[b] += x[b * size_ + i].part[p];
                for (Part &each : mean) each *= share;
            }
            for (int64_t i = 0; i < size_; i++)
                for (int b = 0; b < BESIDE; b++) {
                    const Part deviation = x[b * size_ + i].part[p] - mean[b];
                    squares[b] = fma(deviation, deviation, squares[b]);
                    lost[b] += deviation;
                }
            for (int b = 0; b < BESIDE; b++) {
                settle(squares[b] * share, lost[b] * share, mean[b], inverse[b]);
                saved[2 * b].part[p] = mean[b];
                saved[2 * b + 1].part[p] = inverse[b];
            }
            for (int64_t i = 0; i < size_; i++) {
                const Part scale = splat(weight ? weight[i] : 1.0f);
                const Part shift = splat(bias ? bias[i] : 0.0f);
                for (int b = 0; b < BESIDE; b++) {
                    const Part z = normalised(x[b * size_ + i].part[p], mean[b], inverse[b]);
                    y[b * size_ + i].part[p] = fma(z, scale, shift);
                }
            }
        }
    }

    // See backward_block.
    template <bool ADD>
    void backward_beside(const Backward &at, int64_t block) const {
        const float *weight = at.parameters[0];
        const float share = 1.0f / static_cast<float>(size_);
        const Lanes *x = at.x[0] + block * size_, *dy = at.dy + block * size_;
        Lanes *dx = at.dx[0] ? at.dx[0] + block * size_ : nullptr, *saved = at.saved + 2 * block;
        Lanes *to_weight = at.scratch, *to_bias = at.scratch + weights_;
        for (int p = 0; p < PARTS; p++) {
            Part mean[BESIDE], inverse[BESIDE], along[BESIDE] = {}, even[BESIDE] = {};
            for (int b = 0; b < BESIDE; b++) {
                mean[b] = saved[2 * b].part[p];
                inverse[b] = saved[2 * b + 1].part[p];
            }
            for (int64_t i = 0; i < size_; i++) {
                const Part scale = splat(weight ? weight[i] : 1.0f);
                Part weights{}, biases{};
                for (int b = 0; b < BESIDE; b++) {
                    const Part grad = dy[b * size_ + i].part[p];
                    const Part z = normalised(x[b * size_ + i].part[p], mean[b], inverse[b]);
                    const Part slope = grad * z;
                    weights += slope;
                    biases += grad;
                    along[b] = fma(slope, scale, along[b]);
                    even[b] = fma(grad, scale, even[b]);
                }
                if (!weights_) continue;
                to_weight[i].part[p] += weights;
                to_bias[i].part[p] += biases;
            }
            if (!dx) continue;
            for (int b = 0; b < BESIDE; b++) {
                along[b] *= share;
                even[b] = CENTRED ? even[b] * share : Part{};
            }
            for (int64_t i = 0; i < size_; i++) {
                const Part scale = splat(weight ? weight[i] : 1.0f);
                for (int b = 0; b < BESIDE; b++) {
                    const Part z = normalised(x[b * size_ + i].part[p], mean[b], inverse[b]);
                    const Part rest = fma(z, along[b], even[b]);
                    const Part own = fma(dy[b * size_ + i].part[p], scale, -rest) * inverse[b];
                    Part &to = dx[b * size_ + i].part[p];
                    to = ADD ? to + own : own;
                }
            }
        }
    }

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
        for (int p = 0; p < PARTS; p++)
            settle(sums.of[0].part[p] * share, sums.of[1].part[p] * share, mean.part[p],
                   inverse.part[p]);
    }

    // square: the mean of the squares of what differs from `mean`. missing: the mean of what
    // differs, which is the mean's rounding error.
    void settle(Part square, Part missing, Part &mean, Part &inverse) const {
        const Part variance = CENTRED ? fma(-missing, missing, square) : square;
        if constexpr (CENTRED) mean += missing;
        inverse = 1.0f / square_root(variance + epsilon_);
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
                    const Part even = CENTRED ? sums.of[1].part[p] : Part{};
                    const Part rest = fma(z, sums.of[0].part[p], even) * share;
                    const Part own = fma(dy[i].part[p], scale, -rest) * inverse.part[p];
                    dx[i].part[p] = at.add[0] ? dx[i].part[p] + own : own;
                }
        }
    }

    const int64_t blocks_, runs_, length_, size_, weights_;
    const float epsilon_;
};
