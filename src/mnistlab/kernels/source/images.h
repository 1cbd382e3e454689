// The images of a call and their augmentation, per position in the order.
#pragma once

#include "arguments.h"

struct Images {
    const uint8_t *pixels;         // (n, channels, height, width)
    const int64_t *order;          // indices of images
    const bool *horizontal_flips;  // (positions,) or null
    const bool *vertical_flips;    // (positions,) or null
    const int32_t
        *crops;  // (positions, 2): row and column of the image at which its crop starts; or null
    const float
        *matrices;  // (positions, 2, 3) from target to source, pixels about the centre; or null
    const float *displacements;  // (positions, 2, grid, grid) pixels at control points; or null
    const float *jitters;  // (positions, 3) factors of brightness, contrast and saturation; or null
    const float *sigmas;   // (positions,) of the 3x3 Gaussian; or null
    const float *filters;  // (positions, 5, 5) all zero: none; or null
    const int32_t *erasures;  // (positions, 4): top, left, height, width; or null
    const float *fills;       // (positions,) grey of the box, in 0..1; or null: black
    const int32_t *cutouts;   // (positions, 4): a black box, as an erasure; or null
    const float *amplitudes;  // (positions,) of the grain; null where there is no grain
    const int32_t *starts;    // (positions,) where an image's part of the grain starts; null where
                              // there is no grain
    const float *inversions;  // (positions,) 1: inverted; or null
    const int32_t *mixup_partners;   // (positions,) from an image's position to its partner's; null
                                     // without shares
    const float *mixup_shares;       // (positions,) weight of the image itself; or null
    const int32_t *cutmix_partners;  // as mixup's
    const float *cutmix_shares;      // (positions,) weight of the image's own label; or null
    const int32_t *
        cutmix_boxes;  // (positions, 4): what the partner fills, as an erasure; null without shares
    const float *grain;       // standard normal noise; or null
    const float *mean, *std;  // (channels,) of pixels in 0..1
    int64_t grid;

    explicit Images(Arguments &given)
        : pixels(given.needed<const uint8_t>("pixels")),
          order(given.needed<const int64_t>("order")),
          horizontal_flips(given.array<const bool>("horizontal_flips")),
          vertical_flips(given.array<const bool>("vertical_flips")),
          crops(given.array<const int32_t>("crops")),
          matrices(given.array<const float>("matrices")),
          displacements(given.array<const float>("displacements")),
          jitters(given.array<const float>("jitters")),
          sigmas(given.array<const float>("sigmas")),
          filters(given.array<const float>("filters")),
          erasures(given.array<const int32_t>("erasures")),
          fills(given.array<const float>("fills")),
          cutouts(given.array<const int32_t>("cutouts")),
          amplitudes(given.array<const float>("amplitudes")),
          starts(given.array<const int32_t>("starts")),
          inversions(given.array<const float>("inversions")),
          mixup_partners(given.array<const int32_t>("mixup_partners")),
          mixup_shares(given.array<const float>("mixup_shares")),
          cutmix_partners(given.array<const int32_t>("cutmix_partners")),
          cutmix_shares(given.array<const float>("cutmix_shares")),
          cutmix_boxes(given.array<const int32_t>("cutmix_boxes")),
          grain(given.array<const float>("grain")),
          mean(given.needed<const float>("mean")),
          std(given.needed<const float>("std")),
          grid(given.integer("grid")) {}
};
