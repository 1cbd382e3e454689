// TrainingRun: some batches of training, run by a team of threads.
#pragma once

#include "team.h"
#include "update.h"
#include "workspace.h"

class TrainingRun {
   public:
    TrainingRun(const Plan &plan, const Training &call, Workspace &space)
        : plan_(plan), call_(call), space_(space), barrier_(call.threads) {
        int64_t largest = 0;
        for (int64_t b = call.first_batch; b < call.last_batch; b++) largest = std::max(largest, images_in(b));
        const int64_t tiles = tiles_for(largest);
        space.fit(plan, tiles, groups_for(tiles), call.threads, call.images.grid);
        for (int phase = 0; phase <= plan.phases(); phase++) {
            forward_.push_back(std::make_unique<Pieces>(call.threads));
            backward_.push_back(std::make_unique<Pieces>(call.threads));
        }
        if (call.first_batch < call.last_batch) deal(call.first_batch);
    }

    void member(int member) {
        for (int64_t batch = call_.first_batch; batch < call_.last_batch; batch++) step(batch, member);
    }

   private:
    void step(int64_t batch, int member) {
        const int64_t images = images_in(batch), tiles = tiles_for(images);
        const int groups = groups_for(tiles);
        const auto each_tile = [&](Pieces &pieces, const auto &body) {
            for (int64_t group; (group = pieces.take(member)) >= 0;) {
                const Share share(tiles, groups, static_cast<int>(group));
                for (int64_t tile = share.begin; tile < share.end; tile++)
                    body(tile, view(batch, member, group, tile, tile > share.begin));
            }
        };
        for (int phase = 0; phase <= plan_.phases(); phase++) {
            if (phase) {
                barrier_.meet();
                join_norm(phase - 1, images, member);
            }
            each_tile(*forward_[phase], [&](int64_t tile, const Tile &view) {
                if (phase == 0)
                    space_.benches[member]->input.load(call_.images, call_.bounds[batch] + view.position, view.images, view.value(0));
                forward(phase, tile, view);
                if (phase < plan_.phases()) return;
                score(batch, tile, view);
                backward(phase, tile, view);
            });
        }
        for (int phase = plan_.phases() - 1; phase >= 0; phase--) {
            barrier_.meet();
            join_norm_grads(phase, images, member);
            each_tile(*backward_[phase], [&](int64_t tile, const Tile &view) { backward(phase, tile, view); });
        }
        barrier_.meet();
        update(batch, groups, member);
        if (member == 0) {
            report(batch, tiles);
            if (batch + 1 < call_.last_batch) deal(batch + 1);
        }
        barrier_.meet();
    }

    int64_t images_in(int64_t batch) const { return call_.bounds[batch + 1] - call_.bounds[batch]; }

    static int64_t tiles_for(int64_t images) { return (images + LANES - 1) / LANES; }

    static int groups_for(int64_t tiles) { return static_cast<int>(std::min<int64_t>(tiles, MOST_GROUPS)); }

    void deal(int64_t batch) {
        const int groups = groups_for(tiles_for(images_in(batch)));
        for (auto *phases : {&forward_, &backward_})
            for (auto &pieces : *phases) pieces->deal(groups);
        divisor_ = divisor(batch);
    }

    // Of the losses' sum, as PyTorch has it: the weights of the images' classes, but the number of
    // images where labels are mixed.
    double divisor(int64_t batch) const {
        const Images &from = call_.images;
        if (!call_.class_weights || from.mixup_shares || from.cutmix_shares) return static_cast<double>(images_in(batch));
        double sum = 0;
        for (int64_t at = call_.bounds[batch]; at < call_.bounds[batch + 1]; at++)
            sum += call_.class_weights[from.labels[from.order[at]]];
        return sum;
    }

    Tile view(int64_t batch, int member, int64_t group, int64_t tile, bool add) {
        Bench &bench = *space_.benches[member];
        const int64_t images = images_in(batch), position = tile * LANES;
        return {plan_,
                call_.parameters,
                bench.norms,
                bench.sums.data(),
                plan_.phases() ? space_.values.data() + tile * plan_.values_size : bench.values.data(),
                bench.local.data(),
                space_.kept.data() + tile * plan_.kept_size,
                bench.scratch.data(),
                gradients(group),
                add,
                static_cast<int>(std::min<int64_t>(LANES, images - position)),
                position,
                call_.dropout_seeds[batch],
                true};
    }

    float *gradients(int64_t group) {
        return reinterpret_cast<float *>(space_.gradients.data()) + group * plan_.gradients_size;
    }

