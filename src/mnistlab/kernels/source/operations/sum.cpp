// y = the sum of x over some axes. Integers: these axes.
#include "../reduce.h"

namespace {

struct Sum : ScaledSum {
    explicit Sum(const Signature &signature) : ScaledSum(signature, false) {}
};

REGISTER_OPERATION(sum, Sum);

}  // namespace
