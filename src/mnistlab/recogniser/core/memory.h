// Memory: taken from a stack, given back all at once at the end of a scope.
//
// A reading takes what it needs and forgets it. Nothing is freed one by one, and memory that was
// taken once is used again by the next reading.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace memory {
void *take(
    size_t bytes);  // 16 bytes aligned; its content is undefined; traps if there is none left
void *top();        // where the next piece would start
void release(void *mark);  // gives back all that was taken since top() was `mark`
}  // namespace memory

// What is taken while it lives is given back when it ends.
class Scope {
   public:
    Scope() : mark(memory::top()) {}
    ~Scope() { memory::release(mark); }
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

   private:
    void *mark;
};

// A growing array of plain values, without a destructor: its scope gives the memory back.
template <class T>
class Array {
   public:
    Array() = default;
    explicit Array(int size) { resize(size); }

    // New elements are undefined.
    void resize(int size) {
        reserve(size);
        count = size;
    }
    void resize(int size, T value) {
        int from = count;
        resize(size);
        for (int i = from; i < size; i++) elements[i] = value;
    }
    void reserve(int size) {
        if (size <= room) return;
        T *larger = static_cast<T *>(memory::take(size_t(size) * sizeof(T)));
        if (count) __builtin_memcpy(larger, elements, size_t(count) * sizeof(T));
        elements = larger;
        room = size;
    }
    void push(T value) {
        if (count == room) reserve(room ? 2 * room : 16);
        elements[count++] = value;
    }
    void clear() { count = 0; }
    int size() const { return count; }
    bool empty() const { return count == 0; }
    T *data() { return elements; }
    const T *data() const { return elements; }
    T *begin() { return elements; }
    T *end() { return elements + count; }
    const T *begin() const { return elements; }
    const T *end() const { return elements + count; }
    T &operator[](int i) { return elements[i]; }
    const T &operator[](int i) const { return elements[i]; }
    T &back() { return elements[count - 1]; }

   private:
    T *elements = nullptr;
    int count = 0, room = 0;
};
