// Workspace: the memory that threads compute in.
#pragma once

#include "loss.h"
#include "tile.h"

// Memory of one thread.
struct Bench {
    Input input;
    std::vector<Lanes> values, local, scratch;
    std::vector<Norm> norms;
    std::vector<Part> sums;

    Bench(const Plan &plan, int32_t grid, bool own_values)
        : input(plan.input, grid),
          values(own_values ? plan.values_size : 0),
          local(plan.local_size),
          scratch(plan.scratch_size) {
        int widest = 0;
        for (int k : plan.norms) {
            norms.emplace_back(plan.layers[k].in.channels);
            widest = std::max(widest, plan.layers[k].in.channels);
        }
        sums.resize(2 * widest);
    }
};

// Memory of training, kept from call to call since fresh memory is slow.
struct Workspace {
    std::vector<Lanes> values, kept, gradients;
    std::vector<Moments> moments, grad_moments;
    std::vector<Score> scores;
    std::vector<std::unique_ptr<Bench>> benches;
    int32_t grid = -1;

    void fit(const Plan &plan, int64_t tiles, int groups, int threads, int32_t new_grid) {
        const bool phased = plan.phases() > 0;
        grow(values, phased ? tiles * plan.values_size : 0);
        grow(kept, tiles * plan.kept_size);
        grow(gradients, groups * (plan.gradients_size / LANES));
        grow(moments, tiles * plan.moments_size);
        grow(grad_moments, tiles * plan.moments_size);
        grow(scores, tiles);
        if (grid != new_grid) benches.clear();
        grid = new_grid;
        while (static_cast<int>(benches.size()) < threads)
            benches.push_back(std::make_unique<Bench>(plan, grid, !phased));
    }

   private:
    template <class T>
    static void grow(std::vector<T> &vector, int64_t size) {
        if (static_cast<int64_t>(vector.size()) < size) vector.resize(size);
    }
};
