#include "memory.h"

#ifdef __wasm__

extern uint8_t __heap_base;

namespace memory {
constexpr size_t PAGE = 65536;
static uint8_t *next = nullptr;

static size_t round_up(size_t bytes) { return (bytes + 15) & ~size_t(15); }

void *top() {
    if (!next) next = reinterpret_cast<uint8_t *>(round_up(reinterpret_cast<size_t>(&__heap_base)));
    return next;
}

void *take(size_t bytes) {
    uint8_t *piece = static_cast<uint8_t *>(top());
    size_t held = size_t(__builtin_wasm_memory_size(0)) * PAGE;
    size_t start = reinterpret_cast<size_t>(piece);
    if (bytes > SIZE_MAX / 4) __builtin_trap();
    size_t end = round_up(start + bytes);
    if (end > held) {
        size_t pages = (end - held + PAGE - 1) / PAGE;
        if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) __builtin_trap();
    }
    next = reinterpret_cast<uint8_t *>(end);
    return piece;
}

void release(void *mark) { next = static_cast<uint8_t *>(mark); }
}  // namespace memory

#else

#include <stdlib.h>

namespace memory {
// A piece each from the system, so that sanitisers see reads and writes past its end.
struct Piece {
    Piece *before;
};
static Piece *last = nullptr;

void *top() { return last; }

void *take(size_t bytes) {
    // A piece's own link stands 16 bytes before it.
    uint8_t *block = static_cast<uint8_t *>(malloc(bytes + 16));
    if (!block) abort();
    Piece *piece = reinterpret_cast<Piece *>(block);
    piece->before = last;
    last = piece;
    return block + 16;
}

void release(void *mark) {
    while (last != mark) {
        Piece *piece = last;
        last = piece->before;
        free(piece);
    }
}
}  // namespace memory

#endif
