// y = x with its axes in another order. Integers: for each axis of y, that of x.
#include "../strided.h"

namespace {

class Permute : public Operation {
   public:
    explicit Permute(const Signature &signature)
        : Operation(signature), there_(copies(signature, true)), back_(copies(signature, false)) {}

    void forward(const Forward &at) const override { there_.copy(at.x[0], at.y, false); }
    void backward(const Backward &at) const override {
        if (at.dx[0]) back_.copy(at.dy, at.dx[0], at.add[0]);
    }
    bool adds() const override { return true; }

   private:
    static Strided copies(const Signature &signature, bool there) {
        const Dimensions steps = row_major(signature.inputs[0]), y = row_major(signature.output);
        Dimensions x;
        for (int64_t axis : signature.integers) x.push_back(steps[axis]);
        return there ? Strided(signature.output, x, y) : Strided(signature.output, y, x);
    }

    const Strided there_, back_;
};

REGISTER_OPERATION(permute, Permute);

}  // namespace
