// Binary cross-entropy of each class's own sigmoid against the label as a one-hot vector.
#include "../loss.h"
#include "../scalar_math.h"

namespace {

class BinaryCrossEntropy : public Loss {
   public:
    explicit BinaryCrossEntropy(const LossSettings &settings) : classes_(settings.classes) {}

    double weight(const Target &) const override {
        return classes_;
    }  // a mean over images and classes

    double score(const Outputs &logits, const Target &target, float scale) const override {
        double loss = 0;
        for (int c = 0; c < logits.classes; c++) {
            const float wanted = (c == target.label ? target.share : 0.0f) +
                                 (c == target.other ? 1 - target.share : 0.0f);
            const float x = logits[c], small = scalar::exp(-std::abs(x));
            loss += scalar::fma(-x, wanted, std::max(x, 0.0f)) + scalar::log1p(small);
            logits.grad(c) = ((x < 0 ? small : 1.0f) / (1 + small) - wanted) * scale;
        }
        return loss;
    }

   private:
    const int classes_;
};

}  // namespace

REGISTER_LOSS(binary_cross_entropy, BinaryCrossEntropy);
