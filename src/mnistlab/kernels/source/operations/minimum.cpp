// y = min(a, b); NaN if either is. Equal operands share the gradient, as in PyTorch.
#include "../broadcast.h"

namespace {

struct Minimum {
    static constexpr bool READS = true;
    static Part value(Part a, Part b) { return ((b < a) | (b != b)) ? b : a; }
    static Part to_first(Part dy, Part a, Part b) {
        return a > b ? splat(0) : a == b ? dy * 0.5f : dy;
    }
    static Part to_second(Part dy, Part a, Part b) { return to_first(dy, b, a); }
};

REGISTER_OPERATION(minimum, Broadcast<Minimum>);

}  // namespace
