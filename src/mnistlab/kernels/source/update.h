// Gradients summed over groups of tiles in their order, and the optimiser's step, in one pass over a row.
#pragma once

#include <cmath>

#include "spec.h"

struct Step {
    double rate;
    int64_t number;  // from 1
};

// SGD as PyTorch defines it (Sutskever et al., 2013), with the buffer starting at zero.
inline void sgd(const Optimizer &o, const Step &step, float *value, const float *gradient, float *first, int64_t n) {
    const float rate = static_cast<float>(step.rate), momentum = static_cast<float>(o.momentum);
    const float decay = static_cast<float>(o.weight_decay);
    for (int64_t i = 0; i < n; i++) {
        float grad = gradient[i] + decay * value[i];
        if (first) {
            first[i] = momentum * first[i] + grad;
            grad = o.nesterov ? grad + momentum * first[i] : first[i];
        }
        value[i] -= rate * grad;
    }
}

// Adam (Kingma and Ba, 2015), with the decay added to the gradient, or AdamW (Loshchilov and Hutter,
// 2019), in which it is not.
template <bool DECOUPLED>
void adam(const Optimizer &o, const Step &step, float *value, const float *gradient, float *first,
          float *second, int64_t n) {
    const double bias1 = 1 - std::pow(o.beta1, double(step.number)), bias2 = 1 - std::pow(o.beta2, double(step.number));
    // Differences from 1 are taken before rounding, which would leave few digits of them.
    const float new1 = static_cast<float>(1 - o.beta1), new2 = static_cast<float>(1 - o.beta2);
    const float old2 = static_cast<float>(o.beta2), epsilon = static_cast<float>(o.epsilon);
    const float keep = static_cast<float>(1 - step.rate * o.weight_decay), decay = static_cast<float>(o.weight_decay);
    const float rate = static_cast<float>(step.rate / bias1), root = static_cast<float>(1 / std::sqrt(bias2));
    for (int64_t i = 0; i < n; i++) {
        const float grad = DECOUPLED ? gradient[i] : gradient[i] + decay * value[i];
        first[i] += (grad - first[i]) * new1;
        second[i] = old2 * second[i] + new2 * grad * grad;
        value[i] = (DECOUPLED ? value[i] * keep : value[i]) - rate * first[i] / (std::sqrt(second[i]) * root + epsilon);
    }
}

// partial: the row's gradient in the first group; further groups lie `group_step` floats apart.
inline void update_row(const Parameter &parameter, int64_t row, const float *partial, int64_t group_step, int groups,
                       const Optimizer &o, const Step &step) {
    const int64_t n = parameter.columns, at = row * n;
    float *gradient = parameter.gradient + at, *value = parameter.value + at;
    for (int64_t i = 0; i < n; i++) gradient[i] = partial[i];
    for (int group = 1; group < groups; group++) {
        const float *next = partial + group * group_step;
        for (int64_t i = 0; i < n; i++) gradient[i] += next[i];
    }
    float *first = parameter.first ? parameter.first + at : nullptr;
    if (o.kind == SGD)
        sgd(o, step, value, gradient, first, n);
    else if (o.kind == ADAMW)
        adam<true>(o, step, value, gradient, first, parameter.second + at, n);
    else if (o.kind == ADAM)
        adam<false>(o, step, value, gradient, first, parameter.second + at, n);
    if (o.kind != NO_UPDATE && o.average_decay > 0) {
        float *average = parameter.average + at;
        const float share = static_cast<float>(1 - o.average_decay);
        for (int64_t i = 0; i < n; i++) average[i] += (value[i] - average[i]) * share;
    }
}
