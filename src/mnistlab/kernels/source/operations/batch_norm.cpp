// Batch normalisation (Ioffe and Szegedy, 2015), then in one pass what is asked of: the sum with a
// second input, the shortcut of a residual block; ReLU; 2x2 pooling unless there is a shortcut.
// Integers: relu, PoolKind; floats: epsilon, momentum (negative: a cumulative average).
//
// Sums are taken per tile and joined in tile order.
#include <cmath>

#include "../fused.h"
#include "../operation.h"

namespace {

class BatchNorm : public BatchOperation {
   public:
    explicit BatchNorm(const Signature &signature)
        : BatchOperation(signature),
          shape_(describe(signature)),
          shortcut_(signature.inputs.size() == 2),
          epsilon_(static_cast<float>(signature.floats[0])),
          momentum_(static_cast<float>(signature.floats[1])) {}

    int64_t moments() const override { return shape_.channels; }
    int64_t state() const override { return int64_t(6) * shape_.channels; }
    // For each of Lanes 16 bits, which ReLU has set to zero. Without a shortcut x tells that.
    int64_t saved() const override {
        return shortcut_ && shape_.relu ? (product(signature.output) + 31) / 32 : 0;
    }
    bool in_place(int) const override { return true; }
    bool adds() const override { return true; }
    bool splits() const override { return true; }

    void measure(const Forward &at, Moments *moments) const override {
        const Share mine = at.crew.share(shape_.channels);
        int64_t c = mine.begin;
        for (; c + TOGETHER <= mine.end; c += TOGETHER)
            measure_channels<TOGETHER>(at, c, moments + c);
        for (; c < mine.end; c++) measure_channels<1>(at, c, moments + c);
    }

    // Joins the tiles' moments (Chan, Golub and LeVeque, 1983).
    void join(const Join &all) const override {
        const Norm norm(all.state, shape_.channels);
        const float *gamma = all.parameters[0], *beta = all.parameters[1];
        const double positions = static_cast<double>(shape_.in()), count = positions * all.images;
        int64_t *const batches = static_cast<int64_t *>(all.buffers[2]);
        if (all.update && batches) ++*batches;
        const double momentum = momentum_ < 0 && batches ? 1.0 / *batches : momentum_;
        for (int c = 0; c < shape_.channels; c++) {
            double mean = 0, squares = 0, seen = 0;
            for (int64_t first = 0, tile = 0; first < all.images; first += LANES, tile++) {
                const double here = positions * std::min<int64_t>(LANES, all.images - first);
                const Moments &part = all.moments[tile * all.stride + c];
                const double delta = part.first - mean;
                mean += delta * here / (seen + here);
                squares += part.second + delta * delta * seen * here / (seen + here);
                seen += here;
            }
            const double variance = squares / count;
            norm.mean[c] = static_cast<float>(mean);
            norm.inverse[c] = static_cast<float>(1 / std::sqrt(variance + epsilon_));
            norm.scale[c] = norm.inverse[c] * (gamma ? gamma[c] : 1.0f);
            norm.shift[c] = (beta ? beta[c] : 0.0f) - norm.mean[c] * norm.scale[c];
            if (!all.update || !all.buffers[0]) continue;
            float *const running_mean = static_cast<float *>(all.buffers[0]);
            float *const running_variance = static_cast<float *>(all.buffers[1]);
            const double unbiased = squares / (count - 1);
            running_mean[c] =
                static_cast<float>((1 - momentum) * running_mean[c] + momentum * mean);
            running_variance[c] =
                static_cast<float>((1 - momentum) * running_variance[c] + momentum * unbiased);
        }
    }

    // Scale and shift from the running averages.
    void settle(const float *const *parameters, void *const *buffers, float *state) const override {
        const Norm norm(state, shape_.channels);
        const float *gamma = parameters[0], *beta = parameters[1];
        const float *mean = static_cast<float *>(buffers[0]),
                    *variance = static_cast<float *>(buffers[1]);
        for (int c = 0; c < shape_.channels; c++) {
            norm.scale[c] = (gamma ? gamma[c] : 1.0f) / std::sqrt(variance[c] + epsilon_);
            norm.shift[c] = (beta ? beta[c] : 0.0f) - mean[c] * norm.scale[c];
        }
    }

