// A team of threads that run one function side by side and meet at barriers.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

// Flushes denormal numbers to zero on this thread for as long as it lives.
//
// Once a network's loss nears zero its gradients turn denormal, and arithmetic on them is 20 to 50 times slower.
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

class Barrier {
   public:
    explicit Barrier(int members) : members_(members) {}

    void meet() {
        const uint32_t round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == members_) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            round_.notify_all();
            return;
        }
        // Waits are mostly of microseconds, for which going to sleep would be too slow.
        for (int spin = 0; spin < SPINS; spin++) {
            if (round_.load(std::memory_order_acquire) != round) return;
#if defined(__SSE2__)
            _mm_pause();
#endif
        }
        while (round_.load(std::memory_order_acquire) == round) round_.wait(round, std::memory_order_acquire);
    }

   private:
    static constexpr int SPINS = 40000;
    const int members_;
    std::atomic<int> arrived_{0};
    std::atomic<uint32_t> round_{0};
};

// Calls body(member) on `members` threads, of which the caller is the first. All start, or none does and it throws.
template <class Body>
void run_team(int members, bool flush_denormals, const Body &body) {
    enum { WAIT, GO, CALLED_OFF };
    std::atomic<int> signal{WAIT};
    std::vector<std::thread> others;
    const auto dismiss = [&](int word) {
        signal.store(word, std::memory_order_release);
        signal.notify_all();
    };
    const auto join = [&] {
        for (std::thread &other : others) other.join();
    };
    try {
        others.reserve(members - 1);
        for (int member = 1; member < members; member++)
            others.emplace_back([=, &body, &signal] {
                signal.wait(WAIT, std::memory_order_acquire);
                if (signal.load(std::memory_order_acquire) == CALLED_OFF) return;
                FlushDenormals guard(flush_denormals);
                body(member);
            });
    } catch (...) {
        dismiss(CALLED_OFF);
        join();
        throw;
    }
    dismiss(GO);
    {
        FlushDenormals guard(flush_denormals);
        body(0);
    }
    join();
}

// The share of `count` pieces that falls to one member: from begin to end.
struct Share {
    int64_t begin, end;

    Share(int64_t count, int members, int member)
        : begin(count * member / members), end(count * (member + 1) / members) {}
};

// Pieces of work dealt out in equal shares; who is done with its own takes over from others, since on a shared machine
// threads are not equally fast.
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
