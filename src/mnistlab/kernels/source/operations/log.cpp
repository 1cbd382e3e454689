// The natural logarithm of x.
#include "elementwise.h"

namespace {

struct Log {
    explicit Log(const Signature &) {}
    Part value(Part x) const { return log(x); }
    Part gradient(Part x, Part dy) const { return dy / x; }
};

}  // namespace

REGISTER_OPERATION(log, Elementwise<Log>);
