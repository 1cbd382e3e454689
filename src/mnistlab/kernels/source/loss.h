// Loss: what training minimises. One file in losses/ defines one, and registers it by name.
//
// The network's output is (classes) or (classes, height, width) for each image; a label belongs to
// each image, or to each of its positions.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "lanes.h"

struct Score {
    double loss;  // summed, nats
    int64_t correct;
};

struct Target {
    int64_t label, other;  // below 0: no label, which counts for nothing
    float share;           // of label; the rest is other's
};

// One image at one position: its outputs lie `step` floats apart, from class to class, and so do
// the gradients.
struct Outputs {
    const float *values;
    float *grads;
    int64_t step;
    int classes;

    float operator[](int64_t c) const { return values[c * step]; }
    float &grad(int64_t c) const { return grads[c * step]; }
};

class Loss {
   public:
    virtual ~Loss() = default;

    // What a target adds to the divisor of the summed losses.
    virtual double weight(const Target &) const { return 1; }

    // Returns the loss, and writes its gradient times `scale`.
    virtual double score(const Outputs &outputs, const Target &target, float scale) const = 0;
};

// Constants of a loss; those that are not its own are ignored.
struct LossSettings {
    float smoothing;       // of labels, 0 to 1
    const float *weights;  // (classes,); null: all 1
    float gamma;           // of the focal loss
    bool mixed;            // whether labels are mixed in this batch
    int classes;
};

using MakeLoss = std::unique_ptr<Loss> (*)(const LossSettings &);

std::map<std::string, MakeLoss> &losses();

template <class Kind>
bool register_loss(const char *name) {
    losses()[name] = [](const LossSettings &settings) -> std::unique_ptr<Loss> {
        return std::make_unique<Kind>(settings);
    };
    return true;
}

#define REGISTER_LOSS(name, kind) static const bool registered_##name = register_loss<kind>(#name)

// Scores a tile. targets: of image i at position p at [i * positions + p]; lanes behind `images`
// get no gradient.
inline Score score_tile(const Loss &loss, const Lanes *outputs, Lanes *grads, int classes,
                        int64_t positions, const Target *targets, int images, float scale) {
    Score result{0, 0};
    for (int64_t position = 0; position < positions; position++)
        for (int image = 0; image < LANES; image++) {
            const Outputs at{outputs[position].values() + image, grads[position].values() + image,
                             positions * LANES, classes};
            const Target *const target =
                image < images ? targets + image * positions + position : nullptr;
            if (!target || target->label < 0) {
                for (int c = 0; c < classes; c++) at.grad(c) = 0;
                continue;
            }
            int best = 0;
            for (int c = 1; c < classes; c++)
                if (at[c] > at[best]) best = c;
            result.loss += loss.score(at, *target, scale);
            result.correct += best == (target->share < 0.5f ? target->other : target->label);
        }
    return result;
}
