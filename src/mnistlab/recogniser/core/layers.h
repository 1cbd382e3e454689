// The layers, computed at some positions of a grid.
#pragma once

#include "network.h"
#include "simd.h"

// Writes activations.
class Rounded {
   public:
    Rounded(const Layer &layer, const int *at, int16_t *out, const int16_t *residual)
        : outputs(layer.outputs),
          scales(layer.scales),
          ratios(layer.ratios),
          at(at),
          out(out),
          residual(residual),
          lowest(splat(layer.positive ? 0 : -LARGEST)) {}

    void operator()(int i, int channel, I32x4 a, I32x4 b) const {
        store(out + at[i] * outputs + channel,
              narrow(activation(i, channel, a), activation(i, channel + 4, b)));
    }
    void operator()(int i, int channel, I32x4 a) const {
        I32x4 value = activation(i, channel, a);
        store_half(out + at[i] * outputs + channel, narrow(value, value));
    }

   private:
    I32x4 activation(int i, int channel, I32x4 sum) const {
        F32x4 value = to_float(sum) * load<F32x4>(scales + channel);
        if (residual) {
            I16x8 before = load_half(residual + at[i] * outputs + channel);
            value = value + to_float(widen_low(before)) * load<F32x4>(ratios + channel);
        }
        return round(smaller(larger(value, lowest), splat(LARGEST)));
    }

    // Copies: a store might change the layer, as far as the compiler knows.
    int outputs;
    const float *scales, *ratios;
    const int *at;
    int16_t *out;
    const int16_t *residual;
    F32x4 lowest;
};

// Writes logits: rows of `outputs`.
class Logits {
   public:
    Logits(const Layer &layer, float *out)
        : outputs(layer.outputs), scales(layer.scales), out(out) {}
    void operator()(int i, int channel, I32x4 a, I32x4 b) const {
        (*this)(i, channel, a);
        (*this)(i, channel + 4, b);
    }
    void operator()(int i, int channel, I32x4 a) const {
        store(out + i * outputs + channel, to_float(a) * load<F32x4>(scales + channel));
    }

   private:
    int outputs;
    const float *scales;
    float *out;
};

// Sums of 4 positions and 4 * VECTORS outputs. `spread`: each pair of inputs four times, for each
// of the positions. Weights of two inputs stand side by side, as `dot` takes them.
template <int VECTORS, class Write>
INLINE void multiply(const Layer &layer, const int16_t *spread, int pairs, const int16_t *weights,
                     int channel, int first, int count, Write write) {
    I32x4 sums[4][VECTORS];
    for (int v = 0; v < VECTORS; v++) {
        I32x4 bias = load<I32x4>(layer.biases + channel + 4 * v);
        for (int p = 0; p < 4; p++) sums[p][v] = bias;
    }
    for (int i = 0; i < pairs; i++, spread += 32, weights += 8 * VECTORS) {
        for (int p = 0; p < 4; p++) {
            I16x8 pair = load<I16x8>(spread + 8 * p);
            for (int v = 0; v < VECTORS; v++) {
                sums[p][v] += dot(pair, load<I16x8>(weights + 8 * v));
            }
        }
    }
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++) {
        // With a variable index the sums would have to lie in memory.
        if (p >= count) break;
        if constexpr (VECTORS == 2) {
            write(first + p, channel, sums[p][0], sums[p][1]);
        } else {
            write(first + p, channel, sums[p][0]);
        }
    }
}

// Pairs of inputs of an output. Rows of a kernel are runs of neighbouring values; a run of odd
// length reads one more, whose weight is 0.
inline int count_pairs(const Layer &layer) {
    return layer.kernel * ((layer.kernel * layer.inputs + 1) / 2);
}

