// A network's run: where its layers are computed, and where their outputs are stored.
#include "network.h"

#include "layers.h"

// What is read past a tensor's end, to no effect: the rest of a vector, and a depthwise
// convolution's positions that fill up a group of four.
constexpr int SLACK = 16, SPARE = 8;

static int16_t *take_values(int64_t count) {
    return static_cast<int16_t *>(memory::take(size_t(count + SLACK) * sizeof(int16_t)));
}

// The mean of each channel over a whole map.
template <class Write>
static void mean(const Layer &layer, const int16_t *in, Grid grid, const int *from, int count,
                 Write write) {
    for (int i = 0; i < count; i++) {
        for (int channel = 0; channel < layer.outputs; channel += 4) {
            I32x4 sum = load<I32x4>(layer.biases + channel);
            for (int row = 0; row < grid.height; row++) {
                const int16_t *value = in + (from[i] + row * grid.pitch()) * layer.inputs + channel;
                for (int x = 0; x < grid.width; x++, value += layer.inputs) {
                    sum += widen_low(load_half(value));
                }
            }
            write(i, channel, sum);
        }
    }
}

template <int KERNEL, class Write>
static void depthwise(const Layer &layer, const int16_t *in, int pitch, const int *from, int count,
                      Write write) {
    if (layer.stride == 1) depthwise<KERNEL, 1>(layer, in, pitch, from, count, write);
    else depthwise<KERNEL, 2>(layer, in, pitch, from, count, write);
}

// One layer at `count` positions.
NOINLINE static void compute(const Layer &layer, const int16_t *in, Grid grid, const int *from,
                             int count, Rounded write) {
    switch (layer.kind) {
        case Kind::DENSE:
            dense(layer, in, grid.pitch(), from, count, write);
            break;
        case Kind::DEPTHWISE:
            if (layer.kernel == 3) depthwise<3>(layer, in, grid.pitch(), from, count, write);
            else depthwise<5>(layer, in, grid.pitch(), from, count, write);
            break;
        case Kind::MEAN:
            mean(layer, in, grid, from, count, write);
            break;
    }
}

// A layer's logits at `count` positions: rows of its outputs.
NOINLINE static void compute_logits(const Layer &layer, const int16_t *in, int pitch,
                                    const int *from, int count, float *out) {
    dense(layer, in, pitch, from, count, Logits(layer, out));
}

// Where layers' outputs are stored: a buffer is used again once nobody reads it any more.
class Buffers {
   public:
    Buffers(const Network &network, const Grid *grids) : network(network) {
        for (int i = 0; i < network.count; i++) {
            int slot = 0;
            while (is_read(slot, i)) slot++;
            slots[i] = slot;
            int64_t size = int64_t(grids[i].size() + SPARE) * network.layers[i].outputs;
            if (sizes[slot] < size) sizes[slot] = size;
        }
        for (int slot = 0; slot < MOST; slot++) {
            if (sizes[slot]) buffers[slot] = take_values(sizes[slot]);
        }
    }
    int16_t *of(int layer) const { return buffers[slots[layer]]; }

   private:
    // Whether layer `i` or a later one still reads what an earlier one wrote into a slot.
    bool is_read(int slot, int i) const {
        for (int writer = i - 1; writer >= 0; writer--) {
            if (slots[writer] != slot) continue;
            if (writer == i - 1) return true;
            for (int reader = i; reader < network.count; reader++) {
                if (network.layers[reader].residual == writer) return true;
            }
            return false;  // what was there before it is overwritten
        }
        return false;
    }

    static constexpr int MOST = MOST_LAYERS;
    const Network &network;
    int slots[MOST_LAYERS];
    int64_t sizes[MOST] = {};
    int16_t *buffers[MOST] = {};
};

static Grid grid_after(const Layer &layer, Grid grid) {
    if (layer.kind == Kind::MEAN) return {grid.images, 1, 1};
    auto shrink = [&](int side) {
        return (side + 2 * layer.padding - layer.kernel) / layer.stride + 1;
    };
    return {grid.images, shrink(grid.height), shrink(grid.width)};
}

// All positions of a grid. `before`: the grid of the inputs, of which every `step`th is taken.
static Positions find_all(Grid grid, Grid before, int step) {
    int count = grid.images * grid.height * grid.width;
    Positions found{grid, Array<int>(count), Array<int>(count), {}};
    int *out = found.at.data(), *out_from = found.from.data();
    for (int image = 0; image < grid.images; image++) {
        for (int row = 0; row < grid.height; row++) {
            int at = grid.at(image, row, 0), from = before.at(image, row * step, 0);
            for (int x = 0; x < grid.width; x++) *out++ = at + x, *out_from++ = from + x * step;
        }
    }
    return found;
}

