// y = a / b
#include "../broadcast.h"

namespace {

struct Divide {
    static constexpr bool READS = true;
    static Part value(Part a, Part b) { return a / b; }
    static Part to_first(Part dy, Part, Part b) { return dy / b; }
    static Part to_second(Part dy, Part a, Part b) { return -dy * (a / b / b); }
};

REGISTER_OPERATION(divide, Broadcast<Divide>);

}  // namespace
