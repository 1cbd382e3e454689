// Softmax cross-entropy with label smoothing (Szegedy et al., 2016) and mixed labels (Zhang et al.,
// 2018), and its gradient.
#pragma once

#include <cmath>

#include "lanes.h"

struct Score {
    double loss;  // summed over images, nats
    int32_t correct;
};

struct Target {
    int64_t label, other;
    float share;  // of label; the rest is other's
};

// logits: (classes) Lanes. Writes grads * weight for `images` images, and zero for those that only
// fill up the tile.
inline Score cross_entropy(const Lanes *logits, const Target *targets, int classes, int images, float smoothing,
                           float weight, Lanes *grads) {
    Score score{0, 0};
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
            all += below;
            sum += grads[c].values()[image] = std::exp(below);
        }
        const auto [label, other, share] = targets[image];
        const float log_sum = std::log(sum), even = smoothing / classes;
        const float certain = (1 - smoothing) * share, rest = (1 - smoothing) * (1 - share);
        const float right = logits[label].values()[image] - largest;
        score.loss += certain * (log_sum - right);
        // A class whose logit is -infinity matters only where it is asked for.
        if (share < 1) score.loss += rest * (log_sum - (logits[other].values()[image] - largest));
        if (smoothing > 0) score.loss += even * (classes * log_sum - all);
        score.correct += best == (share < 0.5f ? other : label);
        for (int c = 0; c < classes; c++) {
            const float target = even + (c == label ? certain : 0.0f);
            grads[c].values()[image] = (grads[c].values()[image] / sum - target) * weight;
        }
        if (share < 1) grads[other].values()[image] -= rest * weight;
    }
    return score;
}
