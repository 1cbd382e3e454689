// One tile of 16 images on its way through the network and back.
#pragma once

#include "input.h"
#include "philox.h"
#include "plan.h"

struct Tile {
    const Plan &plan;
    const Parameter *parameters;
    std::vector<Norm> &norms;   // per fused op with batch normalisation
    Part *sums;                 // two a channel of the widest of them
    Lanes *values, *local, *kept, *scratch;
    float *gradients;           // of the tile's group
    bool add;                   // to what the group has summed so far
    int images;                 // real ones
    int64_t position;           // of the first, within the batch
    uint64_t dropout_seed;
    bool training;

    Lanes *value(int v) const { return values + plan.values[v]; }
    Lanes *grad(int v) const {
        const Place &place = plan.grads[v];
        return (place.area == Area::VALUE ? values : place.area == Area::KEPT ? kept : local) + place.at;
    }
    const float *parameter(int index) const { return index < 0 ? nullptr : parameters[index].value; }

    float *gradient(int index) const {
        return index < 0 || !parameters[index].gradient ? nullptr : gradients + plan.gradient_at[index];
    }

    Lanes present() const {
        Lanes result{};
        for (int image = 0; image < images; image++) result.values()[image] = 1;
        return result;
    }

    void forward(int k) const {
        const Layer &layer = plan.layers[k];
        const Lanes *x = value(layer.input);
        Lanes *y = value(k + 1);
        switch (layer.kind) {
            case CONVOLUTION:
                return plan.convolutions[k]->forward(x, parameter(layer.weight), parameter(layer.bias), y, scratch);
            case FUSED: {
                const Norm *norm = layer.batch_norm ? &norms[plan.phase[k] - 1] : nullptr;
                return fused_forward(layer, x, y, norm ? norm->scale.data() : nullptr,
                                     norm ? norm->shift.data() : nullptr);
            }
            case GLOBAL_AVERAGE: return average(layer, x, y);
            case DROPOUT: return drop(k, x, y, false);
            default: return combine(layer.out.size(), x, value(layer.other), y);
        }
    }

    // From the gradient of value k + 1 to those of the layer's inputs and parameters; for a fused
    // op with batch normalisation, only the first half.
    void backward(int k) const {
        const Layer &layer = plan.layers[k];
        const Lanes *x = value(layer.input), *dy = grad(k + 1);
        Lanes *dx = grad(layer.input);
        const bool wanted = plan.needs_grad[layer.input], more = plan.add_input[k];
        switch (layer.kind) {
            case CONVOLUTION:
                plan.convolutions[k]->to_weights(x, dy, gradient(layer.weight), gradient(layer.bias), scratch, add);
                if (wanted) plan.convolutions[k]->to_input(dy, parameter(layer.weight), dx, scratch, more);
                return;
            case FUSED:
                if (wanted)
                    fused_backward(layer, x, dy, nullptr, nullptr, [&](int, int64_t i, int p, Part, Part grad) {
                        dx[i].part[p] = more ? dx[i].part[p] + grad : grad;
                    });
                return;
            case GLOBAL_AVERAGE:
                if (wanted) spread(layer, dy, dx, more);
                return;
            case DROPOUT:
                if (wanted) drop(k, dy, dx, more);
                return;
            default:
                if (wanted) pass(layer.out.size(), dy, dx, more);
                if (plan.needs_grad[layer.other]) pass(layer.out.size(), dy, grad(layer.other), plan.add_other[k]);
        }
    }

   private:
    static void combine(int64_t size, const Lanes *a, const Lanes *b, Lanes *y) {
        for (int64_t i = 0; i < size; i++)
            for (int p = 0; p < PARTS; p++) y[i].part[p] = a[i].part[p] + b[i].part[p];
    }

    static void pass(int64_t size, const Lanes *dy, Lanes *dx, bool more) {
        if (more) return combine(size, dx, dy, dx);
        std::copy_n(dy, size, dx);
    }

    static void average(const Layer &layer, const Lanes *x, Lanes *y) {
        const int positions = layer.in.height * layer.in.width;
        for (int c = 0; c < layer.in.channels; c++)
            for (int p = 0; p < PARTS; p++) {
                Part sum{};
                for (int i = 0; i < positions; i++) sum += x[c * positions + i].part[p];
                y[c].part[p] = sum * (1.0f / positions);
            }
    }

    static void spread(const Layer &layer, const Lanes *dy, Lanes *dx, bool more) {
        const int positions = layer.in.height * layer.in.width;
        for (int c = 0; c < layer.in.channels; c++)
            for (int i = 0; i < positions; i++, dx++)
                for (int p = 0; p < PARTS; p++) {
                    const Part share = dy[c].part[p] * (1.0f / positions);
                    dx->part[p] = more ? dx->part[p] + share : share;
                }
    }

    // Inverted dropout (Srivastava et al., 2014); value i of the image at a position of the batch
    // always gets the same random number: word i % 4 of Philox at (i / 4, position, layer, 0).
    void drop(int k, const Lanes *x, Lanes *y, bool more) const {
        const Layer &layer = plan.layers[k];
        const int64_t size = layer.out.size();
        if (!training) return pass(size, x, y, more);
        const float keep = 1 / (1 - layer.drop);
        const double threshold = double(layer.drop) * 4294967296.0;
        for (int64_t i = 0; i < size; i += 4) {
            Philox draws[LANES];
            for (int image = 0; image < LANES; image++)
                draws[image] = philox(dropout_seed, static_cast<uint32_t>(i / 4),
                                      static_cast<uint32_t>(position + image), static_cast<uint32_t>(k), 0);
            for (int64_t j = i; j < std::min(i + 4, size); j++)
                for (int image = 0; image < LANES; image++) {
                    const float factor = draws[image].word[j - i] < threshold ? 0.0f : keep;
                    float &to = y[j].values()[image];
                    to = x[j].values()[image] * factor + (more ? to : 0.0f);
                }
        }
    }
};
