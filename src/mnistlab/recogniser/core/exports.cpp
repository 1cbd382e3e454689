// What can be called from outside: addresses are places in the module's memory.
#include "network.h"

#ifdef __wasm__
#define EXPORT(name) extern "C" __attribute__((export_name(#name)))
#else
#define EXPORT(name) extern "C"
#endif

static Model model;

// Room for what comes from outside and stays, such as the model.
EXPORT(allocate) void *allocate(int bytes) { return memory::take(bytes); }

// Room for what a call is given and what it makes. What was made since the last time is forgotten.
EXPORT(reserve) void *reserve(int bytes) {
    static void *start = nullptr;
    if (!start) start = memory::top();
    memory::release(start);
    return memory::take(bytes);
}

// The file has to stay where it is. Returns 1, or 0 if it is refused.
EXPORT(open_model) int open_model(const uint8_t *file, int size) { return model.open(file, size); }

// Planes (8, height / 4, width / 4) -> `planes`; class logits (20) of `count` cells, given as row,
// column, row, column..., -> `classes`.
EXPORT(detect)
void detect(const uint8_t *grey, const uint8_t *active, const int32_t *cells, float *planes,
            float *classes, int width, int height, int blank, int count) {
    Scope scope;
    Detector detector(model);
    detector.run(grey, width, height, active, blank);
    size_t bytes = size_t(Detector::PLANES) * detector.width * detector.height * sizeof(float);
    __builtin_memcpy(planes, detector.plane(0), bytes);
    for (int i = 0; i < count; i++) {
        float logits[Detector::CLASSES];
        detector.classes(cells[2 * i], cells[2 * i + 1], logits);
        __builtin_memcpy(classes + i * Detector::CLASSES, logits, sizeof logits);
    }
}

// Whether the model has a classifier, as one that is being trained has none at first.
EXPORT(has_classifier) int has_classifier() { return model.classifier.count > 0; }

// `count` cut-outs of three views of 32x32 -> (count, 25): logits, and offsets of edges.
EXPORT(classify) void classify(const uint8_t *cutouts, float *said, int count) {
    Scope scope;
    Classifier(model).run(cutouts, count, said);
}
