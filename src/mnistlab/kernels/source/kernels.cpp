// The entry points for Python. Each returns null, or why it failed.
#include <cstdint>
#include <new>
#include <system_error>

#include "module_run.h"
#include "peak.h"
#include "philox.h"

namespace {

// What a call evaluates: tiles on their own, with batch normalisation by its running averages.
struct Evaluation {
    Tensors tensors;
    int64_t count;
    int threads;
    float *const *outputs;  // each (count, its size)

    explicit Evaluation(Arguments &given)
        : tensors(read_tensors(given)),
          count(given.integer("count")),
          threads(read_threads(given)),
          outputs(given.needed<float *const>("outputs")) {}
};

using Benches = std::vector<std::unique_ptr<Bench>>;

// load(view), by all of a crew, fills value 0.
template <class Load>
void evaluate(const Plan &plan, const Evaluation &call, const Benches &benches, Crews &crews,
              int member, const Load &load) {
    const int crew = crews.of(member);
    Bench &bench = *benches[member], &common = *benches[crews.first(crew)];
    for (int k : plan.batch_nodes) {
        const Node &node = plan.nodes[k];
        for (size_t i = 0; i < node.parameters.size(); i++)
            bench.parameters[i] =
                node.parameters[i] < 0 ? nullptr : call.tensors.parameters[node.parameters[i]];
        for (size_t i = 0; i < node.buffers.size(); i++)
            bench.buffers[i] =
                node.buffers[i] < 0 ? nullptr : call.tensors.buffers[node.buffers[i]];
        node.batch->settle(bench.parameters.data(), bench.buffers.data(),
                           bench.state.data() + node.state_at);
    }
    const Share mine(BatchRun::tiles_for(call.count), crews.count(), crew);
    for (int64_t tile = mine.begin; tile < mine.end; tile++) {
        const int64_t position = tile * LANES;
        const int present = static_cast<int>(std::min<int64_t>(LANES, call.count - position));
        const Tile view{plan,
                        bench,
                        common,
                        crews.crew(member),
                        call.tensors.parameters,
                        nullptr,
                        call.tensors.buffers,
                        common.values.data(),
                        nullptr,
                        nullptr,
                        false,
                        present,
                        position,
                        0,
                        false};
        view.together([&] { load(view); });
        for (size_t k = 0; k < plan.nodes.size(); k++) view.forward(static_cast<int>(k));
        view.once([&] { ModuleRun::store_outputs(plan, view, call.outputs); });
    }
}

template <class Load>
void evaluate(const Plan &plan, Team &team, const Evaluation &call, bool bytes, const Load &load) {
    Benches benches;
    for (int member = 0; member < call.threads; member++)
        benches.push_back(std::make_unique<Bench>(plan, bytes ? 0 : -1, true));
    Crews crews(call.threads);
    crews.divide(BatchRun::tiles_for(call.count));
    team.run(call.threads, false,
             [&](int member) { evaluate(plan, call, benches, crews, member, load); });
}

template <class Body>
const char *guarded(const Body &body) {
    thread_local std::string reason;
    try {
        body();
        return nullptr;
    } catch (const std::bad_alloc &) {
        return "not enough memory";
    } catch (const std::system_error &error) {
        reason = std::string("threads cannot be started: ") + error.what();
    } catch (const std::exception &error) {
        reason = error.what();
    }
    return reason.c_str();
}

}  // namespace

struct Engine {
    Plan plan;
    Workspace space;
    Team team;

    explicit Engine(const Dimensions &input) : plan(input) {}
};

std::map<std::string, MakeOperation> &operations() {
    static std::map<std::string, MakeOperation> all;
    return all;
}

#pragma GCC visibility push(default)
std::map<std::string, MakeLoss> &losses() {
    static std::map<std::string, MakeLoss> all;
    return all;
}

