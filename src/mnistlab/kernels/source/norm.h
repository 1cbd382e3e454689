// Batch normalisation (Ioffe and Szegedy, 2015) of a batch that lies in tiles: sums per tile,
// joined in tile order.
#pragma once

#include <cmath>
#include <vector>

#include "fused.h"

// One channel of one tile: forward the mean and the sum of squared deviations, backward sum(dz) and
// sum(dz * x^).
struct Moments {
    double first, second;
};

// One thread's state of one fused op with batch normalisation during a step; every thread computes the same.
struct Norm {
    std::vector<float> mean, inverse, scale, shift, grad, projection;

    explicit Norm(int channels)
        : mean(channels), inverse(channels), scale(channels), shift(channels), grad(channels), projection(channels) {}
};

// present: 1 for the tile's real images, 0 for those that only fill it up.
inline void measure(const Layer &layer, const Lanes *x, const Lanes &present, int images, Moments *moments) {
    const int64_t positions = int64_t(layer.in.height) * layer.in.width;
    const double count = double(images) * positions;
    for (int c = 0; c < layer.in.channels; c++, x += positions) {
        Part sum{};
        for (int64_t i = 0; i < positions; i++)
            for (int p = 0; p < PARTS; p++) sum += x[i].part[p] * present.part[p];
        const double mean = total(sum) / count;
        const Part centre = splat(static_cast<float>(mean));
        Part squares{}, rest{};
        for (int64_t i = 0; i < positions; i++)
            for (int p = 0; p < PARTS; p++) {
                const Part deviation = (x[i].part[p] - centre) * present.part[p];
                squares += deviation * deviation;
                rest += deviation;
            }
        // Corrects for the rounding of the mean to float32.
        const double missing = total(rest) / count, rounded = static_cast<float>(mean);
        moments[c] = {rounded + missing, total(squares) - missing * missing * count};
    }
}

// Joins the tiles' moments (Chan, Golub and LeVeque, 1983) and prepares scale and shift; updates
// running averages if asked. `moments` has `stride` entries a tile.
inline void join(const Layer &layer, const Moments *moments, int64_t stride, int64_t images, const float *gamma,
                 const float *beta, float *running_mean, float *running_variance, bool update, Norm &norm) {
    const double positions = double(layer.in.height) * layer.in.width, count = positions * images;
    for (int c = 0; c < layer.in.channels; c++) {
        double mean = 0, squares = 0, seen = 0;
        for (int64_t first = 0, tile = 0; first < images; first += LANES, tile++) {
            const double here = positions * (images - first < LANES ? images - first : LANES);
            const Moments &part = moments[tile * stride + c];
            const double delta = part.first - mean;
            mean += delta * here / (seen + here);
            squares += part.second + delta * delta * seen * here / (seen + here);
            seen += here;
        }
        const double variance = squares / count;
        norm.mean[c] = static_cast<float>(mean);
        norm.inverse[c] = static_cast<float>(1 / std::sqrt(variance + layer.epsilon));
        norm.scale[c] = norm.inverse[c] * (gamma ? gamma[c] : 1.0f);
        norm.shift[c] = (beta ? beta[c] : 0.0f) - norm.mean[c] * norm.scale[c];
        if (!update) continue;
        const double unbiased = squares / (count - 1), momentum = layer.momentum;
        running_mean[c] = static_cast<float>((1 - momentum) * running_mean[c] + momentum * mean);
        running_variance[c] = static_cast<float>((1 - momentum) * running_variance[c] + momentum * unbiased);
    }
}

// Scale and shift from the running averages, as evaluation uses them.
inline void settle(const Layer &layer, const float *gamma, const float *beta, const float *running_mean,
                   const float *running_variance, Norm &norm) {
    for (int c = 0; c < layer.in.channels; c++) {
        norm.scale[c] = (gamma ? gamma[c] : 1.0f) / std::sqrt(running_variance[c] + layer.epsilon);
        norm.shift[c] = (beta ? beta[c] : 0.0f) - running_mean[c] * norm.scale[c];
    }
}

// Needs room for two sums a channel.
inline void measure_grads(const Layer &layer, const Lanes *x, const Lanes *dy, const Norm &norm, Part *sums,
                           Moments *moments) {
    std::fill(sums, sums + 2 * layer.in.channels, Part{});
    fused_backward(layer, x, dy, norm.scale.data(), norm.shift.data(),
                   [&](int c, int64_t, int, Part value, Part grad) {
                       sums[2 * c] += grad;
                       sums[2 * c + 1] += grad * ((value - norm.mean[c]) * norm.inverse[c]);
                   });
    for (int c = 0; c < layer.in.channels; c++) moments[c] = {total(sums[2 * c]), total(sums[2 * c + 1])};
}

// Joins the tiles' sums; gives the parameters' gradients if asked.
inline void join_grads(const Layer &layer, const Moments *moments, int64_t stride, int64_t images, float *dgamma,
                        float *dbeta, Norm &norm) {
    const double count = double(layer.in.height) * layer.in.width * images;
    for (int c = 0; c < layer.in.channels; c++) {
        double grad = 0, projection = 0;
        for (int64_t first = 0, tile = 0; first < images; first += LANES, tile++) {
            grad += moments[tile * stride + c].first;
            projection += moments[tile * stride + c].second;
        }
        if (dgamma) dgamma[c] = static_cast<float>(projection);
        if (dbeta) dbeta[c] = static_cast<float>(grad);
        norm.grad[c] = static_cast<float>(grad / count);
        norm.projection[c] = static_cast<float>(projection / count);
    }
}

inline void norm_backward(const Layer &layer, const Lanes *x, const Lanes *dy, const Norm &norm, const Lanes &present,
                          Lanes *dx, bool add) {
    fused_backward(layer, x, dy, norm.scale.data(), norm.shift.data(),
                   [&](int c, int64_t i, int p, Part value, Part grad) {
                       const Part centred = (value - norm.mean[c]) * norm.inverse[c];
                       const Part result = (grad - norm.grad[c] - centred * norm.projection[c]) *
                                           (norm.scale[c] * present.part[p]);
                       dx[i].part[p] = add ? dx[i].part[p] + result : result;
                   });
}
