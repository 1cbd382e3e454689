// Group normalisation (Wu and He, 2018), each image on its own.
#include "block_norm.h"

REGISTER_OPERATION(group_norm, BlockNorm<true>);
