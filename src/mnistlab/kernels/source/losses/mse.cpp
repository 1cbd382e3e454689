// Mean squared error of the outputs against the label as a one-hot vector (Hui and Belkin, 2021).
#include "../loss.h"

namespace {

class MeanSquaredError : public Loss {
   public:
    explicit MeanSquaredError(const LossSettings &settings) : classes_(settings.classes) {}

    double weight(const Target &) const override {
        return classes_;
    }  // a mean over images and classes

    double score(const Outputs &outputs, const Target &target, float scale) const override {
        double loss = 0;
        for (int c = 0; c < outputs.classes; c++) {
            const float wanted = (c == target.label ? target.share : 0.0f) +
                                 (c == target.other ? 1 - target.share : 0.0f);
            const float error = outputs[c] - wanted;
            loss += double(error) * error;
            outputs.grad(c) = 2 * error * scale;
        }
        return loss;
    }

   private:
    const int classes_;
};

}  // namespace

REGISTER_LOSS(mse, MeanSquaredError);
