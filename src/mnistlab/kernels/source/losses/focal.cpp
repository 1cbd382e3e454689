// The focal loss (Lin et al., 2017) of softmax probabilities: -(1 - p)^gamma log p of the label,
// which weighs images down that are classified well already.
#include "../loss.h"
#include "../scalar_math.h"

namespace {

class Focal : public Loss {
   public:
    explicit Focal(const LossSettings &settings) : gamma_(settings.gamma) {}

    double score(const Outputs &logits, const Target &target, float scale) const override {
        float largest = logits[0];
        for (int c = 1; c < logits.classes; c++)
            if (logits[c] > largest) largest = logits[c];
        float sum = 0;
        for (int c = 0; c < logits.classes; c++)
            sum += logits.grad(c) = scalar::exp(logits[c] - largest);
        const float log_sum = scalar::log(sum);
        // Of a label: the loss, and its derivative with respect to log p.
        const auto term = [&](int64_t label, float &slope) {
            const float log_p = logits[label] - largest - log_sum, p = scalar::exp(log_p);
            const float rest = -scalar::expm1(log_p), weight = scalar::power(rest, gamma_);
            slope = gamma_ * p * log_p * (rest > 0 ? weight / rest : 0.0f) - weight;
            return -double(weight) * log_p;
        };
        float slope, other_slope = 0;
        double loss = target.share * term(target.label, slope);
        slope *= target.share;
        if (target.share < 1) {
            loss += (1 - target.share) * term(target.other, other_slope);
            other_slope *= 1 - target.share;
        }
        for (int c = 0; c < logits.classes; c++)
            logits.grad(c) = -(slope + other_slope) * logits.grad(c) / sum * scale;
        logits.grad(target.label) += slope * scale;
        if (target.share < 1) logits.grad(target.other) += other_slope * scale;
        return loss;
    }

   private:
    const float gamma_;
};

}  // namespace

REGISTER_LOSS(focal, Focal);
