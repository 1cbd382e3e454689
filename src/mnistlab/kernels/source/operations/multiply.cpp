// y = a * b
#include "../broadcast.h"

namespace {

struct Multiply {
    static constexpr bool READS = true;
    static Part value(Part a, Part b) { return a * b; }
    static Part to_first(Part dy, Part, Part b) { return dy * b; }
    static Part to_second(Part dy, Part a, Part) { return dy * a; }
};

REGISTER_OPERATION(multiply, Broadcast<Multiply>);

}  // namespace
