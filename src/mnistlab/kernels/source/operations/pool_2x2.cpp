// ReLU, if asked, and 2x2 pooling without overlap, in one pass; integers: relu, PoolKind.
#include "../fused.h"
#include "../operation.h"

namespace {

class Pool2x2 : public Operation {
   public:
    explicit Pool2x2(const Signature &signature)
        : Operation(signature),
          shape_{static_cast<int>(signature.inputs[0][0]), static_cast<int>(signature.inputs[0][1]),
                 static_cast<int>(signature.inputs[0][2]), signature.integers[0] != 0,
                 static_cast<int>(signature.integers[1])} {}

    void forward(const Forward &at) const override {
        fused_forward(shape_, at.crew.share(shape_.channels), at.x[0], at.y, nullptr, nullptr);
    }

    void backward(const Backward &at) const override {
        Lanes *const dx = at.dx[0];
        if (!dx) return;
        const bool add = at.add[0];
        fused_backward(shape_, at.crew.share(shape_.channels), at.x[0], at.dy, nullptr, nullptr,
                       [&](int64_t, int64_t i, int p, Part, Part grad) {
                           dx[i].part[p] = add ? dx[i].part[p] + grad : grad;
                       });
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }

   private:
    const FusedShape shape_;
};

}  // namespace

REGISTER_OPERATION(pool_2x2, Pool2x2);
