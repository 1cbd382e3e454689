// The model file, checked: whatever it holds, no layer reads or writes outside its tensors, and no
// sum overflows.
#include "network.h"

namespace {

constexpr uint32_t MAGIC = 0x524C4E4D, VERSION = 2;  // "MNLR"
constexpr int NAME = 16;

struct Header {
    uint32_t magic, version, size, checksum;  // the checksum is of all that follows
    uint32_t networks;
    float powers[Model::POWERS];
};
struct Entry {
    char name[NAME];
    int32_t layers, at, outputs;
};
constexpr int RECORD = 48;  // bytes of a layer's record: the first twelve members of Layer

struct File {
    const uint8_t *bytes;
    int size;
    // Whether `count` elements of 1, 2 or 4 bytes lie at `at`.
    bool has(int64_t at, int64_t count, int each) const {
        return at >= 0 && at % 4 == 0 && count >= 0 && at + count * each <= size;
    }
};

// Two sums, so that exchanged words are noticed.
uint32_t checksum(File file) {
    uint32_t sum = 0, sums = 0;
    for (int at = offsetof(Header, networks); at + 4 <= file.size; at += 4) {
        uint32_t word;
        __builtin_memcpy(&word, file.bytes + at, 4);
        sum += word;
        sums += sum;
    }
    return sum ^ (sums << 1 | sums >> 31);
}

int taps(const Layer &layer) {  // weights of an output
    if (layer.kind == Kind::MEAN) return 0;
    if (layer.kind == Kind::DEPTHWISE) return layer.kernel * ((layer.kernel + 1) / 2 * 2);
    return layer.kernel * ((layer.kernel * layer.inputs + 1) / 2 * 2);
}

bool sums_fit(const Layer &layer) {
    const int16_t *weight = layer.weights;
    int count = taps(layer), most = layer.kind == Kind::DENSE ? 8 : 4;
    for (int first = 0, lanes; first < layer.outputs; first += lanes) {
        lanes = first + most <= layer.outputs ? most : 4;
        int64_t sums[8];
        for (int i = 0; i < lanes; i++) {
            int64_t bias = layer.biases[first + i];
            sums[i] = bias < 0 ? -bias : bias;
        }
        for (int k = 0; k < count * lanes; k++, weight++) {
            sums[k / 2 % lanes] += int64_t(*weight < 0 ? -*weight : *weight) * LARGEST;
        }
        for (int i = 0; i < lanes; i++) {
            if (sums[i] > INT32_MAX) return false;
        }
    }
    return true;
}

bool read_layer(File file, int at, Layer &layer) {
    __builtin_memcpy(&layer, file.bytes + at, RECORD);
    if (layer.inputs < 1 || layer.inputs > 256 ||
        (layer.inputs > Classifier::VIEWS && layer.inputs % 4))
        return false;
    if (layer.outputs < 4 || layer.outputs > 256 || layer.outputs % 4) return false;
    if (layer.kernel < 1 || layer.kernel > 16 || layer.stride < 1 || layer.stride > 2) return false;
    if (layer.padding < 0 || layer.padding > Grid::BORDER || layer.padding > layer.kernel / 2) {
        return false;
    }
    bool wide = layer.kernel == 3 || layer.kernel == 5;
    switch (layer.kind) {
        case Kind::DENSE:
            break;
        case Kind::DEPTHWISE:
            if (!wide || layer.inputs != layer.outputs || layer.padding != layer.kernel / 2) {
                return false;
            }
            break;
        case Kind::MEAN:
            if (layer.kernel != 1 || layer.inputs != layer.outputs || layer.stride != 1)
                return false;
            break;
        default:
            return false;
    }
    int outputs = layer.outputs;
    if (!file.has(layer.weights_at, int64_t(outputs) * taps(layer), 2) ||
        !file.has(layer.biases_at, outputs, 4) || !file.has(layer.scales_at, outputs, 4) ||
        (layer.residual >= 0 && !file.has(layer.ratios_at, outputs, 4))) {
        return false;
    }
    layer.weights = reinterpret_cast<const int16_t *>(file.bytes + layer.weights_at);
    layer.biases = reinterpret_cast<const int32_t *>(file.bytes + layer.biases_at);
    layer.scales = reinterpret_cast<const float *>(file.bytes + layer.scales_at);
    layer.ratios = reinterpret_cast<const float *>(file.bytes + layer.ratios_at);
    return sums_fit(layer);
}

bool keeps_size(const Layer &layer) {
    return layer.kind != Kind::MEAN && layer.kernel == 2 * layer.padding + 1;
}

bool read_network(File file, const Entry &entry, Network &network) {
    if (entry.layers < 1 || entry.layers > MOST_LAYERS ||
        !file.has(entry.at, entry.layers, RECORD)) {
        return false;
    }
    Array<Layer> layers(entry.layers);
    for (int i = 0; i < entry.layers; i++) {
        Layer &layer = layers[i];
        if (!read_layer(file, entry.at + i * RECORD, layer)) return false;
        if (layer.residual < 0) continue;
        if (layer.residual >= i || layers[layer.residual].outputs != layer.outputs) return false;
        for (int k = layer.residual + 1; k <= i; k++) {
            if (!keeps_size(layers[k]) || layers[k].stride > 1) return false;
        }
    }
    network = {layers.data(), entry.layers, entry.outputs};
    return entry.outputs > 0 && entry.outputs <= network.last().outputs;
}

bool is_chain(const Network &network, int inputs) {
    for (int i = 0; i < network.count; i++) {
        if (network.layers[i].inputs != (i ? network.layers[i - 1].outputs : inputs)) return false;
    }
    return true;
}

bool is_detector(const Network &network) {
    int stride = 1;
    for (int i = 0; i < network.count; i++) {
        if (!keeps_size(network.layers[i])) return false;
        stride *= network.layers[i].stride;
    }
    return is_chain(network, 1) && stride == CELL;
}

bool is_head(const Network &network, int count, int inputs, int outputs) {
    if (network.count != count) return false;
    for (int i = 0; i < count; i++) {
        const Layer &layer = network.layers[i];
        if (layer.kind != Kind::DENSE || layer.kernel != 1 || layer.padding || layer.stride != 1 ||
            layer.residual >= 0 || layer.inputs != inputs || layer.outputs != outputs) {
            return false;
        }
    }
    return true;
}

bool is_classifier(const Network &network) {
    int side = Classifier::SIDE;
    for (int i = 0; i < network.count; i++) {
        const Layer &layer = network.layers[i];
        side = layer.kind == Kind::MEAN
                   ? 1
                   : (side + 2 * layer.padding - layer.kernel + layer.stride) / layer.stride;
        if (side < 1) return false;
    }
    const Layer &last = network.last();
    return is_chain(network, Classifier::VIEWS) && network.count > 1 && side == 1 &&
           last.kind == Kind::DENSE && !last.padding && last.residual < 0 &&
           network.outputs == Classifier::OUTPUTS;
}

bool is_called(const Entry &entry, const char *name) {
    for (int i = 0; i < NAME; i++) {
        if (entry.name[i] != name[i]) return false;
        if (!name[i]) return true;
    }
    return false;
}

}  // namespace

