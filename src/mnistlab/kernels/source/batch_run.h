// BatchRun: one batch at a time through a network and back, by a team of threads.
//
// Every member of the team calls the same functions, which meet at barriers inside.
#pragma once

#include "team.h"
#include "tile.h"

// The tensors of a network, by the plan's indices.
struct Tensors {
    const float *const *parameters;
    float *const *gradients;  // null where none is wanted
    void *const *buffers;
};

inline Tensors read_tensors(Arguments &given) {
    return {given.needed<const float *const>("parameters"), given.needed<float *const>("gradients"),
            given.needed<void *const>("buffers")};
}

inline int read_threads(Arguments &given) {
    const int64_t threads = given.integer("threads");
    if (threads < 1 || threads > 4096)
        throw std::invalid_argument("not as many as " + std::to_string(threads) + " threads");
    return static_cast<int>(threads);
}

class BatchRun {
   public:
    // largest: images of the largest batch. apart: the backward pass is a call of its own.
    BatchRun(const Plan &plan, const Tensors &tensors, Workspace &space, int64_t largest,
             int threads, int grid, bool apart)
        : plan_(plan),
          tensors_(tensors),
          space_(space),
          threads_(threads),
          apart_(apart || plan.phases()),
          crews_(threads) {
        barrier_.expect(threads, threads);
        space.fit(plan, tiles_for(largest), groups_for(tiles_for(largest)), threads, grid, apart_);
        for (int phase = 0; phase <= plan.phases(); phase++) {
            forward_.push_back(std::make_unique<Pieces>(threads));
            backward_.push_back(std::make_unique<Pieces>(threads));
        }
    }

    static int64_t tiles_for(int64_t images) { return (images + LANES - 1) / LANES; }
    static int groups_for(int64_t tiles) {
        return static_cast<int>(std::min<int64_t>(tiles, MOST_GROUPS));
    }

    // Before a batch, by one thread while the others wait. update: buffers such as running
    // averages.
    void start(int64_t images, uint64_t dropout_seed) {
        images_ = images;
        dropout_seed_ = dropout_seed;
        for (auto &bench : space_.benches) {
            std::fill(bench->ready.begin(), bench->ready.end(), 0);
            bench->waited = {};
        }
        crews_.divide(space_.trial.begin() ? groups() : threads_);
        if (!crews_.single()) return;
        for (auto *phases : {&forward_, &backward_})
            for (auto &pieces : *phases) pieces->deal(groups());
    }

    // After a batch, likewise.
    void end() {
        Trial::Clock::duration waited{};
        for (auto &bench : space_.benches) waited += bench->waited;
        space_.trial.end(waited, threads_);
    }

    // load(view), by all of a crew, fills value 0; finish(tile, view), by one, takes the outputs,
    // and gives their gradients if `back`, which then go back as far as the last phase begins while
    // the tile is in the cache.
    template <class Load, class Finish>
    void forward(int member, const Load &load, const Finish &finish, bool back) {
        for (int phase = 0; phase <= plan_.phases(); phase++) {
            if (phase) {
                meet(member);
                join(phase - 1, member);
            }
            each_tile(*forward_[phase], member, [&](int64_t tile, const Tile &view) {
                if (phase == 0) view.together([&] { load(view); });
                forward_phase(phase, tile, view);
                if (phase < plan_.phases()) return;
                view.once([&] { finish(tile, view); });
                if (back) backward_phase(phase, tile, view);
            });
        }
    }

    // begin(view) gives the outputs' gradients unless forward did with `back`; end(view) takes
    // value 0's.
    template <class Begin, class End>
    void backward(int member, const Begin &begin, const End &end, bool done) {
        for (int phase = plan_.phases() - (done ? 1 : 0); phase >= 0; phase--) {
            if (phase < plan_.phases()) {
                meet(member);
                join_gradients(phase, member);
            }
            each_tile(*backward_[phase], member, [&](int64_t tile, const Tile &view) {
                if (phase == plan_.phases()) view.once([&] { begin(view); });
                backward_phase(phase, tile, view);
                if (phase == 0) view.once([&] { end(view); });
            });
        }
        meet(member);
    }

    void meet(int member) {
        const Timed timed(profile(member), Pass::WAIT);
        barrier_.meet();
    }

    Profile &profile(int member) { return space_.benches[member]->profile; }
    int64_t tiles() const { return tiles_for(images_); }
    int threads() const { return threads_; }
    int groups() const { return groups_for(tiles()); }

