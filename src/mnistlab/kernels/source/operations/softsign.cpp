// x / (1 + |x|)
#include "elementwise.h"

namespace {

struct Softsign {
    explicit Softsign(const Signature &) {}
    Part value(Part x) const { return x / (1.0f + absolute(x)); }

    Part gradient(Part x, Part dy) const {
        const Part below = 1.0f + absolute(x);
        return dy / (below * below);
    }
};

}  // namespace

REGISTER_OPERATION(softsign, Elementwise<Softsign>);