extern "C" {

// The names of all operations, a line each.
const char *mnistlab_operations() {
    static const std::string names = [] {
        std::string all;
        for (const auto &[name, make] : operations()) all += name + "\n";
        return all;
    }();
    return names.c_str();
}

// Likewise of all losses.
const char *mnistlab_losses() {
    static const std::string names = [] {
        std::string all;
        for (const auto &[name, make] : losses()) all += name + "\n";
        return all;
    }();
    return names.c_str();
}

const char *mnistlab_new(Engine **engine, int32_t rank, const int64_t *input) {
    return guarded([&] { *engine = new Engine(Dimensions(input, input + rank)); });
}

// Adds an operation, whose output is the next value. It sees its inputs in shapes of its own, one
// behind the other in `shapes`. Tensors are indices into a call's tables, or -1.
const char *mnistlab_add(Engine *engine, const char *name, int32_t input_count,
                         const int32_t *inputs, const int32_t *ranks, const int64_t *shapes,
                         int32_t rank, const int64_t *output, int32_t integer_count,
                         const int64_t *integers, int32_t float_count, const double *floats,
                         int32_t parameter_count, const int32_t *parameters,
                         const int64_t *parameter_sizes, int32_t buffer_count,
                         const int32_t *buffers) {
    return guarded([&] {
        std::vector<Dimensions> input_shapes;
        for (int32_t i = 0; i < input_count; shapes += ranks[i++])
            input_shapes.emplace_back(shapes, shapes + ranks[i]);
        engine->plan.add(name, {inputs, inputs + input_count}, input_shapes,
                         {output, output + rank}, {integers, integers + integer_count},
                         {floats, floats + float_count}, {parameters, parameters + parameter_count},
                         {parameter_sizes, parameter_sizes + parameter_count},
                         {buffers, buffers + buffer_count});
    });
}

const char *mnistlab_finish(Engine *engine, int32_t output_count, const int32_t *outputs,
                            int32_t input_gradient) {
    return guarded([&] { engine->plan.finish({outputs, outputs + output_count}, input_gradient); });
}

const char *mnistlab_train(Engine *engine, int32_t count, const char *const *names,
                           const char *kinds, const int64_t *values) {
    return guarded([&] {
        Arguments given(count, names, kinds, values);
        const Training training(given);
        given.end();
        TrainingRun run(engine->plan, training, engine->space);
        engine->team.run(training.threads, true, [&](int member) { run.member(member); });
        run.report_profile();
    });
}

// The optimiser's step number "steps_done" + 1, from gradients that are there already.
const char *mnistlab_step(Engine *engine, int32_t count, const char *const *names,
                          const char *kinds, const int64_t *values) {
    return guarded([&] {
        Arguments given(count, names, kinds, values);
        const Tensors tensors = read_tensors(given);
        const Optimizer optimizer(given);
        const Step step{given.number("rate"), optimizer.steps_done + 1};
        given.end();
        engine->team.run(1, true, [&](int) {
            for (size_t i = 0; i < engine->plan.parameters.size(); i++)
                if (tensors.gradients[i])
                    update_row({static_cast<int32_t>(i), 0, 0, true},
                               engine->plan.parameters[i].size, tensors, optimizer, step);
        });
    });
}

// Evaluation mode, of bytes, or of float32 if there is an "input".
const char *mnistlab_evaluate(Engine *engine, int32_t count, const char *const *names,
                              const char *kinds, const int64_t *values) {
    return guarded([&] {
        Arguments given(count, names, kinds, values);
        const Evaluation call(given);
        if (const float *const input = given.array<const float>("input")) {
            given.end();
            const int64_t size = engine->plan.size(0);
            return evaluate(engine->plan, engine->team, call, false, [&](const Tile &view) {
                if (view.crew.first())
                    interleave(input + view.position * size, size, view.images, view.value(0));
            });
        }
        const Images images(given);
        given.end();
        evaluate(engine->plan, engine->team, call, true, [&](const Tile &view) {
            view.bench.input->load(images, view.position, view.images, view.value(0), view.crew,
                                   *view.common.input);
        });
    });
}

// Training mode, of float32 if there is an "input", else of a batch of bytes from "position" on;
// "context" is kept for one backward pass.
const char *mnistlab_forward(Engine *engine, int32_t count, const char *const *names,
                             const char *kinds, const int64_t *values) {
    return guarded([&] {
        Arguments given(count, names, kinds, values);
        const Evaluation call(given);
        Context &context = *given.needed<Context>("context");
        context.images = call.count;
        context.seed = static_cast<uint64_t>(given.integer("seed"));
        context.threads = call.threads;
        const auto run_on = [&](const auto &load) {
            given.end();
            ModuleRun run(engine->plan, call.tensors, context);
            engine->team.run(call.threads, true,
                             [&](int member) { run.forward(member, load, call.outputs); });
        };
        if (const float *const input = given.array<const float>("input")) {
            const int64_t size = engine->plan.size(0);
            context.grid = -1;
            return run_on([&](const Tile &view) {
                if (view.crew.first())
                    interleave(input + view.position * size, size, view.images, view.value(0));
            });
        }
        const Images images(given);
        const int64_t position = given.integer("position");
        context.grid = static_cast<int>(images.grid);
        run_on([&](const Tile &view) {
            view.bench.input->load(images, position + view.position, view.images, view.value(0),
                                   view.crew, *view.common.input);
        });
    });
}

const char *mnistlab_backward(Engine *engine, int32_t count, const char *const *names,
                              const char *kinds, const int64_t *values) {
    return guarded([&] {
        Arguments given(count, names, kinds, values);
        const Tensors tensors = read_tensors(given);
        Context &context = *given.needed<Context>("context");
        const float *const *const gradients = given.needed<const float *const>("output_gradients");
        float *const input_gradient = given.array<float>("input_gradient");
        given.end();
        ModuleRun run(engine->plan, tensors, context);
        engine->team.run(context.threads, true, [&](int member) {
            run.backward(member, gradients, input_gradient, tensors);
        });
    });
}

const char *mnistlab_new_context(Context **context) {
    return guarded([&] { *context = new Context; });
}

void mnistlab_free_context(Context *context) { delete context; }

void mnistlab_free(Engine *engine) { delete engine; }

// Seconds of multiply-adds in registers, see peak.h.
const char *mnistlab_peak(int64_t operations, int32_t threads, double *seconds) {
    return guarded([&] { *seconds = peak_seconds(operations, threads); });
}

// For a test that compares the numbers with another implementation.
void mnistlab_philox(uint64_t seed, const uint32_t counter[4], uint32_t result[4]) {
    const Philox draw = philox(seed, counter[0], PartBits{} + counter[1], counter[2], counter[3]);
    for (int i = 0; i < 4; i++) result[i] = draw.word[i][0];
}

}  // extern "C"
#pragma GCC visibility pop
