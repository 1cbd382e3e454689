#include "block_norm.h"

REGISTER_OPERATION(instance_norm, BlockNorm<true>);
