// Which image of the batch is mixed into another one, by mixup or CutMix.
#pragma once

#include "images.h"

struct Mixing {
    int64_t partner;     // its position
    float share;         // of the image's own label; 1: nothing is mixed in
    const int32_t *box;  // what the partner fills, as an erasure; null: the two are averaged
};

// A batch is mixed by one of the two only.
inline Mixing mixing(const Images &from, int64_t at) {
    if (from.mixup_shares && from.mixup_shares[at] < 1)
        return {at + from.mixup_partners[at], from.mixup_shares[at], nullptr};
    if (from.cutmix_shares && from.cutmix_shares[at] < 1)
        return {at + from.cutmix_partners[at], from.cutmix_shares[at], from.cutmix_boxes + at * 4};
    return {at, 1, nullptr};
}