// A byte for each cell that is not active, but has an active one at most `reach` rows and columns
// away.
static Array<uint8_t> find_near(const uint8_t *active, int height, int width, int reach) {
    Array<uint8_t> wide, near;
    wide.resize(height * width, 0);
    near.resize(height * width, 0);
    auto merge = [&](const uint8_t *from, uint8_t *to, int count) {
        for (int i = 0; i < count; i++) to[i] |= from[i] != 0;
    };
    for (int by = -reach; by <= reach; by++) {
        int left = by < 0 ? -by : 0, right = by > 0 ? by : 0;
        for (int row = 0; row < height && left + right < width; row++) {
            int start = row * width;
            merge(active + start + left, wide.data() + start + right, width - left - right);
        }
    }
    for (int by = -reach; by <= reach; by++) {
        int above = by < 0 ? -by : 0, below = by > 0 ? by : 0;
        if (above + below >= height) continue;
        merge(wide.data() + above * width, near.data() + below * width,
              (height - above - below) * width);
    }
    for (int i = 0; i < height * width; i++) near[i] &= active[i] == 0;
    return near;
}

// A grid's positions in the active cells. `stride`: pixels from one to the next. `reach`: how many
// positions around them others may read.
static Positions find_active(Grid grid, Grid before, int step, const uint8_t *active, int stride,
                             int reach) {
    int side = CELL / stride;  // positions to a side of a cell
    int width = grid.width / side, height = grid.height / side;
    Positions found{grid, {}, {}, {}};
    Array<uint8_t> near = find_near(active, height, width, (reach + side - 1) / side);
    int count = 0, count_near = 0;
    for (int i = 0; i < height * width; i++) count += active[i] != 0, count_near += near[i];
    found.at.resize(count * side * side);
    found.from.resize(count * side * side);
    found.near.resize(count_near * side * side);
    int *out = found.at.data(), *out_from = found.from.data(), *out_near = found.near.data();
    for (int row = 0; row < grid.height; row++) {
        int first = row / side * width;
        int at = grid.at(0, row, 0), from = before.at(0, row * step, 0);
        for (int cell = 0; cell < width; cell++) {
            if (active[first + cell]) {
                for (int x = cell * side; x < (cell + 1) * side; x++) {
                    *out++ = at + x, *out_from++ = from + x * step;
                }
            } else if (near[first + cell]) {
                for (int x = cell * side; x < (cell + 1) * side; x++) *out_near++ = at + x;
            }
        }
    }
    return found;
}

static void clear_border(int16_t *values, Grid grid, int channels) {
    size_t row = size_t(grid.pitch()) * channels, side = size_t(Grid::BORDER) * channels;
    for (int image = 0; image < grid.images; image++) {
        int16_t *start = values + image * grid.tall() * row;
        __builtin_memset(start, 0, Grid::BORDER * row * sizeof(int16_t));
        for (int y = Grid::BORDER; y < Grid::BORDER + grid.height; y++) {
            __builtin_memset(start + y * row, 0, side * sizeof(int16_t));
            __builtin_memset(start + (y + 1) * row - side, 0, side * sizeof(int16_t));
        }
        int16_t *below = start + (Grid::BORDER + grid.height) * row;
        __builtin_memset(below, 0, Grid::BORDER * row * sizeof(int16_t));
    }
}

// What a layer answers where all its inputs are the same: `in` -> `out`, a value for each channel.
static void answer_blank(const Layer &layer, const int16_t *in, int16_t *out,
                         const int16_t *residual) {
    Scope scope;
    Grid tile{1, layer.kernel, layer.kernel};
    int16_t *values = take_values(int64_t(tile.size() + SPARE) * layer.inputs);
    for (int i = 0; i < tile.size(); i++) {
        for (int c = 0; c < layer.inputs; c++) values[i * layer.inputs + c] = in[c];
    }
    int from = tile.at(0, layer.padding, layer.padding), at = 0;
    compute(layer, values, tile, &from, 1, Rounded(layer, &at, out, residual));
}

Features run(const Network &network, const int16_t *pixels, Grid input, const uint8_t *active,
             int blank) {
    const Layer *layers = network.layers;
    Grid grids[MOST_LAYERS];
    for (int i = 0; i < network.count; i++) {
        grids[i] = grid_after(layers[i], i ? grids[i - 1] : input);
    }
    Buffers buffers(network, grids);
    const int16_t *blanks[MOST_LAYERS];
    Positions positions;
    int stride = 1;
    for (int i = 0; i < network.count; i++) {
        const Layer &layer = layers[i];
        Grid before = i ? grids[i - 1] : input;
        const int16_t *in = i ? buffers.of(i - 1) : pixels;
        bool added = layer.residual >= 0;
        if (active) {
            int16_t grey = int16_t(blank - 128), *answer = take_values(layer.outputs);
            answer_blank(layer, i ? blanks[i - 1] : &grey, answer,
                         added ? blanks[layer.residual] : nullptr);
            blanks[i] = answer;
        }
        if (!i || layer.stride > 1 || !(grids[i] == before)) {
            int reach = 0;
            for (int k = i + 1; k < network.count; k++) {
                if (layers[k].padding > reach) reach = layers[k].padding;
                if (layers[k].stride > 1) break;
            }
            stride *= layer.stride;
            positions = active ? find_active(grids[i], before, layer.stride, active, stride, reach)
                               : find_all(grids[i], before, layer.stride);
        }
        const Array<int> &from = grids[i] == before ? positions.at : positions.from;
        int16_t *out = buffers.of(i);
        compute(
            layer, in, before, from.data(), from.size(),
            Rounded(layer, positions.at.data(), out, added ? buffers.of(layer.residual) : nullptr));
        if (i + 1 < network.count && layers[i + 1].padding) {
            clear_border(out, grids[i], layer.outputs);
            size_t bytes = size_t(layer.outputs) * sizeof(int16_t);
            for (int at : positions.near) {
                __builtin_memcpy(out + at * layer.outputs, blanks[i], bytes);
            }
        }
    }
    return {buffers.of(network.count - 1), positions, active ? blanks[network.count - 1] : nullptr};
}

