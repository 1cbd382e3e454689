// Networks in integers: the same bits on every machine.
//
// Activations are int16, channels last: a tensor holds `channels` values for each position of its
// grid, and rows of positions are padded left, right, above and below. Weights are int16, sums
// int32, which cannot overflow (see model.cpp); a sum times its channel's scale, rounded, is the
// next activation. Every activation lies within LARGEST.
#pragma once

#include "memory.h"

constexpr int LARGEST = 16383;
constexpr int MOST_LAYERS = 64;  // of a network
constexpr int CELL = 8;          // pixels to a side of what is computed or left out as a whole

enum class Kind : int32_t { DENSE = 0, DEPTHWISE = 1, MEAN = 2 };

// One layer, as it stands in the model file; see quantise.py.
struct Layer {
    Kind kind;
    int32_t inputs, outputs, kernel, stride, padding;
    int32_t positive;  // whether values below zero become zero
    int32_t residual;  // which layer's output is added, counted from the first; -1: none
    int32_t weights_at, biases_at, scales_at, ratios_at;  // in bytes from the start of the file
    const int16_t *weights;
    const int32_t *biases;
    const float *scales, *ratios;  // sum -> output; residual -> output
};

struct Network {
    const Layer *layers = nullptr;
    int count = 0;
    int outputs = 0;  // of the last layer, without those that fill up a vector
    const Layer &last() const { return layers[count - 1]; }
};

// The networks of a model file, which has to stay in memory.
struct Model {
    Network detector;    // picture -> features of cells of 8x8 pixels
    Network planes;      // one layer: features -> Detector::PLANES values for each of four subcells
    Network classes;     // four layers, one for each subcell: features -> logits
    Network classifier;  // cut-out -> logits; may be missing

    // How far the answers of both are trusted, see calibration.py.
    static constexpr int POWERS = 4;
    float powers[POWERS];

    // Returns false if the file is truncated, damaged or of another version.
    bool open(const uint8_t *file, int size);
};

// Positions of `images` tensors of one size, one below the other, with BORDER more on each side.
struct Grid {
    static constexpr int BORDER = 2;
    int images, height, width;
    int pitch() const { return width + 2 * BORDER; }
    int tall() const { return height + 2 * BORDER; }
    int size() const { return images * tall() * pitch(); }
    int at(int image, int row, int column) const {
        return (image * tall() + row + BORDER) * pitch() + column + BORDER;
    }
    bool operator==(const Grid &) const = default;
};

// Some of a grid's positions.
struct Positions {
    Grid grid;
    Array<int> at;    // those to compute
    Array<int> from;  // where in the grid before their upper left input lies, without padding
    Array<int> near;  // those whose blank value others may need
};

// A run's result: the last layer's activations, where they are, and what they are where the paper
// is blank all around (null if everything was computed).
struct Features {
    const int16_t *values = nullptr;
    Positions positions;
    const int16_t *blank = nullptr;
};

// Runs a network. `pixels`: grey values less 128 and zeros around them, on the grid `input`.
// `active`: a byte for each cell of 8x8 pixels, or null for all; elsewhere the paper is taken to
// be blank, of the grey `blank`, and the features there are undefined.
Features run(const Network &network, const int16_t *pixels, Grid input, const uint8_t *active,
             int blank);

// The detector on one picture. All that it takes lies in the scope of the caller.
class Detector {
   public:
    static constexpr int PLANES = 8, CLASSES = 20;
    int width = 0, height = 0;  // in cells of 4x4 pixels

    explicit Detector(const Model &model) : model(model) {}

    // `grey`: height x width, both multiples of 8, at least 8. `active`: a byte for each 8x8
    // pixels, not zero where there may be something, or null for everywhere. `blank`: the paper's
    // grey, which all else is taken for.
    void run(const uint8_t *grey, int width, int height, const uint8_t *active, int blank);

    // Middle's logit, offset x and y, logarithms of width and height, logits of level and upright
    // rulings and of other ink: height x width; blank where not active.
    const float *plane(int channel) const { return planes.data() + channel * height * width; }

    // Logits of the classes, of an active cell.
    void classes(int row, int column, float (&out)[CLASSES]) const;

   private:
    const Model &model;
    Features features;
    Array<float> planes;
};

// The classifier of cut-outs, three views of 32x32 pixels.
class Classifier {
   public:
    // OUTPUTS: logits of 21 classes, then how far each edge of the box is off.
    static constexpr int SIDE = 32, VIEWS = 3, BATCH = 16, OUTPUTS = 25;
    explicit Classifier(const Model &model) : model(model) {}

    // `said`: count x OUTPUTS.
    void run(const uint8_t *cutouts, int count, float *said) const;

   private:
    const Model &model;
};
