// Layer normalisation (Ba et al., 2016).
#include "block_norm.h"

REGISTER_OPERATION(layer_norm, BlockNorm<true>);
