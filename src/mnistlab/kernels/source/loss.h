// Softmax cross-entropy with label smoothing (Szegedy et al., 2016), mixed labels (Zhang et al., 2018)
// and weights of classes, as PyTorch defines them, and its gradient.
#pragma once

#include <cmath>
#include <numeric>

#include "lanes.h"

struct Score {
    double loss;  // summed over images, nats
    int32_t correct;
};

struct Target {
    int64_t label, other;
    float share;  // of label; the rest is other's
};

// logits: (classes) Lanes. Writes grads * scale for `images` images, and zero for those that only
// fill up the tile. weights: (classes), or null.
inline Score cross_entropy(const Lanes *logits, const Target *targets, int classes, int images, float smoothing,
                           const float *weights, float scale, Lanes *grads) {
    Score score{0, 0};
    const auto weight = [&](int64_t c) { return weights ? weights[c] : 1.0f; };
    float whole = static_cast<float>(classes);  // the weights' sum
    if (weights) whole = std::accumulate(weights, weights + classes, 0.0f);
    for (int image = 0; image < LANES; image++) {
        if (image >= images) {
            for (int c = 0; c < classes; c++) grads[c].values()[image] = 0;
            continue;
        }
        int best = 0;
        for (int c = 1; c < classes; c++)
            if (logits[c].values()[image] > logits[best].values()[image]) best = c;
        const float largest = logits[best].values()[image];
        float sum = 0, all = 0;
        for (int c = 0; c < classes; c++) {
            const float below = logits[c].values()[image] - largest;
            all += weight(c) * below;
            sum += grads[c].values()[image] = std::exp(below);
        }
        const auto [label, other, share] = targets[image];
        const float log_sum = std::log(sum), even = smoothing / classes;
        const float certain = weight(label) * ((1 - smoothing) * share);
        const float rest = weight(other) * ((1 - smoothing) * (1 - share));
        // What the targets come to; without weights they are a distribution.
        const float sum_targets = weights ? certain + rest + even * whole : 1.0f;
        const float right = logits[label].values()[image] - largest;
        score.loss += certain * (log_sum - right);
        // A class whose logit is -infinity matters only where it is asked for.
        if (share < 1) score.loss += rest * (log_sum - (logits[other].values()[image] - largest));
        if (smoothing > 0) score.loss += even * (whole * log_sum - all);
        score.correct += best == (share < 0.5f ? other : label);
        for (int c = 0; c < classes; c++) {
            const float target = even * weight(c) + (c == label ? certain : 0.0f);
            grads[c].values()[image] = (grads[c].values()[image] / sum * sum_targets - target) * scale;
        }
        if (share < 1) grads[other].values()[image] -= rest * scale;
    }
    return score;
}
