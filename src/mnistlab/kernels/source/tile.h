// One tile of 16 images on its way through the network and back, as a member of its crew sees it.
#pragma once

#include "workspace.h"

struct Tile {
    const Plan &plan;
    Bench &bench;   // the member's own
    Bench &common;  // the first member's, where all compute
    Crew crew;
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
                return common.local.data() + place.at;
            case Area::KEPT:
                return kept + place.at;
            default:
                return nullptr;
        }
    }

    void forward(int k) const {
        run(k, Pass::FORWARD,
            [&](const Crew &by) { plan.nodes[k].operation->forward(forward_call(k, by)); });
    }

    void measure(int k, Moments *moments) const {
        run(k, Pass::MEASURE,
            [&](const Crew &by) { plan.nodes[k].batch->measure(forward_call(k, by), moments); });
    }

    void measure_gradients(int k, Moments *moments) const {
        if (!grad(k + 1)) return;
        run(k, Pass::MEASURE_GRADIENTS, [&](const Crew &by) {
            plan.nodes[k].batch->measure_gradients(backward_call(k, by), moments);
        });
    }

    // From the gradient of value k + 1 to those of the operation's inputs and parameters.
    void backward(int k) const {
        if (!grad(k + 1)) return;
        const Node &node = plan.nodes[k];
        run(k, Pass::BACKWARD,
            [&](const Crew &by) { node.operation->backward(backward_call(k, by)); });
        for (size_t i = 0; i < node.inputs.size(); i++)
            if (node.temporary[i] >= 0) add_temporary(k, static_cast<int>(i));
    }

    // What one member does, while the others go on to what they do together.
    template <class Body>
    void once(const Body &body) const {
        if (crew.first()) body();
        bench.behind = true;
    }

    // What all do together, after which each may go on.
    template <class Body>
    void together(const Body &body) const {
        if (bench.behind) meet();
        bench.behind = false;
        body();
        meet();
    }

   private:
    void meet() const {
        if (crew.alone()) return;
        const Timed timed(bench.profile, Pass::WAIT);
        const auto start = Trial::Clock::now();
        crew.meet();
        bench.waited += Trial::Clock::now() - start;
    }

    template <class Body>
    void run(int k, Pass pass, const Body &body) const {
        const auto timed = [&](const Crew &by) {
            const Timed timed(bench.profile, pass, k);
            body(by);
        };
        if (plan.nodes[k].operation->splits()) together([&] { timed(crew); });
        else once([&] { timed(Crew{}); });
    }

    Lanes *temporary(const Node &node, int input) const {
        return common.scratch.data() + node.operation->scratch() + node.temporary[input];
    }

    void add_temporary(int k, int input) const {
        const Node &node = plan.nodes[k];
        const Lanes *const from = temporary(node, input);
        Lanes *const to = grad(node.inputs[input]);
        run(k, Pass::BACKWARD, [&](const Crew &by) {
            const Share mine = by.share(plan.size(node.inputs[input]));
            for (int64_t at = mine.begin; at < mine.end; at++)
                for (int p = 0; p < PARTS; p++) to[at].part[p] += from[at].part[p];
        });
    }

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

    Forward forward_call(int k, const Crew &by) const {
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
                state(node),
                by};
    }

    Backward backward_call(int k, const Crew &by) const {
        const Node &node = plan.nodes[k];
        fill(node);
        for (size_t i = 0; i < node.inputs.size(); i++) {
            const bool apart = node.temporary[i] >= 0;
            bench.dx[i] = apart ? temporary(node, static_cast<int>(i)) : grad(node.inputs[i]);
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
                state(node),
                by};
    }
};