    void forward(int phase, int64_t tile, const Tile &view) {
        for (size_t k = 0; k < plan_.layers.size(); k++) {
            const bool ends_here = plan_.batch_norm(static_cast<int>(k)) && plan_.phase[k] == phase + 1;
            if (ends_here)
                measure(plan_.layers[k], view.value(plan_.layers[k].input), view.present(), view.images,
                        space_.moments.data() + tile * plan_.moments_size + plan_.moments_at[phase]);
            else if (plan_.phase[k] == phase)
                view.forward(static_cast<int>(k));
        }
    }

    void backward(int phase, int64_t tile, const Tile &view) {
        for (int k = plan_.last() - 1; k >= 0; k--) {
            const Layer &layer = plan_.layers[k];
            const bool batch_norm = plan_.batch_norm(k);
            if (batch_norm && plan_.phase[k] == phase)
                measure_grads(layer, view.value(layer.input), view.grad(k + 1), view.norms[phase - 1], view.sums,
                               space_.grad_moments.data() + tile * plan_.moments_size + plan_.moments_at[phase - 1]);
            else if (batch_norm && plan_.phase[k] == phase + 1 && plan_.needs_grad[layer.input])
                norm_backward(layer, view.value(layer.input), view.grad(k + 1), view.norms[phase], view.present(),
                              view.grad(layer.input), plan_.add_input[k]);
            else if (!batch_norm && plan_.phase[k] == phase)
                view.backward(k);
        }
    }

    void score(int64_t batch, int64_t tile, const Tile &view) {
        Target targets[LANES];
        const int64_t position = call_.bounds[batch] + view.position;
        const auto label = [&](int64_t at) { return call_.images.labels[call_.images.order[at]]; };
        for (int image = 0; image < view.images; image++) {
            const Mixing mixed = mixing(call_.images, position + image);
            targets[image] = {label(position + image), label(mixed.partner), mixed.share};
        }
        space_.scores[tile] = cross_entropy(view.value(plan_.last()), targets, plan_.classes, view.images, call_.smoothing,
                                            call_.class_weights, 1.0f / static_cast<float>(divisor_), view.grad(plan_.last()));
    }

    void join_norm(int index, int64_t images, int member) {
        const Layer &layer = plan_.layers[plan_.norms[index]];
        const auto tensor = [&](int at) { return static_cast<float *>(call_.tensors[at]); };
        join(layer, space_.moments.data() + plan_.moments_at[index], plan_.moments_size, images, value(layer.weight),
             value(layer.bias), tensor(layer.mean), tensor(layer.variance), member == 0, space_.benches[member]->norms[index]);
        if (member == 0) ++*static_cast<int64_t *>(call_.tensors[layer.batches]);
    }

    void join_norm_grads(int index, int64_t images, int member) {
        const Layer &layer = plan_.layers[plan_.norms[index]];
        const auto gradient = [&](int at) {
            return member || at < 0 ? nullptr : gradients(0) + plan_.gradient_at[at];
        };
        join_grads(layer, space_.grad_moments.data() + plan_.moments_at[index], plan_.moments_size, images,
                    gradient(layer.weight), gradient(layer.bias), space_.benches[member]->norms[index]);
    }

    const float *value(int parameter) const { return parameter < 0 ? nullptr : call_.parameters[parameter].value; }

    void update(int64_t batch, int groups, int member) {
        const Share mine(plan_.gradients_size, call_.threads, member);
        const Step step{call_.rates[batch], call_.optimizer.steps_done + batch - call_.first_batch + 1};
        for (const Row &row : plan_.rows) {
            const Parameter &parameter = call_.parameters[row.parameter];
            if (row.at < mine.begin || row.at >= mine.end || !parameter.gradient) continue;
            update_row(parameter, row.row, gradients(0) + row.at, plan_.gradients_size, row.shared ? 1 : groups,
                       call_.optimizer, step);
        }
    }

    void report(int64_t batch, int64_t tiles) {
        double loss = 0;
        int32_t correct = 0;
        for (int64_t tile = 0; tile < tiles; tile++) {
            loss += space_.scores[tile].loss;
            correct += space_.scores[tile].correct;
        }
        call_.losses[batch] = static_cast<float>(loss / divisor_);
        call_.correct[batch] = correct;
    }

    const Plan &plan_;
    const Training &call_;
    Workspace &space_;
    Barrier barrier_;
    double divisor_ = 1;  // of the batch in progress
    std::vector<std::unique_ptr<Pieces>> forward_, backward_;  // per phase
};
