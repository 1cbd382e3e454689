// Profile: how long each thread spent where, if a call asks for it.
#pragma once

#include <chrono>
#include <vector>

enum class Pass { FORWARD, MEASURE, MEASURE_GRADIENTS, BACKWARD, LOAD, LOSS, UPDATE, WAIT };
constexpr int PASSES_OF_NODES = 4, OTHER_PASSES = 4;

// Seconds of one thread: of each node's passes, then of the others.
class Profile {
   public:
    static size_t size(size_t nodes) { return nodes * PASSES_OF_NODES + OTHER_PASSES; }

    void start(size_t nodes) {
        nodes_ = nodes;
        seconds_.assign(size(nodes), 0);
    }
    void stop() { seconds_.clear(); }
    bool on() const { return !seconds_.empty(); }

    double &at(Pass pass, int node) {
        const int number = static_cast<int>(pass);
        return number < PASSES_OF_NODES
                   ? seconds_[node * PASSES_OF_NODES + number]
                   : seconds_[nodes_ * PASSES_OF_NODES + number - PASSES_OF_NODES];
    }
    const std::vector<double> &seconds() const { return seconds_; }

   private:
    std::vector<double> seconds_;
    size_t nodes_ = 0;
};

// Adds the time that it lives.
class Timed {
   public:
    Timed(Profile &profile, Pass pass, int node = 0) : profile_(profile), pass_(pass), node_(node) {
        if (profile.on()) start_ = Clock::now();
    }
    ~Timed() {
        if (profile_.on())
            profile_.at(pass_, node_) +=
                std::chrono::duration<double>(Clock::now() - start_).count();
    }

   private:
    using Clock = std::chrono::steady_clock;

    Profile &profile_;
    const Pass pass_;
    const int node_;
    Clock::time_point start_;
};
