// y = x in reverse order along some axes. Integers: axes.
#include "../strided.h"

namespace {

class Flip : public Operation {
   public:
    explicit Flip(const Signature &signature)
        : Operation(signature), there_(copies(signature, true)), back_(copies(signature, false)) {
        const Dimensions steps = row_major(signature.inputs[0]);
        for (int64_t axis : signature.integers)
            last_ += (signature.inputs[0][axis] - 1) * steps[axis];
    }

    void forward(const Forward &at) const override { there_.copy(at.x[0] + last_, at.y, false); }
    void backward(const Backward &at) const override {
        if (at.dx[0]) back_.copy(at.dy, at.dx[0] + last_, at.add[0]);
    }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    static Strided copies(const Signature &signature, bool there) {
        const Dimensions &sizes = signature.inputs[0], y = row_major(sizes);
        Dimensions x = y;
        for (int64_t axis : signature.integers) x[axis] = -x[axis];
        return there ? Strided(sizes, x, y) : Strided(sizes, y, x);
    }

    const Strided there_, back_;
    int64_t last_ = 0;  // index along these axes, as an offset
};

REGISTER_OPERATION(flip, Flip);

}  // namespace
