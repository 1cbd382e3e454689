// One tile of 16 images on its way through the network and back.
#pragma once

#include "workspace.h"

struct Tile {
    const Plan &plan;
    Bench &bench;
    const float *const *parameters;
    float *const *parameter_gradients;  // null where none is wanted
    void *const *buffers;
    Lanes *values, *kept;
    float *gradients;  // of the tile's group
    bool add;          // to what the group has summed so far
    int images;        // real ones
    int64_t position;  // of the first, within the batch
    uint64_t dropout_seed;
    bool training;

    Lanes *value(int v) const { return values + plan.values[v]; }

    // Null where none is wanted.
    Lanes *grad(int v) const {
        const Place &place = plan.grads[v];
        switch (place.area) {
            case Area::VALUE:
                return values + place.at;
            case Area::LOCAL:
                return bench.local.data() + place.at;
            case Area::KEPT:
                return kept + place.at;
            default:
                return nullptr;
        }
    }

    void forward(int k) const {
        const Timed timed(bench.profile, Pass::FORWARD, k);
        plan.nodes[k].operation->forward(forward_call(k));
    }

    void measure(int k, Moments *moments) const {
        const Timed timed(bench.profile, Pass::MEASURE, k);
        plan.nodes[k].batch->measure(forward_call(k), moments);
    }

    void measure_gradients(int k, Moments *moments) const {
        if (!grad(k + 1)) return;
        const Timed timed(bench.profile, Pass::MEASURE_GRADIENTS, k);
        plan.nodes[k].batch->measure_gradients(backward_call(k), moments);
    }

    // From the gradient of value k + 1 to those of the operation's inputs and parameters.
    void backward(int k) const {
        if (!grad(k + 1)) return;
        const Timed timed(bench.profile, Pass::BACKWARD, k);
        const Node &node = plan.nodes[k];
        node.operation->backward(backward_call(k));
        for (size_t i = 0; i < node.inputs.size(); i++) {
            if (node.temporary[i] < 0) continue;
            Lanes *const to = grad(node.inputs[i]);
            const int64_t size = plan.size(node.inputs[i]);
            for (int64_t at = 0; at < size; at++)
                for (int p = 0; p < PARTS; p++) to[at].part[p] += bench.dx[i][at].part[p];
        }
    }

   private:
    void fill(const Node &node) const {
        for (size_t i = 0; i < node.inputs.size(); i++) bench.x[i] = value(node.inputs[i]);
        for (size_t i = 0; i < node.parameters.size(); i++)
            bench.parameters[i] = node.parameters[i] < 0 ? nullptr : parameters[node.parameters[i]];
        for (size_t i = 0; i < node.buffers.size(); i++)
            bench.buffers[i] = node.buffers[i] < 0 ? nullptr : buffers[node.buffers[i]];
    }

    // After fill().
    const Lanes *prepared(int k) const {
        Lanes *const memory = bench.prepared.data() + plan.nodes[k].prepared_at;
        if (!bench.ready[k]) plan.nodes[k].operation->prepare(bench.parameters.data(), memory);
        bench.ready[k] = 1;
        return memory;
    }

    float *state(const Node &node) const { return bench.state.data() + node.state_at; }

    Forward forward_call(int k) const {
        const Node &node = plan.nodes[k];
        fill(node);
        return {bench.x.data(),
                value(k + 1),
                bench.parameters.data(),
                bench.buffers.data(),
                bench.scratch.data(),
                values + node.saved_at,
                prepared(k),
                images,
                training,
                position,
                dropout_seed,
                k,
                state(node)};
    }

    Backward backward_call(int k) const {
        const Node &node = plan.nodes[k];
        fill(node);
        Lanes *const temporaries = bench.scratch.data() + node.operation->scratch();
        for (size_t i = 0; i < node.inputs.size(); i++) {
            const bool apart = node.temporary[i] >= 0;
            bench.dx[i] = apart ? temporaries + node.temporary[i] : grad(node.inputs[i]);
            bench.add[i] = node.add[i] && !apart;
        }
        for (size_t i = 0; i < node.parameters.size(); i++) {
            const int parameter = node.parameters[i];
            const bool wanted = parameter >= 0 && parameter_gradients[parameter];
            bench.gradients[i] = wanted ? gradients + plan.parameters[parameter].at : nullptr;
            bench.add_gradients[i] = add || !node.first[i];
        }
        return {bench.x.data(),
                value(k + 1),
                grad(k + 1),
                bench.dx.data(),
                bench.add.get(),
                bench.parameters.data(),
                bench.gradients.data(),
                bench.add_gradients.get(),
                bench.buffers.data(),
                bench.scratch.data(),
                values + node.saved_at,
                prepared(k),
                images,
                position,
                dropout_seed,
                k,
                state(node)};
    }
};
