// Training on batches of images: gathering, augmentation, forward pass, loss, backward pass, step.
#pragma once

#include "batch_run.h"
#include "update.h"

struct Training {
    Images images;
    Optimizer optimizer;
    Tensors tensors;
    const int64_t *labels;          // (n,) or (n, positions)
    const int64_t *bounds;          // (batches + 1,) positions in the order
    const double *rates;            // (batches,) learning rates
    const uint64_t *dropout_seeds;  // (batches,)
    std::string loss;               // its name
    LossSettings loss_settings;
    int64_t first_batch, last_batch;
    int threads;
    float *losses;     // (batches,) mean of each
    int32_t *correct;  // (batches,)
    double *profile;   // null, or what Profile counts, summed over the threads

    explicit Training(Arguments &given)
        : images(given),
          optimizer(given),
          tensors(read_tensors(given)),
          labels(given.needed<const int64_t>("labels")),
          bounds(given.needed<const int64_t>("bounds")),
          rates(given.needed<const double>("rates")),
          dropout_seeds(given.needed<const uint64_t>("dropout_seeds")),
          loss(given.needed<const char>("loss")),
          loss_settings{static_cast<float>(given.number("smoothing")),
                        given.array<const float>("class_weights"),
                        static_cast<float>(given.number("gamma")),
                        images.mixup_shares || images.cutmix_shares, 0},
          first_batch(given.integer("first_batch")),
          last_batch(given.integer("last_batch")),
          threads(read_threads(given)),
          losses(given.needed<float>("losses")),
          correct(given.needed<int32_t>("correct")),
          profile(given.array<double>("profile")) {}
};

class TrainingRun {
   public:
    TrainingRun(const Plan &plan, const Training &call, Workspace &space)
        : plan_(plan),
          call_(call),
          space_(space),
          logits_(plan.outputs[0]),
          classes_(static_cast<int>(plan.shapes[logits_][0])),
          positions_(plan.size(logits_) / classes_),
          loss_(make_loss(call, classes_)),
          run_(plan, call.tensors, space, largest(call), call.threads,
               static_cast<int>(call.images.grid), false) {
        for (int member = 0; member < call.threads; member++) {
            Profile &profile = run_.profile(member);
            call.profile ? profile.start(plan.nodes.size()) : profile.stop();
        }
        if (call.first_batch < call.last_batch) start(call.first_batch);
    }

    // After all members have finished.
    void report_profile() {
        if (!call_.profile) return;
        std::fill_n(call_.profile, Profile::size(plan_.nodes.size()), 0.0);
        for (int member = 0; member < call_.threads; member++) {
            const std::vector<double> &seconds = run_.profile(member).seconds();
            for (size_t i = 0; i < seconds.size(); i++) call_.profile[i] += seconds[i];
            run_.profile(member).stop();
        }
    }

    void member(int member) {
        for (int64_t batch = call_.first_batch; batch < call_.last_batch; batch++)
            step(batch, member);
    }

   private:
    static std::unique_ptr<Loss> make_loss(const Training &call, int classes) {
        const auto found = losses().find(call.loss);
        if (found == losses().end()) throw std::invalid_argument("there is no loss " + call.loss);
        LossSettings settings = call.loss_settings;
        settings.classes = classes;
        return found->second(settings);
    }

    static int64_t largest(const Training &call) {
        int64_t result = 0;
        for (int64_t b = call.first_batch; b < call.last_batch; b++)
            result = std::max(result, call.bounds[b + 1] - call.bounds[b]);
        return result;
    }

    void step(int64_t batch, int member) {
        const int groups = run_.groups();  // before another thread starts the next batch
        run_.forward(
            member,
            [&](const Tile &view) {
                const Timed timed(view.bench.profile, Pass::LOAD);
                view.bench.input->load(call_.images, call_.bounds[batch] + view.position,
                                       view.images, view.value(0), view.crew, *view.common.input);
            },
            [&](int64_t tile, const Tile &view) { score(batch, tile, view); }, true);
        run_.backward(member, [](const Tile &) {}, [](const Tile &) {}, true);
        update(batch, groups, member);
        if (member == 0) {
            report(batch);
            run_.end();
            if (batch + 1 < call_.last_batch) start(batch + 1);
        }
        run_.meet(member);
    }

    void start(int64_t batch) {
        run_.start(images_in(batch), call_.dropout_seeds[batch]);
        divisor_ = divisor(batch);
    }

    int64_t images_in(int64_t batch) const { return call_.bounds[batch + 1] - call_.bounds[batch]; }

    // Of the losses' sum.
    double divisor(int64_t batch) const {
        double sum = 0;
        for (int64_t at = call_.bounds[batch]; at < call_.bounds[batch + 1]; at++)
            for (int64_t i = 0; i < positions_; i++) {
                const Target wanted = target(at, i);
                if (wanted.label >= 0) sum += loss_->weight(wanted);
            }
        return sum;
    }

    Target target(int64_t at, int64_t i) const {
        const Mixing mixed = mixing(call_.images, at);
        const auto label = [&](int64_t of) {
            return call_.labels[call_.images.order[of] * positions_ + i];
        };
        return {label(at), label(mixed.partner), mixed.share};
    }

    void score(int64_t batch, int64_t tile, const Tile &view) {
        const Timed timed(view.bench.profile, Pass::LOSS);
        std::vector<Target> &targets = view.bench.targets;
        targets.resize(LANES * positions_);
        const int64_t position = call_.bounds[batch] + view.position;
        for (int image = 0; image < view.images; image++)
            for (int64_t i = 0; i < positions_; i++)
                targets[image * positions_ + i] = target(position + image, i);
        space_.scores[tile] =
            score_tile(*loss_, view.value(logits_), view.grad(logits_), classes_, positions_,
                       targets.data(), view.images, 1.0f / static_cast<float>(divisor_));
    }

    void update(int64_t batch, int groups, int member) {
        const Timed timed(run_.profile(member), Pass::UPDATE);
        const Share mine(plan_.gradients_size, call_.threads, member);
        const Step step{call_.rates[batch],
                        call_.optimizer.steps_done + batch - call_.first_batch + 1};
        for (const Row &row : plan_.rows) {
            if (row.at < mine.begin || row.at >= mine.end ||
                !call_.tensors.gradients[row.parameter])
                continue;
            const Parameter &parameter = plan_.parameters[row.parameter];
            const int64_t columns = parameter.size / parameter.layout.rows;
            sum_row(row, columns, run_.gradients(0), plan_.gradients_size, groups, call_.tensors);
            update_row(row, columns, call_.tensors, call_.optimizer, step);
        }
    }

    void report(int64_t batch) {
        double loss = 0;
        int64_t correct = 0;
        for (int64_t tile = 0; tile < run_.tiles(); tile++) {
            loss += space_.scores[tile].loss;
            correct += space_.scores[tile].correct;
        }
        call_.losses[batch] = static_cast<float>(loss / divisor_);
        call_.correct[batch] = static_cast<int32_t>(correct);
    }

    const Plan &plan_;
    const Training &call_;
    Workspace &space_;
    const int logits_, classes_;  // the output's number, and its first dimension
    const int64_t positions_;     // of an image, each with a label
    const std::unique_ptr<Loss> loss_;
    BatchRun run_;
    double divisor_ = 1;  // of the batch in progress
};
