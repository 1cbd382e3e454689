// Plan: a network laid out once, then run over tiles of 16 images.
//
// A fused op with batch normalisation needs the statistics of the whole batch, so it ends a phase.
// Within a phase each tile is computed by one thread; between phases the threads meet at a barrier.
// Tiles are assigned to a fixed number of groups, each of which sums its gradients in tile order,
// and groups are summed in order, so the result does not depend on the number of threads.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include "convolution.h"
#include "norm.h"
#include "spec.h"

constexpr int MOST_GROUPS = 16;

// Where a value's gradient is stored. The gradient of a value with one consumer overwrites the
// value, which is not needed any more: half the memory, and a whole tile fits into the cache.
enum class Area { VALUE, LOCAL, KEPT };  // local: one a thread; kept: lives from phase to phase, so one a tile

struct Place {
    Area area;
    int64_t at;  // in Lanes
};

// Where a parameter's gradient is stored within a group's sums.
struct Row {
    int32_t parameter;
    int64_t row, at;  // at: in floats
    bool shared;      // summed over all groups already
};

struct Plan {
    std::vector<Layer> layers;
    std::vector<std::unique_ptr<Convolution>> convolutions;  // per layer; null for other kinds
    std::vector<int> phase;                                  // per layer, of its forward pass
    std::vector<int> norms;                                  // layers that are fused ops with batch normalisation, in order
    std::vector<int64_t> moments_at;                         // per fused op with batch normalisation
    std::vector<int64_t> values;                             // per value, offset in Lanes
    std::vector<Place> grads;                               // per value
    std::vector<bool> needs_grad, add_input, add_other;          // per value; per layer
    std::vector<Row> rows;
    std::vector<int64_t> gradient_at, gradient_step;         // per parameter, in floats
    int64_t values_size = 0, local_size = 0, kept_size = 0, scratch_size = 0, moments_size = 0, gradients_size = 0;
    Shape input;
    int32_t classes;

    Plan(const Layer *first, int count, int parameter_count, Shape input, int32_t classes)
        : layers(first, first + count), input(input), classes(classes) {
        for (int k = 0; k < count; k++) {
            const Layer &layer = layers[k];
            if (batch_norm(k)) {
                norms.push_back(k);
                moments_at.push_back(moments_size);
                moments_size += layer.in.channels;
            }
            phase.push_back(static_cast<int>(norms.size()));
            convolutions.push_back(layer.kind == CONVOLUTION ? std::make_unique<Convolution>(layer) : nullptr);
            if (convolutions[k]) scratch_size = std::max(scratch_size, convolutions[k]->scratch());
        }
        place_values();
        place_grads();
        place_gradients(parameter_count);
    }

    bool batch_norm(int k) const { return layers[k].kind == FUSED && layers[k].batch_norm; }
    int last() const { return static_cast<int>(layers.size()); }  // the logits' value
    int phases() const { return static_cast<int>(norms.size()); }

   private:
    void place_values() {
        values.push_back(0);
        values_size = input.size();
        for (const Layer &layer : layers) {
            values.push_back(values_size);
            values_size += layer.out.size();
        }
    }

    void place_grads() {
        const int count = static_cast<int>(layers.size());
        needs_grad.assign(count + 1, false);
        std::vector<bool> written(count + 1, false);
        std::vector<std::set<int>> touched(count + 1);  // phases in which a value's gradient is written or read
        std::vector<int> consumers(count + 1, 0);
        add_input.assign(count, false);
        add_other.assign(count, false);
        for (int k = 0; k < count; k++) {
            const Layer &layer = layers[k];
            needs_grad[k + 1] = layer.kind == CONVOLUTION || batch_norm(k) || needs_grad[layer.input] ||
                            (layer.kind == ADDITION && needs_grad[layer.other]);
        }
        touched[count].insert(phases());
        for (int k = count - 1; k >= 0; k--) {
            const Layer &layer = layers[k];
            const int gives = batch_norm(k) ? phase[k] - 1 : phase[k];
            touched[k + 1].insert(phase[k]);
            touched[k + 1].insert(gives);
            touched[layer.input].insert(gives);
            consumers[layer.input]++;
            add_input[k] = written[layer.input];
            written[layer.input] = true;
            if (layer.kind != ADDITION) continue;
            touched[layer.other].insert(gives);
            consumers[layer.other]++;
            add_other[k] = written[layer.other];
            written[layer.other] = true;
        }
        for (int v = 0; v <= count; v++) {
            if (consumers[v] == 1) {
                grads.push_back({Area::VALUE, values[v]});
                continue;
            }
            const bool kept = touched[v].size() > 1;
            int64_t &size = kept ? kept_size : local_size;
            grads.push_back({kept ? Area::KEPT : Area::LOCAL, size});
            size += v ? layers[v - 1].out.size() : 0;  // the image has no gradient
        }
    }

    void place_gradients(int parameter_count) {
        gradient_at.assign(parameter_count, -1);
        gradient_step.assign(parameter_count, 0);
        const auto place = [&](int parameter, int64_t row_count, int64_t step, bool shared) {
            if (parameter < 0) return;
            gradient_at[parameter] = gradients_size;
            gradient_step[parameter] = step;
            for (int64_t row = 0; row < row_count; row++)
                rows.push_back({parameter, row, gradients_size + row * step, shared});
            gradients_size += (row_count * step + LANES - 1) / LANES * LANES;
        };
        for (size_t k = 0; k < layers.size(); k++) {
            const Layer &layer = layers[k];
            if (convolutions[k]) place(layer.weight, layer.out.channels, convolutions[k]->gradient_step(), false);
            const int64_t channels = convolutions[k] ? layer.out.channels : layer.in.channels;
            if (!convolutions[k]) place(layer.weight, 1, channels, true);
            place(layer.bias, 1, channels, !convolutions[k]);
        }
    }
};
