// y = every step-th index of x along an axis, from `start` on, as many as y has.
// Integers: axis, start, step.
#include "../strided.h"

namespace {

class Slice : public Operation {
   public:
    explicit Slice(const Signature &signature)
        : Operation(signature), there_(copies(signature, true)), back_(copies(signature, false)) {
        start_ = signature.integers[1] * row_major(signature.inputs[0])[signature.integers[0]];
    }

    void forward(const Forward &at) const override { there_.copy(at.x[0] + start_, at.y, false); }
    void backward(const Backward &at) const override {
        if (!at.dx[0]) return;
        if (!at.add[0]) std::fill_n(at.dx[0], product(signature.inputs[0]), Lanes{});
        back_.copy(at.dy, at.dx[0] + start_, at.add[0]);
    }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    static Strided copies(const Signature &signature, bool there) {
        Dimensions x = row_major(signature.inputs[0]);
        Dimensions sizes = signature.inputs[0];
        const int64_t axis = signature.integers[0];
        sizes[axis] = product(signature.output) / (product(sizes) / sizes[axis]);
        const Dimensions y = row_major(sizes);
        x[axis] *= signature.integers[2];
        return there ? Strided(sizes, x, y) : Strided(sizes, y, x);
    }

    const Strided there_, back_;
    int64_t start_;
};

REGISTER_OPERATION(slice, Slice);

}  // namespace
