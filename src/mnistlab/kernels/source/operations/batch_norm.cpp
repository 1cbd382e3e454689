// Batch normalisation (Ioffe and Szegedy, 2015), then ReLU and 2x2 pooling if asked, in one pass.
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
          epsilon_(static_cast<float>(signature.floats[0])),
          momentum_(static_cast<float>(signature.floats[1])) {}

    int64_t moments() const override { return shape_.channels; }
    int64_t state() const override { return int64_t(6) * shape_.channels; }
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
        fused_forward(shape_, at.crew.share(shape_.channels), at.x[0], at.y, norm.scale,
                      norm.shift);
    }

    // Of each tile, sum(dz) and sum(dz * x^).
    void measure_gradients(const Backward &at, Moments *moments) const override {
        const Norm norm(at.state, shape_.channels);
        const Share mine = at.crew.share(shape_.channels);
        with_fused(shape_, [&]<bool RELU, int POOL>() {
            for (int64_t c = mine.begin; c < mine.end; c++) {
                Part sum{}, projection{};
                const float mean = norm.mean[c], inverse = norm.inverse[c];
                fused_grads<RELU, POOL>(at.x[0] + c * shape_.in(), at.dy + c * shape_.out(),
                                        shape_.height, shape_.width, splat(norm.scale[c]),
                                        splat(norm.shift[c]),
                                        [&](int64_t, int, Part value, Part grad) {
                                            sum += grad;
                                            projection += grad * ((value - mean) * inverse);
                                        });
                moments[c] = {total(sum), total(projection)};
            }
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
            if (all.gradients[0]) all.gradients[0][c] = static_cast<float>(projection);
            if (all.gradients[1]) all.gradients[1][c] = static_cast<float>(grad);
            norm.grad[c] = static_cast<float>(grad / count);
            norm.projection[c] = static_cast<float>(projection / count);
        }
    }

    void backward(const Backward &at) const override {
        Lanes *const dx = at.dx[0];
        if (!dx) return;
        const Norm norm(at.state, shape_.channels);
        const Lanes present = at.present();
        const bool add = at.add[0];
        fused_backward(shape_, at.crew.share(shape_.channels), at.x[0], at.dy, norm.scale,
                       norm.shift, [&](int64_t c, int64_t i, int p, Part value, Part grad) {
                           const Part centred = (value - norm.mean[c]) * norm.inverse[c];
                           const Part result =
                               (grad - norm.grad[c] - centred * norm.projection[c]) *
                               (norm.scale[c] * present.part[p]);
                           dx[i].part[p] = add ? dx[i].part[p] + result : result;
                       });
    }

   private:
    static constexpr int TOGETHER = 4;

    // Several channels, whose sums do not wait for one another.
    template <int CHANNELS>
    void measure_channels(const Forward &at, int64_t first, Moments *moments) const {
        const Lanes present = at.present();
        const int64_t positions = shape_.in();
        const Lanes *const x = at.x[0] + first * positions;
        const double count = double(at.images) * positions;
        Part sum[CHANNELS] = {};
        for (int64_t i = 0; i < positions; i++)
            for (int p = 0; p < PARTS; p++)
                for (int c = 0; c < CHANNELS; c++)
                    sum[c] += x[c * positions + i].part[p] * present.part[p];
        double mean[CHANNELS];
        Part centre[CHANNELS], squares[CHANNELS] = {}, rest[CHANNELS] = {};
        for (int c = 0; c < CHANNELS; c++) {
            mean[c] = total(sum[c]) / count;
            centre[c] = splat(static_cast<float>(mean[c]));
        }
        for (int64_t i = 0; i < positions; i++)
            for (int p = 0; p < PARTS; p++)
                for (int c = 0; c < CHANNELS; c++) {
                    const Part deviation =
                        (x[c * positions + i].part[p] - centre[c]) * present.part[p];
                    squares[c] += deviation * deviation;
                    rest[c] += deviation;
                }
        for (int c = 0; c < CHANNELS; c++) {
            // Corrects for the rounding of the mean to float32.
            const double missing = total(rest[c]) / count, rounded = static_cast<float>(mean[c]);
            moments[c] = {rounded + missing, total(squares[c]) - missing * missing * count};
        }
    }

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
    };

    static FusedShape describe(const Signature &signature) {
        const Dimensions &in = signature.inputs[0];
        const int channels = static_cast<int>(in[0]);
        const int width = in.size() > 1 ? static_cast<int>(in.back()) : 1;
        const int height = static_cast<int>(product(in) / channels / width);
        return {channels, height, width, signature.integers[0] != 0,
                static_cast<int>(signature.integers[1])};
    }

    const FusedShape shape_;
    const float epsilon_, momentum_;
};

}  // namespace

REGISTER_OPERATION(batch_norm, BatchNorm);
