// What the compiler and the standard library's headers need of a system, which there is none of in
// WebAssembly. The library itself is not linked: building it takes a minute, and it would print.
#include <cmath>
#include <cstdint>
#include <new>

#include "memory.h"

// Memory is given back as a whole, see memory.h.
void *operator new(size_t bytes) { return memory::take(bytes); }
void *operator new[](size_t bytes) { return memory::take(bytes); }
void *operator new(size_t bytes, const std::nothrow_t &) noexcept { return memory::take(bytes); }
void operator delete(void *) noexcept {}
void operator delete[](void *) noexcept {}
void operator delete(void *, size_t) noexcept {}
void operator delete[](void *, size_t) noexcept {}

#ifdef __wasm__

const std::nothrow_t std::nothrow{};

[[noreturn]] void std::__libcpp_verbose_abort(const char *, ...) noexcept { __builtin_trap(); }

extern "C" {

void __wasm_call_ctors();

// Called once, before anything else.
__attribute__((export_name("_initialize"))) void initialize() { __wasm_call_ctors(); }

// 2^k times a polynomial of the rest, which is at most ln(2) / 2 in size; to 2e-8 of the value.
float expf(float x) {
    if (!(x > -104)) return x != x ? x : 0;
    if (x > 89) return INFINITY;
    double k = __builtin_rint(double(x) * 1.4426950408889634);
    double r = double(x) - k * 0.6931471805599453, sum = 1;
    for (int i = 8; i > 0; i--) sum = 1 + sum * r / i;
    return float(sum * __builtin_bit_cast(double, uint64_t(int64_t(k) + 1023) << 52));
}

// The logarithm of 2^k, and 2 atanh((m - 1) / (m + 1)) for the rest, m from sqrt(1/2) to sqrt(2).
float logf(float x) {
    if (x == 0) return -INFINITY;
    if (!(x > 0)) return NAN;
    if (x == INFINITY) return x;
    uint64_t bits = __builtin_bit_cast(uint64_t, double(x));
    int64_t k = int64_t((bits - 0x3FE6A09E667F3BCDu) >> 52) << 52 >> 52;
    double m = __builtin_bit_cast(double, bits - (uint64_t(k) << 52));
    double s = (m - 1) / (m + 1), square = s * s, sum = 0;
    for (int i = 13; i > 0; i -= 2) sum = sum * square + 1.0 / i;
    return float(double(k) * 0.6931471805599453 + 2 * s * sum);
}

}  // extern "C"

#endif
