// The layers, computed at some positions of a grid.
#pragma once

#include "network.h"
#include "simd.h"

// Writes activations.
class Rounded {
   public:
    Rounded(const Layer &layer, const int *at, int16_t *out, const int16_t *residual)
        : layer(layer), at(at), out(out), residual(residual),
          lowest(splat(layer.positive ? 0 : -LARGEST)) {}

    void operator()(int i, int channel, I32x4 a, I32x4 b) const {
        store(out + at[i] * layer.outputs + channel,
              narrow(activation(i, channel, a), activation(i, channel + 4, b)));
    }
    void operator()(int i, int channel, I32x4 a) const {
        I32x4 value = activation(i, channel, a);
        store_half(out + at[i] * layer.outputs + channel, narrow(value, value));
    }

   private:
    I32x4 activation(int i, int channel, I32x4 sum) const {
        F32x4 value = to_float(sum) * load<F32x4>(layer.scales + channel);
        if (residual) {
            I16x8 before = load_half(residual + at[i] * layer.outputs + channel);
            value = value + to_float(widen_low(before)) * load<F32x4>(layer.ratios + channel);
        }
        return round(smaller(larger(value, lowest), splat(LARGEST)));
    }

    const Layer &layer;
    const int *at;
    int16_t *out;
    const int16_t *residual;
    F32x4 lowest;
};

// Writes logits: rows of `outputs`.
class Logits {
   public:
    Logits(const Layer &layer, float *out) : layer(layer), out(out) {}
    void operator()(int i, int channel, I32x4 a, I32x4 b) const {
        (*this)(i, channel, a);
        (*this)(i, channel + 4, b);
    }
    void operator()(int i, int channel, I32x4 a) const {
        store(out + i * layer.outputs + channel,
              to_float(a) * load<F32x4>(layer.scales + channel));
    }

   private:
    const Layer &layer;
    float *out;
};

// Sums of 4 positions and 4 * VECTORS outputs. Weights of two neighbouring inputs stand side by
// side, as `dot` takes them.
template <int VECTORS, class Write>
inline void multiply(const Layer &layer, const int16_t *const (&inputs)[4], int row_step,
                     const int16_t *weights, int channel, int first, int count, Write write) {
    int pairs = (layer.kernel * layer.inputs + 1) / 2;
    I32x4 sums[4][VECTORS];
    for (int v = 0; v < VECTORS; v++) {
        I32x4 bias = load<I32x4>(layer.biases + channel + 4 * v);
        for (int p = 0; p < 4; p++) sums[p][v] = bias;
    }
    const int16_t *a = inputs[0], *b = inputs[1], *c = inputs[2], *d = inputs[3];
    for (int row = 0; row < layer.kernel; row++) {
        for (int i = 0; i < pairs; i++) {
            I16x8 w[VECTORS];
            for (int v = 0; v < VECTORS; v++) w[v] = load<I16x8>(weights + 8 * v);
            weights += 8 * VECTORS;
            I16x8 pa = load_pair(a + 2 * i), pb = load_pair(b + 2 * i);
            I16x8 pc = load_pair(c + 2 * i), pd = load_pair(d + 2 * i);
            for (int v = 0; v < VECTORS; v++) {
                sums[0][v] += dot(pa, w[v]);
                sums[1][v] += dot(pb, w[v]);
                sums[2][v] += dot(pc, w[v]);
                sums[3][v] += dot(pd, w[v]);
            }
        }
        a += row_step, b += row_step, c += row_step, d += row_step;
    }
    for (int p = 0; p < count; p++) {
        if constexpr (VECTORS == 2) {
            write(first + p, channel, sums[p][0], sums[p][1]);
        } else {
            write(first + p, channel, sums[p][0]);
        }
    }
}

// A dense convolution at `count` positions, from inputs whose upper left corners `from` tells.
// Rows of a kernel are runs of neighbouring values; a run of odd length reads one more, whose
// weight is 0.
template <class Write>
inline void dense(const Layer &layer, const int16_t *in, int pitch, const int *from, int count,
                  Write write) {
    int back = layer.padding * (pitch + 1), row_step = pitch * layer.inputs;
    int size = layer.kernel * ((layer.kernel * layer.inputs + 1) / 2 * 2);
    for (int first = 0; first < count; first += 4) {
        const int16_t *inputs[4];
        int held = count - first < 4 ? count - first : 4;
        for (int p = 0; p < 4; p++) {
            inputs[p] = in + (from[first + (p < held ? p : 0)] - back) * layer.inputs;
        }
        const int16_t *weights = layer.weights;
        int channel = 0;
        for (; channel + 8 <= layer.outputs; channel += 8, weights += 8 * size) {
            multiply<2>(layer, inputs, row_step, weights, channel, first, held, write);
        }
        if (channel < layer.outputs) {
            multiply<1>(layer, inputs, row_step, weights, channel, first, held, write);
        }
    }
}

// Four channels at COUNT neighbouring positions. Two rows are taken at a time, side by side.
template <int KERNEL, int COUNT, class Write>
inline void look_around(const Layer &layer, const int16_t *in, int row_step,
                        const int16_t *weights, int channel, int first, Write write) {
    I32x4 bias = load<I32x4>(layer.biases + channel), sums[COUNT];
    for (int p = 0; p < COUNT; p++) sums[p] = bias;
    for (int row = 0; row < KERNEL; row += 2) {
        const int16_t *below = row + 1 < KERNEL ? in + row_step : in;  // else its weights are 0
#pragma GCC unroll 8
        for (int x = 0; x < KERNEL + COUNT - 1; x++) {
            I16x8 pair = interleave(load_half(in + x * layer.inputs),
                                    load_half(below + x * layer.inputs));
            for (int p = 0; p < COUNT; p++) {
                int tap = x - p;
                if (tap >= 0 && tap < KERNEL) sums[p] += dot(pair, load<I16x8>(weights + 8 * tap));
            }
        }
        in += 2 * row_step;
        weights += 8 * KERNEL;
    }
    for (int p = 0; p < COUNT; p++) write(first + p, channel, sums[p]);
}

template <int KERNEL, class Write>
inline void depthwise(const Layer &layer, const int16_t *in, int pitch, const int *from, int count,
                      Write write) {
    constexpr int SIZE = 8 * KERNEL * ((KERNEL + 1) / 2);
    int back = layer.padding * (pitch + 1), row_step = pitch * layer.inputs;
    for (int first = 0; first < count;) {
        const int16_t *start = in + (from[first] - back) * layer.inputs;
        bool four = first + 3 < count && from[first + 3] == from[first] + 3;
        for (int channel = 0; channel < layer.outputs; channel += 4) {
            const int16_t *weights = layer.weights + channel / 4 * SIZE;
            if (four) {
                look_around<KERNEL, 4>(layer, start + channel, row_step, weights, channel, first,
                                       write);
            } else {
                look_around<KERNEL, 1>(layer, start + channel, row_step, weights, channel, first,
                                       write);
            }
        }
        first += four ? 4 : 1;
    }
}
