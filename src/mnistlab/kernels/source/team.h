// A team of threads that run one function in parallel and meet at barriers.
#pragma once

#include <unistd.h>

#include <functional>

#include "crew.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

// Flushes denormal numbers to zero on this thread for as long as it lives.
//
// Once a network's loss nears zero its gradients turn denormal, and arithmetic on them is 20 to 50
// times slower.
class FlushDenormals {
   public:
#if defined(__SSE2__)
    explicit FlushDenormals(bool flush) : before_(_mm_getcsr()) {
        if (flush) _mm_setcsr(before_ | 0x8040);
    }
    ~FlushDenormals() { _mm_setcsr(before_); }

   private:
    unsigned before_;
#elif defined(__aarch64__)
    explicit FlushDenormals(bool flush) {
        asm volatile("mrs %0, fpcr" : "=r"(before_));
        if (flush) asm volatile("msr fpcr, %0" ::"r"(before_ | (1ull << 24)));
    }
    ~FlushDenormals() { asm volatile("msr fpcr, %0" ::"r"(before_)); }

   private:
    uint64_t before_;
#else
    explicit FlushDenormals(bool) {}
#endif
};

// A team of threads that is kept from call to call: new threads would start on a core that is
// already busy, and it takes milliseconds until they are moved.
class Team {
   public:
    Team() = default;
    Team(const Team &) = delete;
    ~Team() { dismiss(); }

    // Calls body(member) on `members` threads, of which the caller is the first. Throws if there
    // cannot be so many.
    void run(int members, bool flush_denormals, const std::function<void(int)> &body) {
        gather(members);
        body_ = &body;
        flush_denormals_ = flush_denormals;
        busy_.store(members - 1, std::memory_order_relaxed);
        announce();
        {
            FlushDenormals guard(flush_denormals);
            body(0);
        }
        wait_until(busy_, members, [](uint32_t busy) { return busy == 0; });
    }

   private:
    void gather(int members) {
        if (static_cast<int>(others_.size()) == members - 1 && process_ == getpid()) return;
        dismiss();
        process_ = getpid();
        try {
            others_.reserve(members - 1);
            for (int member = 1; member < members; member++)
                others_.emplace_back(&Team::serve, this, member, members, calls_.load());
        } catch (...) {
            dismiss();
            throw;
        }
    }

    void dismiss() {
        if (others_.empty()) return;
        if (process_ != getpid()) {
            // After a fork the threads belong to the parent: there is nothing to join, and their
            // handles must not be destroyed.
            new std::vector<std::thread>(std::move(others_));
        } else {
            over_ = true;
            announce();
            for (std::thread &other : others_) other.join();
        }
        others_.clear();
        over_ = false;
    }

    void announce() {
        calls_.fetch_add(1, std::memory_order_release);
        calls_.notify_all();
    }

    void serve(int member, int members, uint32_t seen) {
        while (true) {
            wait_until(calls_, members, [&](uint32_t calls) { return calls != seen; });
            if (over_) return;
            seen++;
            FlushDenormals guard(flush_denormals_);
            (*body_)(member);
            if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_all();
        }
    }

    std::vector<std::thread> others_;
    pid_t process_ = 0;
    const std::function<void(int)> *body_ = nullptr;
    bool flush_denormals_ = false, over_ = false;  // written before calls_, read after it
    std::atomic<uint32_t> calls_{0}, busy_{0};
};

// Pieces of work in equal shares; a member that has finished its own takes over pieces of others
// (work stealing), since on a shared machine threads are not equally fast.
class Pieces {
   public:
    explicit Pieces(int members) : members_(members), shares_(members) {}

    void deal(int64_t count) {
        for (int member = 0; member < members_; member++) {
            const Share share(count, members_, member);
            shares_[member].next.store(share.begin, std::memory_order_relaxed);
            shares_[member].end = share.end;
        }
    }

    // The next piece for this member, or -1 when nothing is left.
    int64_t take(int member) {
        for (int i = 0; i < members_; i++) {
            Dealt &share = shares_[(member + i) % members_];
            const int64_t piece = share.next.fetch_add(1, std::memory_order_relaxed);
            if (piece < share.end) return piece;
        }
        return -1;
    }

   private:
    struct alignas(64) Dealt {
        std::atomic<int64_t> next{0};
        int64_t end = 0;
    };
    int members_;
    std::vector<Dealt> shares_;
};
