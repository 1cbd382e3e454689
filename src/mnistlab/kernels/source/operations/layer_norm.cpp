#include "block_norm.h"

REGISTER_OPERATION(layer_norm, BlockNorm<true>);
