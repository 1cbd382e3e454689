// What can be called to read a picture.
#include "reader.h"

#include "digit_image.h"

// Values of a character, of a cell, and those before them; see `Result` in engine.py.
constexpr int CHARACTER = 30, TABLE_CELL = 8, HEAD = 5;
static reader::Reader *current = nullptr;

static float *write_character(float *out, const reader::Character &one, float threshold) {
    *out++ = one.box.left, *out++ = one.box.top, *out++ = one.box.right, *out++ = one.box.bottom;
    for (int kind = 0; kind < reader::KINDS; kind++) *out++ = one.kinds[kind];
    float confidence = one.confidence();
    *out++ = confidence, *out++ = confidence >= threshold, *out++ = one.cut;
    *out++ = float(one.line), *out++ = float(one.group), *out++ = float(one.cell);
    return out;
}

static const float *write(const reader::Reading &reading, float threshold) {
    size_t count = reading.characters.size(), left_out = reading.left_out.size();
    size_t cells = reading.cells.size();
    float *result = new float[HEAD + (count + left_out) * CHARACTER + cells * TABLE_CELL];
    float *out = result + HEAD, confidence = count ? 1 : 0;
    bool sure = count && !left_out;
    for (const reader::Character &one : reading.characters) {
        out = write_character(out, one, threshold);
        confidence *= one.confidence();
        sure &= one.confidence() >= threshold && !one.cut;
    }
    for (const reader::Character &one : reading.left_out)
        out = write_character(out, one, threshold);
    for (const reader::TableCell &cell : reading.cells) {
        *out++ = float(cell.table), *out++ = float(cell.row), *out++ = float(cell.column);
        *out++ = cell.box.left, *out++ = cell.box.top;
        *out++ = cell.box.right, *out++ = cell.box.bottom;
        *out++ = cell.ruled;
    }
    result[0] = float(count), result[1] = float(left_out), result[2] = float(cells);
    result[3] = sure, result[4] = confidence;
    return result;
}

// Reads a picture of 1, 3 or 4 channels, upright. The result and what `images` needs stay until
// memory is released.
EXPORT(read)
const float *read_picture(const uint8_t *pixels, int width, int height, int channels,
                          float threshold) {
    current = new reader::Reader(model);
    return write(current->read(pixels, width, height, channels), threshold);
}

// The reading of characters in those boxes, each with the probabilities of what it is, without
// rulings.
EXPORT(arrange)
const float *arrange(const float *boxes, const float *kinds, int count) {
    std::vector<reader::Character> all;
    for (int i = 0; i < count; i++, boxes += 4, kinds += reader::KINDS) {
        all.push_back({{boxes[0], boxes[1], boxes[2], boxes[3]}, {}});
        std::copy_n(kinds, reader::KINDS, all.back().kinds.begin());
    }
    std::vector<reader::Character> others;
    reader::find_points(all, others);
    reader::Reader::find_words(all);
    reader::Layout layout = reader::lay_out(std::move(all), {}, {});
    reader::decide_numbers(layout);
    return write({layout.characters, layout.others, layout.cells}, 0);
}

// What may be a character in a picture, to train the classifier on: their number; for each its box,
// the detector's probability that it is there and those of what it is; then the cut-outs,
// three views of 32x32 bytes each.
EXPORT(look)
const void *look(const uint8_t *pixels, int width, int height, int channels) {
    constexpr int ROW = 5 + reader::KINDS;
    reader::Reader looking(model);
    std::vector<reader::Candidate> all = looking.find_all(pixels, width, height, channels);
    std::vector<uint8_t> cut_outs = looking.cut_out_all(all);
    float *result = new float[1 + all.size() * ROW + cut_outs.size() / sizeof(float)],
          *out = result;
    *out++ = float(all.size());
    for (const reader::Candidate &one : all) {
        *out++ = one.box.left, *out++ = one.box.top, *out++ = one.box.right,
        *out++ = one.box.bottom;
        *out++ = one.found;
        out = std::copy(one.kinds.begin(), one.kinds.end(), out);
    }
    std::copy(cut_outs.begin(), cut_outs.end(), reinterpret_cast<uint8_t *>(out));
    return result;
}

// Characters of the last picture that was read, given by their boxes, as MNIST's images are:
// 28x28 bytes each.
EXPORT(images) void make_images(const float *boxes, int count, uint8_t *images) {
    for (int i = 0; i < count; i++, boxes += 4)
        reader::make_image(current->pyramid(), {boxes[0], boxes[1], boxes[2], boxes[3]},
                           images + i * reader::IMAGE * reader::IMAGE);
}
