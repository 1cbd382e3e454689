// log(1 + exp(beta * x)) / beta, and x where beta * x is above the threshold. floats: beta,
// threshold.
#include "elementwise.h"

namespace {

struct Softplus {
    const float beta, threshold;

    explicit Softplus(const Signature &signature)
        : beta(static_cast<float>(signature.floats[0])),
          threshold(static_cast<float>(signature.floats[1])) {}

    Part value(Part x) const { return x * beta > splat(threshold) ? x : softplus(x * beta) / beta; }

    Part gradient(Part x, Part dy) const {
        return x * beta > splat(threshold) ? dy : dy * sigmoid(x * beta);
    }
};

}  // namespace

REGISTER_OPERATION(softplus, Elementwise<Softplus>);
