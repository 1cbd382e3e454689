// Operation: what a plan is made of. One file in operations/ defines one, and registers it by name.
//
// A value is what flows between operations: for each image an array of some dimensions, in
// row-major order, whose elements are Lanes: 16 images, a tile, side by side.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "crew.h"
#include "lanes.h"

using Dimensions = std::vector<int64_t>;  // of one image's value

inline int64_t product(const Dimensions &dimensions) {
    int64_t result = 1;
    for (int64_t size : dimensions) result *= size;
    return result;
}

// What the plan tells an operation when it is made. Sizes and attributes follow from the network
// alone; kernels/operations/ has, in a Python file of the same name, who decides on them.
struct Signature {
    std::vector<Dimensions> inputs;
    Dimensions output;
    std::vector<int64_t> integers;
    std::vector<double> floats;
    std::vector<int64_t>
        parameters;  // their sizes; 0: absent, such as the bias of a layer without one
};

// How the gradient of a parameter lies in memory while a tile's is added to the last one's.
struct GradientLayout {
    int64_t rows, step;  // in floats
};

inline Lanes present_lanes(int images) {
    Lanes result{};
    for (int image = 0; image < images; image++) result.values()[image] = 1;
    return result;
}

// One tile at one operation. If several threads compute it, memory other than `scratch` is the
// same for all of them.
struct Forward {
    const Lanes *const *x;  // per input
    Lanes *y;
    const float *const *parameters;  // null where absent
    void *const *buffers;            // such as running averages
    Lanes *scratch;         // of scratch() Lanes, whose contents are lost between operations
    Lanes *saved;           // of saved() Lanes, kept until this tile's backward pass
    const Lanes *prepared;  // what prepare() made of the parameters
    int images;             // real ones: the lanes behind them only fill up the tile
    bool training;
    int64_t position;  // of the tile's first image in the batch
    uint64_t seed;     // of the batch's dropout
    int index;         // of the operation in the plan, to tell its random draws from others'
    float *state;      // of a BatchOperation
    Crew crew;         // of more than one only if splits()

    // 1 for a real image, 0 for a lane that only fills up the tile.
    Lanes present() const { return present_lanes(images); }
};

struct Backward {
    const Lanes *const *x;  // per input
    const Lanes *y;         // only if reads_output()
    const Lanes *dy;
    Lanes *const *dx;                // per input; null where no gradient is wanted
    const bool *add;                 // per input: dx += instead of dx =; true only if adds()
    const float *const *parameters;  // null where absent
    float *const *gradients;         // per parameter; null where none is wanted
    const bool *add_gradients;       // per parameter: += instead of =
    void *const *buffers;
    Lanes *scratch, *saved;
    const Lanes *prepared;
    int images;
    int64_t position;
    uint64_t seed;
    int index;
    float *state;
    Crew crew;

    Lanes present() const { return present_lanes(images); }
};

class Operation {
   public:
    explicit Operation(const Signature &signature) : signature(signature) {}
    virtual ~Operation() = default;

    virtual void forward(const Forward &at) const = 0;
    virtual void backward(const Backward &at) const = 0;

    virtual int64_t scratch() const { return 0; }
    virtual int64_t saved() const { return 0; }
    // Lanes that each thread computes once a batch from the parameters, for all its tiles.
    virtual int64_t prepared() const { return 0; }
    virtual void prepare(const float *const * /*parameters*/, Lanes * /*prepared*/) const {}
    // Whether dx may be written where x lies: every x[i] is read before dx[i] is written.
    virtual bool in_place(int /*input*/) const { return false; }
    // Whether the backward pass reads y, which otherwise may hold its gradient by then.
    virtual bool reads_output() const { return false; }
    // Whether the backward pass can add to dx. If not, the plan adds.
    virtual bool adds() const { return false; }
    // Whether a crew can compute each pass together, every member its crew.share(); else the first
    // computes it alone. What a sum consists of, and in which order, must not depend on it.
    virtual bool splits() const { return false; }
    virtual GradientLayout gradient_layout(int parameter) const {
        return {1, signature.parameters[parameter]};
    }

   protected:
    const Signature signature;
};

// What one tile contributes to a batch's statistics: two sums, or a mean and a sum of squares.
struct Moments {
    double first, second;
};

// What a BatchOperation joins: the moments of all tiles, `stride` apart from tile to tile.
struct Join {
    const Moments *moments;
    int64_t stride, images;
    const float *const *parameters;
    float *const *gradients;  // null where another thread, or nobody, wants them
    void *const *buffers;
    bool update;  // the buffers, which one thread does
    float *state;
};

// An operation whose result for an image depends on the whole batch. Threads meet before its
// forward pass, between `measure` and `join`, and likewise before its backward pass.
class BatchOperation : public Operation {
   public:
    using Operation::Operation;

    virtual int64_t moments() const = 0;  // per tile
    virtual int64_t state() const = 0;  // floats that every thread computes alike from the moments
    virtual void measure(const Forward &at, Moments *moments) const = 0;
    virtual void join(const Join &all) const = 0;
    virtual void measure_gradients(const Backward &at, Moments *moments) const = 0;
    virtual void join_gradients(const Join &all) const = 0;
    // In place of measuring and joining, in evaluation.
    virtual void settle(const float *const *parameters, void *const *buffers,
                        float *state) const = 0;
};

using MakeOperation = std::unique_ptr<Operation> (*)(const Signature &);

// The registry: a map from names, filled before the library is used.
std::map<std::string, MakeOperation> &operations();

template <class Kind>
bool register_operation(const char *name) {
    operations()[name] = [](const Signature &signature) -> std::unique_ptr<Operation> {
        return std::make_unique<Kind>(signature);
    };
    return true;
}

// At the end of a file in operations/, whose name is the operation's.
#define REGISTER_OPERATION(name, kind) \
    static const bool registered_##name = register_operation<kind>(#name)
