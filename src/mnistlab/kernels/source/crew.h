// Crew: threads that compute one tile together, each its share of every operation.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

// The share of `count` pieces that one member gets: from begin to end.
struct Share {
    int64_t begin, end;

    Share(int64_t count, int members, int member)
        : begin(count * member / members), end(count * (member + 1) / members) {}
    Share(int64_t begin, int64_t end) : begin(begin), end(end) {}

    int64_t size() const { return end - begin; }
};

// Waits of one of so many threads mostly take microseconds, so it spins before it sleeps; but not
// if another one may need its core.
template <class Condition>
void wait_until(const std::atomic<uint32_t> &value, int threads, const Condition &met) {
    static const int cores = static_cast<int>(std::thread::hardware_concurrency());
    const int spins = threads > cores ? 0 : 20000;
    for (int spin = 0; spin < spins; spin++) {
        if (met(value.load(std::memory_order_acquire))) return;
#if defined(__SSE2__)
        _mm_pause();
#endif
    }
    for (uint32_t now = value.load(std::memory_order_acquire); !met(now);
         now = value.load(std::memory_order_acquire))
        value.wait(now, std::memory_order_acquire);
}

// Some of a team's threads, or all, meet at it. Apart in memory, so that those who wait do not
// slow down those who arrive.
class Barrier {
   public:
    // Of how many, while nobody meets.
    void expect(int members, int team) {
        members_ = members;
        team_ = team;
    }

    void meet() {
        const uint32_t round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            round_.notify_all();
            return;
        }
        wait_until(round_, team_, [=](uint32_t now) { return now != round; });
    }

   private:
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<uint32_t> round_{0};
    int members_ = 1, team_ = 1;
};

// A crew as one of its members sees it: by default a thread on its own.
struct Crew {
    int members = 1, member = 0;
    Barrier *barrier = nullptr;

    bool alone() const { return members == 1; }
    bool first() const { return member == 0; }
    Share share(int64_t count) const { return {count, members, member}; }
    void meet() const {
        if (!alone()) barrier->meet();
    }
};

// A team divided into crews of nearly equal size.
class Crews {
   public:
    explicit Crews(int threads) : threads_(threads), count_(threads), barriers_(threads) {}

    // For so many groups of tiles, while nobody works. The crews are as many as are done first:
    // each takes its groups one after the other.
    void divide(int64_t groups) {
        const auto duration = [&](int crews) {
            const int members = threads_ / crews;
            const double speed = members == 1 ? 1 : EFFICIENCY * members;
            return static_cast<double>((groups + crews - 1) / crews) / speed;
        };
        count_ = static_cast<int>(std::clamp<int64_t>(groups, 1, threads_));
        for (int crews = count_ - 1; crews > 0; crews--)
            if (duration(crews) < duration(count_)) count_ = crews;
        for (int crew = 0; crew < count_; crew++)
            barriers_[crew].expect(first(crew + 1) - first(crew), threads_);
    }

    int count() const { return count_; }
    // Whether each thread is a crew of its own.
    bool single() const { return count_ == threads_; }
    // The crew that a thread belongs to, and the first thread of a crew.
    int of(int thread) const { return ((thread + 1) * count_ - 1) / threads_; }
    int first(int crew) const { return static_cast<int>(int64_t(threads_) * crew / count_); }

    Crew crew(int thread) {
        const int crew = of(thread), begin = first(crew);
        return {first(crew + 1) - begin, thread - begin, &barriers_[crew]};
    }

   private:
    static constexpr double EFFICIENCY = 0.75;  // of several threads at one tile

    const int threads_;
    int count_;
    std::vector<Barrier> barriers_;
};