bool Model::open(const uint8_t *bytes, int size) {
    File file{bytes, size};
    Header header;
    if (size < int(sizeof header)) return false;
    __builtin_memcpy(&header, bytes, sizeof header);
    if (header.magic != MAGIC || header.version != VERSION || header.size != uint32_t(size) ||
        header.checksum != checksum(file) || header.networks > 16 ||
        !file.has(sizeof header, header.networks, sizeof(Entry))) {
        return false;
    }
    *this = {};
    for (int i = 0; i < POWERS; i++) powers[i] = header.powers[i];
    for (uint32_t i = 0; i < header.networks; i++) {
        Entry entry;
        __builtin_memcpy(&entry, bytes + sizeof header + i * sizeof entry, sizeof entry);
        Network *network = is_called(entry, "detector")     ? &detector
                           : is_called(entry, "planes")     ? &planes
                           : is_called(entry, "classes")    ? &classes
                           : is_called(entry, "classifier") ? &classifier
                                                            : nullptr;
        if (!network || !read_network(file, entry, *network)) return false;
    }
    if (!detector.count || !is_detector(detector)) return false;
    int features = detector.last().outputs;
    return is_head(planes, 1, features, 4 * Detector::PLANES) &&
           is_head(classes, 4, features, Detector::CLASSES) &&
           (!classifier.count || is_classifier(classifier));
}
