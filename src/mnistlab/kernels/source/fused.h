// What follows a convolution or a linear layer: batch normalisation, ReLU and 2x2 pooling, each
// optional, in one pass.
//
// With z = scale * x + shift, the fused op computes pool(relu(z)). The backward pass computes z
// again instead of storing it.
#pragma once

#include "crew.h"
#include "lanes.h"

enum PoolKind { NO_POOL = 0, MAX_POOL = 1, AVERAGE_POOL = 2 };

// What a fused op does to each channel.
struct FusedShape {
    int channels, height, width;
    bool relu;
    int pool;

    int64_t in() const { return int64_t(height) * width; }  // Lanes of a channel
    int64_t out() const { return pool == NO_POOL ? in() : int64_t(height / 2) * (width / 2); }
};

// Comparisons are written so that NaN propagates, as in PyTorch.
template <bool RELU>
inline Part rectify(Part z) {
    if constexpr (RELU) return z < splat(0.0f) ? splat(0.0f) : z;
    return z;
}

template <bool RELU>
inline Part relu_grad(Part z, Part grad) {
    if constexpr (RELU) return z <= splat(0.0f) ? splat(0.0f) : grad;
    return grad;
}

inline Part larger(Part best, Part next) { return ((next > best) | (next != next)) ? next : best; }

// z = scale * x + shift, of one channel.
struct Affine {
    Lanes scale, shift;

    Affine(float scale, float shift) {
        for (int p = 0; p < PARTS; p++)
            this->scale.part[p] = splat(scale), this->shift.part[p] = splat(shift);
    }
    // With a factor for each image.
    explicit Affine(const Lanes &scale) : scale(scale), shift{} {}

    Part operator()(Part x, int p) const { return fma(x, scale.part[p], shift.part[p]); }
};

template <bool RELU, int POOL>
void fused_channel(const Lanes *x, Lanes *y, int height, int width, const Affine &affine) {
    if constexpr (POOL == NO_POOL) {
        for (int i = 0; i < height * width; i++)
            for (int p = 0; p < PARTS; p++) y[i].part[p] = rectify<RELU>(affine(x[i].part[p], p));
        return;
    }
    for (int row = 0; row + 1 < height; row += 2)
        for (int column = 0; column + 1 < width; column += 2, y++) {
            const Lanes *at = x + row * width + column;
            for (int p = 0; p < PARTS; p++) {
                const Part z0 = affine(at[0].part[p], p), z1 = affine(at[1].part[p], p);
                const Part z2 = affine(at[width].part[p], p), z3 = affine(at[width + 1].part[p], p);
                if constexpr (POOL == MAX_POOL)
                    y->part[p] = rectify<RELU>(larger(larger(larger(z0, z1), z2), z3));
                else
                    y->part[p] = (rectify<RELU>(z0) + rectify<RELU>(z1) + rectify<RELU>(z2) +
                                  rectify<RELU>(z3)) *
                                 0.25f;
            }
        }
}

// Chains of additions that do not wait for each other.
constexpr int CHAINS = 2;

inline Lanes joined(const Lanes (&sums)[CHAINS]) {
    Lanes all = sums[0];
    for (int chain = 1; chain < CHAINS; chain++)
        for (int p = 0; p < PARTS; p++) all.part[p] += sums[chain].part[p];
    return all;
}

inline void put(Part &to, Part value, bool add) { to = add ? to + value : value; }

// Calls body(chain, i) for begin <= i < end.
template <class Body>
inline void in_chains(int64_t begin, int64_t end, const Body &body) {
    int64_t i = begin;
    for (; i + CHAINS <= end; i += CHAINS)
        for (int chain = 0; chain < CHAINS; chain++) body(chain, i + chain);
    for (; i < end; i++) body(0, i);
}

// Calls emit(chain, index in Lanes, part, x, dz) once for every position and part of a channel.
template <bool RELU, int POOL, class Emit>
inline void fused_grads(const Lanes *x, const Lanes *dy, int height, int width,
                        const Affine &affine, const Emit &emit) {
    if constexpr (POOL == NO_POOL) {
        in_chains(0, int64_t(height) * width, [&](int chain, int64_t i) {
            for (int p = 0; p < PARTS; p++) {
                const Part value = x[i].part[p];
                emit(chain, i, p, value, relu_grad<RELU>(affine(value, p), dy[i].part[p]));
            }
        });
        return;
    }
    for (int row = 0; row + 1 < height; row += 2)
        for (int column = 0; column + 1 < width; column += 2, dy++)
            for (int p = 0; p < PARTS; p++) {
                const int at[4] = {row * width + column, row * width + column + 1,
                                   (row + 1) * width + column, (row + 1) * width + column + 1};
                Part value[4], z[4];
                for (int i = 0; i < 4; i++) {
                    value[i] = x[at[i]].part[p];
                    z[i] = affine(value[i], p);
                }
                if constexpr (POOL == AVERAGE_POOL) {
                    for (int i = 0; i < 4; i++)
                        emit(i % CHAINS, at[i], p, value[i],
                             relu_grad<RELU>(z[i], dy->part[p] * 0.25f));
                } else {
                    // The gradient goes to the first of the largest values only.
                    const Part best = larger(larger(larger(z[0], z[1]), z[2]), z[3]);
                    Part left = relu_grad<RELU>(best, dy->part[p]);
                    for (int i = 0; i < 3; i++) {
                        const PartMask chosen = z[i] == best;
                        emit(i % CHAINS, at[i], p, value[i], chosen ? left : splat(0.0f));
                        left = chosen ? splat(0.0f) : left;
                    }
                    emit(3 % CHAINS, at[3], p, value[3], left);
                }
            }
    // An odd last row or column is in no window.
    const auto leave = [&](int i) {
        for (int p = 0; p < PARTS; p++) emit(0, i, p, x[i].part[p], splat(0.0f));
    };
    if (height % 2)
        for (int column = 0; column < width; column++) leave((height - 1) * width + column);
    if (width % 2)
        for (int row = 0; row < height - height % 2; row++) leave(row * width + width - 1);
}

// Calls f.template operator()<RELU, POOL>() with the shape's own.
template <class Function>
void with_fused(const FusedShape &shape, const Function &f) {
    switch (shape.pool * 2 + (shape.relu ? 1 : 0)) {
        case 0:
            return f.template operator()<false, NO_POOL>();
        case 1:
            return f.template operator()<true, NO_POOL>();
        case 2:
            return f.template operator()<false, MAX_POOL>();
        case 3:
            return f.template operator()<true, MAX_POOL>();
        case 4:
            return f.template operator()<false, AVERAGE_POOL>();
        default:
            return f.template operator()<true, AVERAGE_POOL>();
    }
}
