#include "block_norm.h"

REGISTER_OPERATION(group_norm, BlockNorm<true>);