// Grey values less 128 on a padded grid, of pictures of several views, one after the other.
static int16_t *prepare(const uint8_t *grey, Grid grid, int views) {
    int16_t *pixels = take_values(int64_t(grid.size() + SPARE) * views);
    clear_border(pixels, grid, views);
    for (int image = 0; image < grid.images; image++) {
        for (int view = 0; view < views; view++) {
            for (int row = 0; row < grid.height; row++, grey += grid.width) {
                int16_t *out = pixels + grid.at(image, row, 0) * views + view;
                for (int x = 0; x < grid.width; x++) out[x * views] = int16_t(grey[x] - 128);
            }
        }
    }
    return pixels;
}

// Writes a vector of four subcells into its plane.
class Planes {
   public:
    Planes(const Layer &layer, const int *at, float *out, int width, int size)
        : scales(layer.scales), at(at), out(out), width(width), size(size) {}
    void operator()(int i, int channel, I32x4 a, I32x4 b) const {
        (*this)(i, channel, a);
        (*this)(i, channel + 4, b);
    }
    void operator()(int i, int channel, I32x4 a) const {
        F32x4 value = to_float(a) * load<F32x4>(scales + channel);
        float *upper = out + channel / 4 * size + at[i];
        upper[0] = value[0], upper[1] = value[1];
        upper[width] = value[2], upper[width + 1] = value[3];
    }

   private:
    const float *scales;
    const int *at;
    float *out;
    int width, size;
};

void Detector::run(const uint8_t *grey, int pixels_wide, int pixels_tall, const uint8_t *active,
                   int blank) {
    width = pixels_wide / 4;
    height = pixels_tall / 4;
    int size = width * height;
    planes.resize(PLANES * size);
    Grid input{1, pixels_tall, pixels_wide};
    features = ::run(model.detector, prepare(grey, input, 1), input, active, blank);

    const Layer &layer = model.planes.last();
    if (active) {
        float values[4 * PLANES];
        int from = 0;
        compute_logits(layer, features.blank, 0, &from, 1, values);
        for (int i = 0; i < PLANES; i++) {
            float *out = planes.data() + i * size;
            for (int y = 0; y < height; y++) {
                const float *pair = values + 4 * i + 2 * (y & 1);
                for (int x = 0; x < width; x += 2) *out++ = pair[0], *out++ = pair[1];
            }
        }
    }
    Scope scope;
    Grid grid = features.positions.grid;
    const Array<int> &from = features.positions.at;
    Array<int> at(from.size());
    for (int i = 0; i < from.size(); i++) {
        int row = from[i] / grid.pitch() - Grid::BORDER;
        int column = from[i] % grid.pitch() - Grid::BORDER;
        at[i] = 2 * row * width + 2 * column;
    }
    dense(layer, features.values, grid.pitch(), from.data(), from.size(),
          Planes(layer, at.data(), planes.data(), width, size));
}

void Detector::classes(int row, int column, float (&out)[CLASSES]) const {
    const Layer &layer = model.classes.layers[row % 2 * 2 + column % 2];
    int from = features.positions.grid.at(0, row / 2, column / 2);
    compute_logits(layer, features.values, 0, &from, 1, out);
}

void Classifier::run(const uint8_t *cutouts, int count, float *said) const {
    const Layer &last = model.classifier.last();
    Network body{model.classifier.layers, model.classifier.count - 1, 0};
    for (int done = 0; done < count; done += BATCH) {
        Scope scope;
        int images = count - done < BATCH ? count - done : BATCH;
        Grid input{images, SIDE, SIDE};
        const uint8_t *first = cutouts + done * VIEWS * SIDE * SIDE;
        Features features = ::run(body, prepare(first, input, VIEWS), input, nullptr, 0);
        Grid grid = features.positions.grid;
        Array<int> from(images);
        for (int i = 0; i < images; i++) from[i] = grid.at(i, 0, 0);
        Array<float> rows(images * last.outputs);
        compute_logits(last, features.values, grid.pitch(), from.data(), images, rows.data());
        for (int i = 0; i < images; i++, said += OUTPUTS) {
            const float *row = rows.data() + i * last.outputs;
            for (int k = 0; k < OUTPUTS; k++) said[k] = row[k];
        }
    }
}
