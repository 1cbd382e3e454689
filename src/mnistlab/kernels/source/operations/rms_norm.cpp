#include "block_norm.h"

REGISTER_OPERATION(rms_norm, BlockNorm<false>);
