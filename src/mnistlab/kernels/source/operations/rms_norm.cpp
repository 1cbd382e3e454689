// Root mean square normalisation (Zhang and Sennrich, 2019).
#include "block_norm.h"

REGISTER_OPERATION(rms_norm, BlockNorm<false>);
