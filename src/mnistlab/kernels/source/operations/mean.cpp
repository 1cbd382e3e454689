// The mean of each channel.
#include "../operation.h"

namespace {

class Mean : public Operation {
   public:
    using Operation::Operation;

    void forward(const Forward &at) const override {
        for (int64_t c = 0; c < channels(); c++)
            for (int p = 0; p < PARTS; p++) {
                Part sum{};
                for (int64_t i = 0; i < positions(); i++) sum += at.x[0][c * positions() + i].part[p];
                at.y[c].part[p] = sum * (1.0f / positions());
            }
    }

    void backward(const Backward &at) const override {
        Lanes *dx = at.dx[0];
        if (!dx) return;
        for (int64_t c = 0; c < channels(); c++)
            for (int64_t i = 0; i < positions(); i++, dx++)
                for (int p = 0; p < PARTS; p++) {
                    const Part share = at.dy[c].part[p] * (1.0f / positions());
                    dx->part[p] = at.add[0] ? dx->part[p] + share : share;
                }
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    int64_t channels() const { return signature.inputs[0][0]; }
    int64_t positions() const { return product(signature.inputs[0]) / channels(); }
};

}  // namespace

REGISTER_OPERATION(mean, Mean);