    float *gradients(int64_t group) const {
        return reinterpret_cast<float *>(space_.gradients.data()) + group * plan_.gradients_size;
    }

   private:
    template <class Body>
    void each_tile(Pieces &pieces, int member, const Body &body) {
        const auto run = [&](int64_t group) {
            const Share share(tiles(), groups(), static_cast<int>(group));
            for (int64_t tile = share.begin; tile < share.end; tile++)
                body(tile, view(member, group, tile, tile > share.begin));
        };
        space_.benches[member]->behind = false;
        if (crews_.single()) {
            for (int64_t group; (group = pieces.take(member)) >= 0;) run(group);
            return;
        }
        const Share mine(groups(), crews_.count(), crews_.of(member));
        for (int64_t group = mine.begin; group < mine.end; group++) run(group);
    }

    Tile view(int member, int64_t group, int64_t tile, bool add) {
        Bench &common = *space_.benches[crews_.first(crews_.of(member))];
        const int64_t position = tile * LANES;
        return {plan_,
                *space_.benches[member],
                common,
                crews_.crew(member),
                tensors_.parameters,
                tensors_.gradients,
                tensors_.buffers,
                apart_ ? space_.values.data() + tile * plan_.values_size : common.values.data(),
                space_.kept.data() + tile * plan_.kept_size,
                gradients(group),
                add,
                static_cast<int>(std::min<int64_t>(LANES, images_ - position)),
                position,
                dropout_seed_,
                true};
    }

    void forward_phase(int phase, int64_t tile, const Tile &view) {
        for (size_t k = 0; k < plan_.nodes.size(); k++) {
            const Node &node = plan_.nodes[k];
            if (node.batch && node.phase == phase + 1)
                view.measure(static_cast<int>(k), moments(space_.moments, tile, node));
            else if (node.phase == phase) view.forward(static_cast<int>(k));
        }
    }

    void backward_phase(int phase, int64_t tile, const Tile &view) {
        for (int k = static_cast<int>(plan_.nodes.size()) - 1; k >= 0; k--) {
            const Node &node = plan_.nodes[k];
            if (node.batch && node.phase == phase)
                view.measure_gradients(k, moments(space_.grad_moments, tile, node));
            else if (node.phase == phase + (node.batch ? 1 : 0)) view.backward(k);
        }
    }

    Moments *moments(std::vector<Moments> &all, int64_t tile, const Node &node) const {
        return all.data() + tile * plan_.moments_size + node.moments_at;
    }

    Join joined(int index, int member, std::vector<Moments> &all) {
        const Node &node = plan_.nodes[plan_.batch_nodes[index]];
        Bench &bench = *space_.benches[member];
        for (size_t i = 0; i < node.parameters.size(); i++) {
            const int parameter = node.parameters[i];
            bench.parameters[i] = parameter < 0 ? nullptr : tensors_.parameters[parameter];
            const bool wanted = parameter >= 0 && member == 0 && tensors_.gradients[parameter];
            bench.gradients[i] = wanted ? gradients(0) + plan_.parameters[parameter].at : nullptr;
        }
        for (size_t i = 0; i < node.buffers.size(); i++)
            bench.buffers[i] = node.buffers[i] < 0 ? nullptr : tensors_.buffers[node.buffers[i]];
        return {moments(all, 0, node),
                plan_.moments_size,
                images_,
                bench.parameters.data(),
                bench.gradients.data(),
                bench.buffers.data(),
                member == 0,
                bench.state.data() + node.state_at};
    }

    void join(int index, int member) {
        const Timed timed(profile(member), Pass::MEASURE, plan_.batch_nodes[index]);
        const Join all = joined(index, member, space_.moments);
        plan_.nodes[plan_.batch_nodes[index]].batch->join(all);
    }

    void join_gradients(int index, int member) {
        const Timed timed(profile(member), Pass::MEASURE_GRADIENTS, plan_.batch_nodes[index]);
        const Join all = joined(index, member, space_.grad_moments);
        plan_.nodes[plan_.batch_nodes[index]].batch->join_gradients(all);
    }

    const Plan &plan_;
    const Tensors tensors_;
    Workspace &space_;
    const int threads_;
    const bool apart_;
    Barrier barrier_;  // of all threads
    Crews crews_;      // during the batch in progress
    int64_t images_ = 0;
    uint64_t dropout_seed_ = 0;
    std::vector<std::unique_ptr<Pieces>> forward_, backward_;  // per phase
};
