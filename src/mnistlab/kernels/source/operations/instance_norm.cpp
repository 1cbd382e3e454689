// Instance normalisation (Ulyanov et al., 2016), without running averages.
#include "block_norm.h"

REGISTER_OPERATION(instance_norm, BlockNorm<true>);
