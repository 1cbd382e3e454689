// A network as a module of somebody else's training: its input is float32, its loss is outside.
#pragma once

#include "floats.h"
#include "training.h"

// A forward pass in training mode, until its backward pass.
struct Context {
    Workspace space;
    int64_t images = 0;
    uint64_t seed = 0;
    int threads = 1;
    int grid = -1;  // of the images' displacements; -1: the input is float32
};

class ModuleRun {
   public:
    ModuleRun(const Plan &plan, const Tensors &tensors, Context &context)
        : plan_(plan),
          run_(plan, tensors, context.space, context.images, context.threads, context.grid, true) {
        run_.start(context.images, context.seed);
    }

    // load(view) fills value 0; outputs: each (images, its size).
    template <class Load>
    void forward(int member, const Load &load, float *const *outputs) {
        run_.forward(
            member, load, [&](int64_t, const Tile &view) { store_outputs(plan_, view, outputs); },
            false);
        run_.meet(member);
    }

    // gradients: of the outputs, null where there is none; to: the input's, or null.
    void backward(int member, const float *const *gradients, float *to, const Tensors &tensors) {
        run_.backward(
            member,
            [&](const Tile &view) {
                for (size_t i = 0; i < plan_.outputs.size(); i++) {
                    const int output = plan_.outputs[i];
                    const int64_t size = plan_.size(output);
                    if (gradients[i])
                        interleave_gradient(gradients[i] + view.position * size, size, view.images,
                                            view.grad(output));
                    else std::fill_n(view.grad(output), size, Lanes{});
                }
            },
            [&](const Tile &view) {
                const int64_t size = plan_.size(0);
                if (to) separate(view.grad(0), size, view.images, to + view.position * size);
            },
            false);
        sum_rows(plan_, run_, tensors, member);
    }

    static void store_outputs(const Plan &plan, const Tile &view, float *const *outputs) {
        for (size_t i = 0; i < plan.outputs.size(); i++) {
            const int64_t size = plan.size(plan.outputs[i]);
            separate(view.value(plan.outputs[i]), size, view.images,
                     outputs[i] + view.position * size);
        }
    }

   private:
    static void sum_rows(const Plan &plan, const BatchRun &run, const Tensors &tensors,
                         int member) {
        const Share mine(plan.gradients_size, run.threads(), member);
        for (const Row &row : plan.rows) {
            if (row.at < mine.begin || row.at >= mine.end || !tensors.gradients[row.parameter])
                continue;
            const Parameter &parameter = plan.parameters[row.parameter];
            sum_row(row, parameter.size / parameter.layout.rows, run.gradients(0),
                    plan.gradients_size, run.groups(), tensors);
        }
    }

    const Plan &plan_;
    BatchRun run_;
};
