// The arguments of a call from Python, by name, so that no structure has to be declared twice.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

class Arguments {
   public:
    // kinds: a character each: 'a' for an array's address, 'i' for an integer, 'f' for the bits of
    // a double.
    Arguments(int32_t count, const char *const *names, const char *kinds, const int64_t *values)
        : names_(names, names + count),
          kinds_(kinds, count),
          values_(values, values + count),
          read_(count) {}

    // Null if it was not given.
    template <class T>
    T *array(const char *name) {
        const int at = find(name, 'a');
        return at < 0 ? nullptr : reinterpret_cast<T *>(values_[at]);
    }

    template <class T>
    T *needed(const char *name) {
        T *const found = array<T>(name);
        if (!found)
            throw std::invalid_argument(std::string("the argument ") + name + " is missing");
        return found;
    }

    int64_t integer(const char *name) {
        const int at = find(name, 'i');
        return at < 0 ? 0 : values_[at];
    }

    double number(const char *name) {
        double result = 0;
        const int at = find(name, 'f');
        if (at >= 0) std::memcpy(&result, &values_[at], sizeof result);
        return result;
    }

    // Refuses names that nobody asked for.
    void end() const {
        for (size_t at = 0; at < names_.size(); at++)
            if (!read_[at])
                throw std::invalid_argument("the argument " + names_[at] + " is unknown");
    }

   private:
    int find(const char *name, char kind) {
        for (size_t at = 0; at < names_.size(); at++) {
            if (names_[at] != name) continue;
            if (kinds_[at] != kind)
                throw std::invalid_argument(std::string("the argument ") + name +
                                            " is of another kind");
            read_[at] = true;
            return static_cast<int>(at);
        }
        return -1;
    }

    std::vector<std::string> names_;
    std::string kinds_;
    std::vector<int64_t> values_;
    std::vector<bool> read_;
};
