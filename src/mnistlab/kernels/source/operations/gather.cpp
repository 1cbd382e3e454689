// gather: y[i, j, ...] = x[rows[i], columns[j], ...], or a constant where an index is -1
//
// Padding of every mode, cropping and nearest upsampling.
// integers: for each dimension of the output in turn, the index in x for each of its positions.
// floats: the constant.
#include "../operation.h"

namespace {

class Gather final : public Operation {
   public:
    explicit Gather(const Signature &signature)
        : Operation(signature), constant_(static_cast<float>(signature.floats[0])) {
        const Dimensions &from = signature.inputs[0], &to = signature.output;
        std::vector<int64_t> sources{0};
        const int64_t *index = signature.integers.data();
        for (size_t axis = 0; axis < to.size(); index += to[axis++]) {
            std::vector<int64_t> finer;
            for (const int64_t source : sources)
                for (int64_t i = 0; i < to[axis]; i++) {
                    const bool outside = source < 0 || index[i] < 0;
                    finer.push_back(outside ? -1 : source * from[axis] + index[i]);
                }
            sources.swap(finer);
        }
        sources_.assign(sources.begin(), sources.end());
        starts_.resize(product(from) + 1);
        for (const int32_t source : sources_)
            if (source >= 0) starts_[source + 1]++;
        for (size_t i = 1; i < starts_.size(); i++) starts_[i] += starts_[i - 1];
        targets_.resize(starts_.back());
        std::vector<int32_t> next(starts_.begin(), starts_.end() - 1);
        for (size_t k = 0; k < sources_.size(); k++)
            if (sources_[k] >= 0) targets_[next[sources_[k]]++] = static_cast<int32_t>(k);
    }

    void forward(const Forward &at) const override {
        Lanes constant;
        for (int p = 0; p < PARTS; p++) constant.part[p] = splat(constant_);
        Lanes *y = at.y;
        for (const int32_t source : sources_) *y++ = source < 0 ? constant : at.x[0][source];
    }

    void backward(const Backward &at) const override {
        Lanes *dx = at.dx[0];
        if (!dx) return;
        const bool add = at.add[0];
        for (size_t i = 0; i + 1 < starts_.size(); i++) {
            if (add && starts_[i] == starts_[i + 1]) continue;
            Lanes sum = add ? dx[i] : Lanes{};
            for (int32_t k = starts_[i]; k < starts_[i + 1]; k++)
                for (int p = 0; p < PARTS; p++) sum.part[p] += at.dy[targets_[k]].part[p];
            dx[i] = sum;
        }
    }

    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }

   private:
    const float constant_;
    std::vector<int32_t> sources_;  // per value of the output, in x; -1: the constant
    // The other way round: values of the output per value of x, from starts_[i] to starts_[i + 1].
    std::vector<int32_t> targets_, starts_;
};

}  // namespace

REGISTER_OPERATION(gather, Gather);
