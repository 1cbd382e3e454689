// Gates, a factor for each channel, if there is a second input; ReLU, if asked; and 2x2 pooling
// without overlap, in one pass. Integers: relu, PoolKind.
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
        const Share mine = at.crew.share(shape_.channels);
        with_fused(shape_, [&]<bool RELU, int POOL>() {
            for (int64_t c = mine.begin; c < mine.end; c++)
                fused_channel<RELU, POOL>(at.x[0] + c * shape_.in(), at.y + c * shape_.out(),
                                          shape_.height, shape_.width, affine(at.x, c));
        });
    }

    void backward(const Backward &at) const override {
        const bool add = at.add[0];
        const Share mine = at.crew.share(shape_.channels);
        with_fused(shape_, [&]<bool RELU, int POOL>() {
            for (int64_t c = mine.begin; c < mine.end; c++) {
                const Affine gate = affine(at.x, c);
                Lanes *const dx = at.dx[0] ? at.dx[0] + c * shape_.in() : nullptr;
                Lanes to_gate[CHAINS]{};
                fused_grads<RELU, POOL>(
                    at.x[0] + c * shape_.in(), at.dy + c * shape_.out(), shape_.height,
                    shape_.width, gate, [&](int chain, int64_t i, int p, Part x, Part dz) {
                        to_gate[chain].part[p] = fma(dz, x, to_gate[chain].part[p]);
                        if (dx) put(dx[i].part[p], dz * gate.scale.part[p], add);
                    });
                if (gated_ && at.dx[1])
                    for (int p = 0; p < PARTS; p++)
                        put(at.dx[1][c].part[p], joined(to_gate).part[p], at.add[1]);
            }
        });
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }

   private:
    Affine affine(const Lanes *const *x, int channel) const {
        return gated_ ? Affine(x[1][channel]) : Affine(1, 0);
    }

    const bool gated_ = signature.inputs.size() == 2;
    const FusedShape shape_;
};

}  // namespace

REGISTER_OPERATION(pool_2x2, Pool2x2);
