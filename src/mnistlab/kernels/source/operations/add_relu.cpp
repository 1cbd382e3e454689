// y = max(a + b, 0), the end of a residual block. The backward pass adds once more.
#include "../broadcast.h"
#include "../fused.h"

namespace {

struct AddRelu {
    static constexpr bool READS = true;
    static Part value(Part a, Part b) { return rectify<true>(a + b); }
    static Part to_first(Part dy, Part a, Part b) { return relu_grad<true>(a + b, dy); }
    static Part to_second(Part dy, Part a, Part b) { return relu_grad<true>(a + b, dy); }
};

REGISTER_OPERATION(add_relu, Broadcast<AddRelu>);

}  // namespace
