// The interface to Python: plain C structures and functions. kernels/structures.py declares the same.
#pragma once

#include <cstdint>

enum LayerKind : int32_t { CONVOLUTION = 0, FUSED = 1, GLOBAL_AVERAGE = 2, DROPOUT = 3, ADDITION = 4 };
enum PoolKind : int32_t { NO_POOL = 0, MAX_POOL = 1, AVERAGE_POOL = 2 };
enum OptimizerKind : int32_t { SGD = 0, ADAMW = 1, NO_UPDATE = 2, ADAM = 3 };

struct Shape {
    int32_t channels, height, width;
    int64_t size() const { return int64_t(channels) * height * width; }
};

// One layer. Value 0 is the input image; layer k makes value k + 1. Tensors are indices into the
// call's table, or -1.
struct Layer {
    int32_t kind, input, other;      // other: the second summand of an addition
    Shape in, out;
    int32_t kernel_height, kernel_width, pad_height, pad_width;
    int32_t batch_norm, relu, pool;  // a fused op: batch normalisation, then ReLU, then 2x2 pooling, each optional
    int32_t weight, bias;                 // parameters
    int32_t mean, variance, batches;      // running averages: tensors
    float epsilon, momentum, drop;
};

struct Parameter {
    float *value;
    float *gradient;  // of the last step; null if it is not trained
    float *first, *second, *average;  // momentum or first moment, second moment, running average; or null
    int64_t rows, columns;
};

// The images of a call and their augmentation, per position in the order.
struct Images {
    const uint8_t *pixels;         // (n, channels, height, width)
    const int64_t *labels;         // (n,)
    const int64_t *order;          // indices of images
    const bool *horizontal_flips;  // (positions,) or null
    const bool *vertical_flips;    // (positions,) or null
    const int32_t *crops;          // (positions, 2): row and column of the image at which its crop starts; or null
    const float *matrices;         // (positions, 2, 3) from target to source, pixels about the centre; or null
    const float *displacements;    // (positions, 2, grid, grid) pixels at control points; or null
    const float *jitters;          // (positions, 3) factors of brightness, contrast and saturation; or null
    const float *sigmas;           // (positions,) of the 3x3 Gaussian; or null
    const float *filters;          // (positions, 5, 5) all zero: none; or null
    const int32_t *erasures;       // (positions, 4): top, left, height, width; or null
    const float *fills;            // (positions,) grey of the box, in 0..1; or null: black
    const int32_t *cutouts;        // (positions, 4): a black box, as an erasure; or null
    const float *amplitudes;       // (positions,) of the grain; null where there is no grain
    const int32_t *starts;         // (positions,) where an image's part of the grain starts; null where there is no grain
    const float *inversions;       // (positions,) 1: inverted; or null
    const int32_t *mixup_partners;   // (positions,) from an image's position to its partner's; null without shares
    const float *mixup_shares;       // (positions,) weight of the image itself; or null
    const int32_t *cutmix_partners;  // as mixup's
    const float *cutmix_shares;      // (positions,) weight of the image's own label; or null
    const int32_t *cutmix_boxes;     // (positions, 4): what the partner fills, as an erasure; null without shares
    const float *grain;            // standard normal noise; or null
    const float *mean, *std;       // (channels,) of pixels in 0..1
    int32_t grid;
};

struct Optimizer {
    int32_t kind, nesterov;
    double momentum, weight_decay, beta1, beta2, epsilon, average_decay;  // average_decay 0: no average
    int64_t steps_done;                                                  // before this call's first batch
};

struct Training {
    Images images;
    Optimizer optimizer;
    Parameter *parameters;
    void **tensors;
    const int64_t *bounds;          // (batches + 1,) positions in the order
    const double *rates;            // (batches,) learning rates
    const uint64_t *dropout_seeds;  // (batches,)
    const float *class_weights;     // (classes,) of the loss; null: all 1
    int64_t first_batch, last_batch;
    float smoothing;
    int32_t threads;
    float *losses;  // (batches,) mean of each
    int32_t *correct;  // (batches,)
};

struct Evaluation {
    Images images;
    Parameter *parameters;
    void **tensors;
    int64_t count;  // positions
    int32_t threads;
    float *logits;  // (count, classes)
};

struct Engine;

extern "C" {
int32_t mnistlab_layout(int32_t structure);  // sizeof the structures above, in their order, to check that Python declares the same
Engine *mnistlab_plan(const Layer *layers, int32_t layer_count, int32_t parameter_count, Shape input, int32_t classes);
int32_t mnistlab_train(Engine *engine, const Training *training);        // 0, or 1 when out of memory or threads
int32_t mnistlab_evaluate(Engine *engine, const Evaluation *evaluation);  // the same
void mnistlab_free(Engine *engine);
// For a test that compares the numbers with another implementation.
void mnistlab_philox(uint64_t seed, const uint32_t counter[4], uint32_t result[4]);
}
