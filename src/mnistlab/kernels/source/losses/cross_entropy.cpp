// Softmax cross-entropy with label smoothing (Szegedy et al., 2016), mixed labels (Zhang et al.,
// 2018) and weights of classes, as PyTorch defines them.
#include <numeric>

#include "../loss.h"
#include "../scalar_math.h"

namespace {

class CrossEntropy : public Loss {
   public:
    explicit CrossEntropy(const LossSettings &settings)
        : smoothing_(settings.smoothing), weights_(settings.weights), mixed_(settings.mixed) {
        whole_ = static_cast<float>(settings.classes);
        if (weights_) whole_ = std::accumulate(weights_, weights_ + settings.classes, 0.0f);
    }

    // The weights of the images' classes, but 1 where labels are mixed.
    double weight(const Target &target) const override { return mixed_ ? 1 : of(target.label); }

    double score(const Outputs &logits, const Target &target, float scale) const override {
        const int classes = logits.classes;
        float largest = logits[0];
        for (int c = 1; c < classes; c++)
            if (logits[c] > largest) largest = logits[c];
        float sum = 0, all = 0;
        for (int c = 0; c < classes; c++) {
            const float below = logits[c] - largest;
            all = scalar::fma(of(c), below, all);
            sum += logits.grad(c) = scalar::exp(below);
        }
        const auto [label, other, share] = target;
        const float log_sum = scalar::log(sum), even = smoothing_ / classes;
        const float certain = of(label) * ((1 - smoothing_) * share);
        const float rest = of(other) * ((1 - smoothing_) * (1 - share));
        // What the targets come to; without weights they are a distribution.
        const float sum_targets = weights_ ? certain + rest + even * whole_ : 1.0f;
        double loss = certain * (log_sum - (logits[label] - largest));
        // A class whose logit is -infinity matters only where it is asked for.
        if (share < 1) loss += rest * (log_sum - (logits[other] - largest));
        if (smoothing_ > 0) loss += even * (whole_ * log_sum - all);
        for (int c = 0; c < classes; c++) {
            const float wanted = even * of(c) + (c == label ? certain : 0.0f);
            logits.grad(c) = (logits.grad(c) / sum * sum_targets - wanted) * scale;
        }
        if (share < 1) logits.grad(other) -= rest * scale;
        return loss;
    }

   private:
    float of(int64_t c) const { return weights_ ? weights_[c] : 1.0f; }

    const float smoothing_;
    const float *const weights_;
    const bool mixed_;
    float whole_;  // the weights' sum
};

}  // namespace

REGISTER_LOSS(cross_entropy, CrossEntropy);
