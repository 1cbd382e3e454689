// Gradients summed over groups of tiles in their order, and the optimiser's step, in one pass over
// a row.
#pragma once

#include "batch_run.h"
#include "scalar_math.h"

struct Optimizer {
    enum Kind { NONE = 0, SGD = 1, ADAM = 2, ADAMW = 3 };

    Kind kind;
    bool nesterov;
    double momentum, weight_decay, beta1, beta2, epsilon,
        average_decay;   // average_decay 0: no average
    int64_t steps_done;  // before this call's first batch
    float *const *first, *const *second,
                             *const *averages;  // per parameter: momentum or first moment, second
                                                // moment, average of the weights; or null

    explicit Optimizer(Arguments &given)
        : kind(static_cast<Kind>(given.integer("optimizer"))),
          nesterov(given.integer("nesterov")),
          momentum(given.number("momentum")),
          weight_decay(given.number("weight_decay")),
          beta1(given.number("beta1")),
          beta2(given.number("beta2")),
          epsilon(given.number("epsilon")),
          average_decay(given.number("average_decay")),
          steps_done(given.integer("steps_done")),
          first(given.array<float *const>("first_moments")),
          second(given.array<float *const>("second_moments")),
          averages(given.array<float *const>("averages")) {}
};

struct Step {
    double rate;
    int64_t number;  // from 1
};

// SGD as PyTorch defines it (Sutskever et al., 2013), with the buffer starting at zero.
inline void sgd(const Optimizer &o, const Step &step, float *value, const float *gradient,
                float *first, int64_t n) {
    const float rate = static_cast<float>(step.rate), momentum = static_cast<float>(o.momentum);
    const float decay = static_cast<float>(o.weight_decay);
    for (int64_t i = 0; i < n; i++) {
        float grad = scalar::fma(decay, value[i], gradient[i]);
        if (first) {
            first[i] = scalar::fma(momentum, first[i], grad);
            grad = o.nesterov ? scalar::fma(momentum, first[i], grad) : first[i];
        }
        value[i] = scalar::fma(-rate, grad, value[i]);
    }
}

// Adam (Kingma and Ba, 2015), with the decay added to the gradient, or AdamW (Loshchilov and
// Hutter, 2019), in which it is not.
template <bool DECOUPLED>
void adam(const Optimizer &o, const Step &step, float *value, const float *gradient, float *first,
          float *second, int64_t n) {
    const double bias1 = 1 - scalar::power(o.beta1, step.number),
                 bias2 = 1 - scalar::power(o.beta2, step.number);
    // Differences from 1 are taken before rounding, which would leave few digits of them.
    const float new1 = static_cast<float>(1 - o.beta1), new2 = static_cast<float>(1 - o.beta2);
    const float old2 = static_cast<float>(o.beta2), epsilon = static_cast<float>(o.epsilon);
    const float keep = static_cast<float>(1 - step.rate * o.weight_decay),
                decay = static_cast<float>(o.weight_decay);
    const float rate = static_cast<float>(step.rate / bias1),
                root = static_cast<float>(1 / std::sqrt(bias2));
    for (int64_t i = 0; i < n; i++) {
        const float grad = DECOUPLED ? gradient[i] : scalar::fma(decay, value[i], gradient[i]);
        first[i] = scalar::fma(grad - first[i], new1, first[i]);
        second[i] = scalar::fma(old2, second[i], new2 * grad * grad);
        value[i] = (DECOUPLED ? value[i] * keep : value[i]) -
                   rate * first[i] / scalar::fma(std::sqrt(second[i]), root, epsilon);
    }
}

// The gradient of a row, summed over groups, which lie `step` floats apart.
inline void sum_row(const Row &row, int64_t columns, const float *groups, int64_t step,
                    int group_count, const Tensors &tensors) {
    float *const gradient = tensors.gradients[row.parameter] + row.row * columns;
    const float *partial = groups + row.at;
    for (int64_t i = 0; i < columns; i++) gradient[i] = partial[i];
    for (int group = 1; group < (row.shared ? 1 : group_count); group++) {
        partial += step;
        for (int64_t i = 0; i < columns; i++) gradient[i] += partial[i];
    }
}

inline void update_row(const Row &row, int64_t n, const Tensors &tensors, const Optimizer &o,
                       const Step &step) {
    if (o.kind == Optimizer::NONE) return;
    const int64_t at = row.row * n;
    const float *const gradient = tensors.gradients[row.parameter] + at;
    float *const value = const_cast<float *>(tensors.parameters[row.parameter]) + at;
    float *const first = o.first && o.first[row.parameter] ? o.first[row.parameter] + at : nullptr;
    if (o.kind == Optimizer::SGD) sgd(o, step, value, gradient, first, n);
    else if (o.kind == Optimizer::ADAMW)
        adam<true>(o, step, value, gradient, first, o.second[row.parameter] + at, n);
    else adam<false>(o, step, value, gradient, first, o.second[row.parameter] + at, n);
    if (o.average_decay > 0) {
        float *const average = o.averages[row.parameter] + at;
        const float share = static_cast<float>(1 - o.average_decay);
        for (int64_t i = 0; i < n; i++)
            average[i] = scalar::fma(value[i] - average[i], share, average[i]);
    }
}
