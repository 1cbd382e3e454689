// Workspace: the memory that threads compute in.
#pragma once

#include "input.h"
#include "loss.h"
#include "plan.h"
#include "profile.h"

// Whether crews pay. On a busy machine a member often has no core, and all others of its crew wait
// for it at every operation. Then batches are computed without crews, at first one, and twice as
// many after every attempt that fails.
class Trial {
   public:
    using Clock = std::chrono::steady_clock;

    // Before a batch: whether crews are tried.
    bool begin() {
        tried_ = left_ == 0;
        left_ -= left_ > 0;
        start_ = Clock::now();
        return tried_;
    }

    // After a batch, during which threads waited for their crews so long together.
    void end(Clock::duration waited, int threads) {
        if (!tried_) return;
        const bool paid = waited < (Clock::now() - start_) * threads / 2;
        pause_ = paid ? 0 : std::clamp(2 * pause_, 1, LONGEST);
        left_ = pause_;
    }

   private:
    static constexpr int LONGEST = 256;  // batches

    bool tried_ = false;
    int pause_ = 0, left_ = 0;
    Clock::time_point start_;
};

// Memory of one thread, or of the crew that it is the first of.
struct Bench {
    std::unique_ptr<Input> input;  // null where the input is not bytes
    std::vector<Lanes> values, local, scratch, prepared;
    std::vector<char> ready;  // per node: what it has prepared is of this batch
    std::vector<float> state;
    std::vector<const Lanes *> x;
    std::vector<Lanes *> dx;
    std::vector<const float *> parameters;
    std::vector<float *> gradients;
    std::vector<void *> buffers;
    std::unique_ptr<bool[]> add, add_gradients;
    std::vector<Target> targets;
    bool behind = false;              // whether the first of the crew may still be at work alone
    Trial::Clock::duration waited{};  // for the crew, in the batch in progress
    Profile profile;

    // grid: of the displacements; -1: the input is not bytes.
    Bench(const Plan &plan, int grid, bool own_values)
        : input(grid < 0 ? nullptr : std::make_unique<Input>(plan.shapes[0], grid)),
          values(own_values ? plan.values_size : 0),
          local(plan.local_size),
          scratch(plan.scratch_size),
          prepared(plan.prepared_size),
          ready(plan.nodes.size()),
          state(plan.state_size),
          x(padded(plan.most_inputs)),
          dx(padded(plan.most_inputs)),
          parameters(padded(plan.most_parameters)),
          gradients(padded(plan.most_parameters)),
          buffers(padded(plan.most_buffers)),
          add(std::make_unique<bool[]>(padded(plan.most_inputs))),
          add_gradients(std::make_unique<bool[]>(padded(plan.most_parameters))) {}

   private:
    // Written at every operation, so no cache line may hold another thread's as well.
    static size_t padded(size_t count) { return count + 64; }
};

// Memory of a batch, kept from call to call since fresh memory is slow.
struct Workspace {
    std::vector<Lanes> values, kept, gradients;
    std::vector<Moments> moments, grad_moments;
    std::vector<Score> scores;
    std::vector<std::unique_ptr<Bench>> benches;
    int grid = -2;
    Trial trial;

    // apart: each tile has memory for its values, since they are needed after other tiles were
    // computed.
    void fit(const Plan &plan, int64_t tiles, int groups, int threads, int new_grid, bool apart) {
        grow(values, apart ? tiles * plan.values_size : 0);
        grow(kept, tiles * plan.kept_size);
        grow(gradients, groups * (plan.gradients_size / LANES));
        grow(moments, tiles * plan.moments_size);
        grow(grad_moments, tiles * plan.moments_size);
        grow(scores, tiles);
        if (grid != new_grid) benches.clear();
        grid = new_grid;
        while (static_cast<int>(benches.size()) < threads)
            benches.push_back(std::make_unique<Bench>(plan, grid, !apart));
    }

   private:
    template <class T>
    static void grow(std::vector<T> &vector, int64_t size) {
        if (static_cast<int64_t>(vector.size()) < size) vector.resize(size);
    }
};
