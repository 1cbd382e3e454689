// log(1 + x).
#include "elementwise.h"

namespace {

struct Log1p {
    explicit Log1p(const Signature &) {}
    Part value(Part x) const { return log1p(x); }
    Part gradient(Part x, Part dy) const { return dy / (1.0f + x); }
};

}  // namespace

REGISTER_OPERATION(log1p, Elementwise<Log1p>);
