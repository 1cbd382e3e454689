// y = the mean of x over some axes. Integers: these axes.
#include "../reduce.h"

namespace {

struct Mean : ScaledSum {
    explicit Mean(const Signature &signature) : ScaledSum(signature, true) {}
};

REGISTER_OPERATION(mean, Mean);

}  // namespace
