// y = x W^T + bias along the last axis, for every index of the others (tokens).
// Parameters: weight (outputs, inputs), bias.
#include "../operation.h"
#include "../product.h"
#include "../transpose.h"

namespace {

class Linear : public Operation {
   public:
    explicit Linear(const Signature &signature) : Operation(signature) {
        inputs_ = static_cast<int>(signature.inputs[0].back());
        outputs_ = static_cast<int>(signature.output.back());
        tokens_ = static_cast<int>(product(signature.output) / outputs_);
        groups_ = (inputs_ + LANES - 1) / LANES;
        for (int i = 0; i < inputs_; i++) along_.push_back(i);
        for (int o = 0; o < outputs_; o++) {
            rows_.push_back(o * inputs_);
            outputs_at_.push_back(o);
        }
        for (int token = 0; token < tokens_; token++)
            for (int image = 0; image < LANES; image++) {
                images_x_.push_back((token * LANES + image) * groups_);
                images_dy_.push_back(token * outputs_ * LANES + image);
            }
    }

    void forward(const Forward &at) const override {
        const Share outputs = at.crew.share(outputs_);
        const float *weight = at.parameters[0] + outputs.begin * inputs_;
        const float *bias = at.parameters[1] ? at.parameters[1] + outputs.begin : nullptr;
        Lanes *const y = at.y + outputs.begin;
        if (tokens_ == 1)
            return contract({at.x[0], along_.data(), weight, along_.data(), inputs_, inputs_, y, 1,
                             bias, false},
                            outputs.size(), 1, 1, 0, 0, inputs_);
        multiply_matrices<float>(
            {at.x[0], inputs_, 1, weight, 1, inputs_, y, outputs_, 1, inputs_, bias, false},
            tokens_, outputs.size());
    }

    void backward(const Backward &at) const override {
        if (at.gradients[0]) to_weights(at);
        if (at.gradients[1]) to_bias(at);
        if (!at.dx[0]) return;
        at.crew.meet();  // dx may lie where x did
        const Share inputs = at.crew.share(inputs_);
        const float *weight = at.parameters[0] + inputs.begin;
        Lanes *const dx = at.dx[0] + inputs.begin;
        if (tokens_ == 1)
            return contract({at.dy, outputs_at_.data(), weight, rows_.data(), 1, outputs_, dx, 1,
                             nullptr, at.add[0]},
                            inputs.size(), 1, 1, 0, 0, outputs_);
        multiply_matrices<float>(
            {at.dy, outputs_, 1, weight, inputs_, 1, dx, inputs_, 1, outputs_, nullptr, at.add[0]},
            tokens_, inputs.size());
    }

    int64_t scratch() const override { return int64_t(tokens_) * LANES * groups_; }
    // The gradient of x comes after all that reads x.
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }
    GradientLayout gradient_layout(int parameter) const override {
        if (parameter == 0) return {outputs_, int64_t(groups_) * LANES};
        return {1, outputs_};
    }

   private:
    // With the features of each image side by side, so that no sum runs across lanes.
    void to_weights(const Backward &at) const {
        const Share outputs = at.crew.share(outputs_);
        contract({transposed(at.x[0], at.scratch), images_x_.data(), at.dy[outputs.begin].values(),
                  images_dy_.data(), LANES, tokens_ * LANES,
                  reinterpret_cast<Lanes *>(at.gradients[0]) + outputs.begin * groups_, groups_,
                  nullptr, at.add_gradients[0]},
                 outputs.size(), 1, groups_, 0, 0);
    }

    // Several outputs at a time, which hides how long an addition takes.
    void to_bias(const Backward &at) const {
        constexpr int BESIDE = 16;
        const Share mine = at.crew.share(outputs_);
        for (int64_t first = mine.begin; first < mine.end; first += BESIDE) {
            const int64_t count = std::min<int64_t>(BESIDE, mine.end - first);
            Lanes sums[BESIDE] = {};
            for (int token = 0; token < tokens_; token++) {
                const Lanes *dy = at.dy + int64_t(token) * outputs_ + first;
                for (int64_t o = 0; o < count; o++)
                    for (int p = 0; p < PARTS; p++) sums[o].part[p] += dy[o].part[p];
            }
            totals(sums, count, at.gradients[1] + first, at.add_gradients[1]);
        }
    }

    const Lanes *transposed(const Lanes *x, Lanes *scratch) const {
        const int step = groups_ * LANES, whole = inputs_ / LANES * LANES;
        float *to = scratch->values();
        for (int token = 0; token < tokens_; token++, x += inputs_, to += LANES * step) {
            for (int i = 0; i < whole; i += LANES) transpose(x[i].values(), LANES, to + i, step);
            if (whole == step) continue;
            Lanes rest[LANES] = {};
            std::copy(x + whole, x + inputs_, rest);
            transpose(rest[0].values(), LANES, to + whole, step);
        }
        return scratch;
    }

    int inputs_, outputs_, tokens_;
    int groups_;  // of LANES inputs
    std::vector<int32_t> along_, rows_, outputs_at_, images_x_, images_dy_;
};

REGISTER_OPERATION(linear, Linear);

}  // namespace