    void forward(const Forward &at) const override {
        const Norm norm(at.state, shape_.channels);
        const int64_t in = shape_.in(), out = shape_.out();
        const Share mine = at.crew.share(shape_.channels);
        if (shortcut_) {
            auto *dropped = reinterpret_cast<uint16_t *>(at.saved);
            for (int64_t c = mine.begin; c < mine.end; c++) {
                const Affine affine = norm.affine(c);
                for (int64_t i = c * in; i < (c + 1) * in; i++) {
                    uint32_t bits = 0;
                    for (int p = 0; p < PARTS; p++) {
                        const Part z = affine(at.x[0][i].part[p], p) + at.x[1][i].part[p];
                        bits |= bits_of(z <= splat(0.0f)) << (p * WIDTH);
                        at.y[i].part[p] = shape_.relu ? rectify<true>(z) : z;
                    }
                    if (shape_.relu) dropped[i] = static_cast<uint16_t>(bits);
                }
            }
            return;
        }
        with_fused(shape_, [&]<bool RELU, int POOL>() {
            for (int64_t c = mine.begin; c < mine.end; c++)
                fused_channel<RELU, POOL>(at.x[0] + c * in, at.y + c * out, shape_.height,
                                          shape_.width, norm.affine(c));
        });
    }

    // Of each tile, sum(dz) and sum(dz * (x - mean)).
    void measure_gradients(const Backward &at, Moments *moments) const override {
        const Norm norm(at.state, shape_.channels);
        each_channel(at, norm, [&](int64_t c, const auto &each_grad) {
            const Part mean = splat(norm.mean[c]);
            Lanes sum[CHAINS]{}, projection[CHAINS]{};
            each_grad([&](int chain, int64_t, int p, Part value, Part grad) {
                sum[chain].part[p] += grad;
                projection[chain].part[p] = fma(grad, value - mean, projection[chain].part[p]);
            });
            moments[c] = {total(joined(sum)), total(joined(projection))};
        });
    }

    void join_gradients(const Join &all) const override {
        const Norm norm(all.state, shape_.channels);
        const double count = static_cast<double>(shape_.in()) * all.images;
        for (int c = 0; c < shape_.channels; c++) {
            double grad = 0, projection = 0;
            for (int64_t first = 0, tile = 0; first < all.images; first += LANES, tile++) {
                grad += all.moments[tile * all.stride + c].first;
                projection += all.moments[tile * all.stride + c].second;
            }
            projection *= norm.inverse[c];
            if (all.gradients[0]) all.gradients[0][c] = static_cast<float>(projection);
            if (all.gradients[1]) all.gradients[1][c] = static_cast<float>(grad);
            norm.grad[c] = static_cast<float>(-norm.scale[c] * grad / count);
            norm.projection[c] =
                static_cast<float>(-norm.scale[c] * norm.inverse[c] * projection / count);
        }
    }

    void backward(const Backward &at) const override {
        const Norm norm(at.state, shape_.channels);
        const Lanes present = at.present();
        Lanes *const dx = at.dx[0], *const to_shortcut = shortcut_ ? at.dx[1] : nullptr;
        const bool add = at.add[0], add_to_shortcut = shortcut_ && at.add[1];
        each_channel(at, norm, [&](int64_t c, const auto &each_grad) {
            const Part mean = splat(norm.mean[c]), scale = splat(norm.scale[c]);
            Lanes constant, slope;
            for (int p = 0; p < PARTS; p++) {
                constant.part[p] = norm.grad[c] * present.part[p];
                slope.part[p] = norm.projection[c] * present.part[p];
            }
            each_grad([&](int, int64_t i, int p, Part value, Part grad) {
                const Part rest = fma(value - mean, slope.part[p], constant.part[p]);
                if (dx) put(dx[i].part[p], fma(grad, scale, rest), add);
                if (to_shortcut) put(to_shortcut[i].part[p], grad, add_to_shortcut);
            });
        });
    }

   private:
    // What every thread knows of the batch: six numbers a channel.
    struct Norm {
        float *mean, *inverse, *scale, *shift, *grad, *projection;

        Norm(float *state, int channels)
            : mean(state),
              inverse(state + channels),
              scale(state + 2 * channels),
              shift(state + 3 * channels),
              grad(state + 4 * channels),
              projection(state + 5 * channels) {}

        Affine affine(int c) const { return {scale[c], shift[c]}; }
    };

    static constexpr int TOGETHER = WIDTH == LANES ? 4 : 2, SAMPLES = 4;