// A dense convolution at `count` positions, from inputs whose upper left corners `from` tells.
template <class Write>
INLINE void dense(const Layer &layer, const int16_t *in, int pitch, const int *from, int count,
                  Write write) {
    Scope scope;
    int pairs = count_pairs(layer), run = pairs / layer.kernel;
    int back = layer.padding * (pitch + 1), row_step = pitch * layer.inputs;
    int16_t *spread = static_cast<int16_t *>(memory::take(size_t(pairs) * 4 * sizeof(I16x8)));
    for (int first = 0; first < count; first += 4) {
        int held = count - first < 4 ? count - first : 4;
        for (int p = 0; p < 4; p++) {
            const int16_t *row = in + (from[first + (p < held ? p : 0)] - back) * layer.inputs;
            int16_t *out = spread + 8 * p;
            for (int y = 0; y < layer.kernel; y++, row += row_step) {
                for (int i = 0; i < run; i++, out += 32) store(out, load_pair(row + 2 * i));
            }
        }
        const int16_t *weights = layer.weights;
        int channel = 0;
        for (; channel + 8 <= layer.outputs; channel += 8, weights += 16 * pairs) {
            multiply<2>(layer, spread, pairs, weights, channel, first, held, write);
        }
        if (channel < layer.outputs) {
            multiply<1>(layer, spread, pairs, weights, channel, first, held, write);
        }
    }
}

constexpr int RUN = 16;  // neighbouring positions of a depthwise convolution at a time

// Two rows of inputs side by side, as `dot` takes them: four channels of `columns` positions.
INLINE void interleave_rows(const int16_t *row, const int16_t *below, int channels, int columns,
                            I16x8 *out) {
    for (int x = 0; x < columns; x++, row += channels, below += channels) {
        store(out + x, interleave(load_half(row), load_half(below)));
    }
}

// Four channels at four neighbouring positions, of which `count` are wanted.
template <int KERNEL, int STEP, class Write>
INLINE void look_around(const I16x8 *rows, int columns, const int16_t *weights, I32x4 bias,
                        int channel, int first, int count, Write write) {
    I32x4 sums[4] = {bias, bias, bias, bias};
    for (int row = 0; row < KERNEL; row += 2, rows += columns, weights += 8 * KERNEL) {
#pragma GCC unroll 8
        for (int x = 0; x < KERNEL; x++) {
            I16x8 w = load<I16x8>(weights + 8 * x);
            for (int p = 0; p < 4; p++) sums[p] += dot(load<I16x8>(rows + x + p * STEP), w);
        }
    }
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++) {
        if (p >= count) break;
        write(first + p, channel, sums[p]);
    }
}

// A depthwise convolution. Rows of inputs are taken two at a time; of the last, alone, the other's
// weights are 0.
template <int KERNEL, int STEP, class Write>
INLINE void depthwise(const Layer &layer, const int16_t *in, int pitch, const int *from, int count,
                      Write write) {
    constexpr int COLUMNS = (RUN - 1) * STEP + KERNEL, PAIRS = (KERNEL + 1) / 2;
    I16x8 rows[PAIRS * COLUMNS];
    int channels = layer.inputs, step = pitch * channels;
    const int16_t *layer_weights = layer.weights;
    const int32_t *biases = layer.biases;
    in -= KERNEL / 2 * (pitch + 1) * channels;
    for (int first = 0, held; first < count; first += held) {
        held = 1;
        while (held < RUN && first + held < count &&
               from[first + held] == from[first] + held * STEP) {
            held++;
        }
        const int16_t *start = in + from[first] * channels, *weights = layer_weights;
        // Whole groups of four positions are computed.
        int columns = ((held + 3) / 4 * 4 - 1) * STEP + KERNEL;
        for (int channel = 0; channel < channels; channel += 4, weights += 8 * PAIRS * KERNEL) {
            for (int pair = 0; pair < PAIRS; pair++) {
                const int16_t *row = start + channel + 2 * pair * step;
                interleave_rows(row, 2 * pair + 1 < KERNEL ? row + step : row, channels, columns,
                                rows + pair * COLUMNS);
            }
            I32x4 bias = load<I32x4>(biases + channel);
            for (int done = 0; done < held; done += 4) {
                look_around<KERNEL, STEP>(rows + done * STEP, COLUMNS, weights, bias, channel,
                                          first + done, held - done, write);
            }
        }
    }
}
