// The entry points: whole batches of training, and evaluation, without Python in between.
#include <new>

#include "training.h"

namespace {

void evaluate(const Plan &plan, const Evaluation &call, Bench &bench, int member) {
    for (size_t index = 0; index < plan.norms.size(); index++) {
        const Layer &layer = plan.layers[plan.norms[index]];
        const auto value = [&](int at) { return at < 0 ? nullptr : call.parameters[at].value; };
        settle(layer, value(layer.weight), value(layer.bias), static_cast<float *>(call.tensors[layer.mean]),
               static_cast<float *>(call.tensors[layer.variance]), bench.norms[index]);
    }
    const Share mine((call.count + LANES - 1) / LANES, call.threads, member);
    for (int64_t tile = mine.begin; tile < mine.end; tile++) {
        const int64_t position = tile * LANES;
        const int images = static_cast<int>(std::min<int64_t>(LANES, call.count - position));
        const Tile view{plan, call.parameters, bench.norms, bench.sums.data(), bench.values.data(), bench.local.data(), nullptr,
                        bench.scratch.data(), nullptr, false, images, position, 0, false};
        bench.input.load(call.images, position, images, view.value(0));
        for (int k = 0; k < plan.last(); k++) view.forward(k);
        const Lanes *logits = view.value(plan.last());
        for (int image = 0; image < images; image++)
            for (int c = 0; c < plan.classes; c++)
                call.logits[(position + image) * plan.classes + c] = logits[c].values()[image];
    }
}

template <class Body>
int32_t guarded(const Body &body) {
    try {
        body();
        return 0;
    } catch (...) {
        return 1;
    }
}

}  // namespace

struct Engine {
    Plan plan;
    Workspace space;
    Team team;

    Engine(const Layer *layers, int layer_count, int parameter_count, Shape input, int classes)
        : plan(layers, layer_count, parameter_count, input, classes) {}
};

extern "C" {

int32_t mnistlab_layout(int32_t structure) {
    const size_t sizes[] = {sizeof(Layer), sizeof(Parameter), sizeof(Images), sizeof(Optimizer), sizeof(Training), sizeof(Evaluation)};
    return static_cast<int32_t>(sizes[structure]);
}

Engine *mnistlab_plan(const Layer *layers, int32_t layer_count, int32_t parameter_count, Shape input, int32_t classes) {
    try {
        return new Engine(layers, layer_count, parameter_count, input, classes);
    } catch (...) {
        return nullptr;
    }
}

int32_t mnistlab_train(Engine *engine, const Training *training) {
    return guarded([&] {
        TrainingRun run(engine->plan, *training, engine->space);
        engine->team.run(training->threads, true, [&](int member) { run.member(member); });
    });
}

int32_t mnistlab_evaluate(Engine *engine, const Evaluation *evaluation) {
    return guarded([&] {
        std::vector<std::unique_ptr<Bench>> benches;
        for (int member = 0; member < evaluation->threads; member++)
            benches.push_back(std::make_unique<Bench>(engine->plan, 0, true));
        engine->team.run(evaluation->threads, false,
                 [&](int member) { evaluate(engine->plan, *evaluation, *benches[member], member); });
    });
}

void mnistlab_free(Engine *engine) { delete engine; }

void mnistlab_philox(uint64_t seed, const uint32_t counter[4], uint32_t result[4]) {
    const Philox draw = philox(seed, counter[0], counter[1], counter[2], counter[3]);
    for (int i = 0; i < 4; i++) result[i] = draw.word[i];
}

}  // extern "C"