    // Sums over the deviations from some value near the mean, of several channels, whose sums do
    // not wait for one another.
    template <int CHANNELS>
    void measure_channels(const Forward &at, int first, Moments *moments) const {
        const int64_t positions = shape_.in();
        const Lanes *const x = at.x[0] + first * positions;
        const Lanes present = at.present();
        const double count = double(at.images) * positions;
        float centre[CHANNELS];
        for (int c = 0; c < CHANNELS; c++) {
            Lanes sample{};
            for (int k = 0; k < SAMPLES; k++)
                for (int p = 0; p < PARTS; p++)
                    sample.part[p] +=
                        x[c * positions + (2 * k + 1) * positions / (2 * SAMPLES)].part[p];
            centre[c] = total_of(sample, present) / static_cast<float>(SAMPLES * at.images);
        }
        // A value far from the mean costs accuracy: once more then, from the mean itself.
        bool settled[CHANNELS] = {}, all_settled = false;
        for (int pass = 0; pass < 2 && !all_settled; pass++) {
            Lanes sum[CHANNELS]{}, squares[CHANNELS]{};
            for (int64_t i = 0; i < positions; i++)
                for (int p = 0; p < PARTS; p++)
                    for (int c = 0; c < CHANNELS; c++) {
                        const Part rest = x[c * positions + i].part[p] - centre[c];
                        sum[c].part[p] += rest;
                        squares[c].part[p] = fma(rest, rest, squares[c].part[p]);
                    }
            all_settled = true;
            for (int c = 0; c < CHANNELS; c++) {
                if (settled[c]) continue;
                const double offset = total_of(sum[c], present) / count;
                const double all = total_of(squares[c], present), less = offset * offset * count;
                moments[c] = {centre[c] + offset, all < less ? 0.0 : all - less};
                centre[c] = static_cast<float>(moments[c].first);
                settled[c] = 2 * less <= all;
                all_settled &= settled[c];
            }
        }
    }

    // Of the images that are present.
    static float total_of(Lanes sum, const Lanes &present) {
        for (int p = 0; p < PARTS; p++)
            sum.part[p] = present.part[p] != splat(0.0f) ? sum.part[p] : splat(0.0f);
        return total(sum);
    }

    // Calls visit(channel, each_grad) for every channel; each_grad(emit) calls
    // emit(chain, index in Lanes, part, x, dz) for every position, as fused_grads does.
    template <class Visit>
    void each_channel(const Backward &at, const Norm &norm, const Visit &visit) const {
        const int64_t in = shape_.in(), out = shape_.out();
        const auto visit_all = [&](const auto &each_grad) {
            const Share mine = at.crew.share(shape_.channels);
            for (int64_t c = mine.begin; c < mine.end; c++)
                visit(c, [&](const auto &emit) { each_grad(c, emit); });
        };
        if (shortcut_ && shape_.relu) {
            const auto *dropped = reinterpret_cast<const uint16_t *>(at.saved);
            visit_all([&](int64_t c, const auto &emit) {
                in_chains(c * in, (c + 1) * in, [&](int chain, int64_t i) {
                    for (int p = 0; p < PARTS; p++)
                        emit(chain, i, p, at.x[0][i].part[p],
                             mask_of(dropped[i], p) ? splat(0.0f) : at.dy[i].part[p]);
                });
            });
            return;
        }
        with_fused(shape_, [&]<bool RELU, int POOL>() {
            visit_all([&](int64_t c, const auto &emit) {
                fused_grads<RELU, POOL>(at.x[0] + c * in, at.dy + c * out, shape_.height,
                                        shape_.width, norm.affine(c),
                                        [&](int chain, int64_t i, int p, Part value, Part grad) {
                                            emit(chain, c * in + i, p, value, grad);
                                        });
            });
        });
    }

    static FusedShape describe(const Signature &signature) {
        const Dimensions &in = signature.inputs[0];
        const int channels = static_cast<int>(in[0]);
        const int width = in.size() > 1 ? static_cast<int>(in.back()) : 1;
        const int height = static_cast<int>(product(in) / channels / width);
        return {channels, height, width, signature.integers[0] != 0,
                static_cast<int>(signature.integers[1])};
    }

    const FusedShape shape_;
    const bool shortcut_;
    const float epsilon_, momentum_;
};

}  // namespace

REGISTER_OPERATION(batch_norm, BatchNorm);
