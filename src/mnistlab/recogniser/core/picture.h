// Pictures: grey values, reduced and enlarged, and the pyramid in which characters are looked for.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace reader {

struct Grey {
    int width = 0, height = 0;
    std::vector<uint8_t> pixels;

    const uint8_t *row(int y) const { return pixels.data() + size_t(y) * width; }
    uint8_t *row(int y) { return pixels.data() + size_t(y) * width; }
};

// How large pictures are looked at: the longer side of the largest level, that below which a
// picture is looked at enlarged too, and that of the smallest level.
constexpr int LARGEST = 1280, SMALL = 320, SMALLEST = 20;

// Luminance of 1, 3 or 4 channels (ITU-R BT.601), averaged over areas down to the given size.
inline Grey reduce(const uint8_t *pixels, int width, int height, int channels, int longest) {
    double factor = std::max(1.0, double(std::max(width, height)) / longest);
    Grey grey{std::max(1, int(width / factor + 0.5)), std::max(1, int(height / factor + 0.5)), {}};
    grey.pixels.resize(size_t(grey.width) * grey.height);
    auto value = [&](const uint8_t *p) -> uint32_t {
        return channels < 3 ? p[0] : (299u * p[0] + 587u * p[1] + 114u * p[2] + 500u) / 1000u;
    };
    if (grey.width == width && grey.height == height) {
        for (size_t i = 0; i < grey.pixels.size(); i++)
            grey.pixels[i] = uint8_t(value(pixels + i * channels));
        return grey;
    }
    // Areas of whole pixels: from each output pixel's first input pixel to the next one's.
    std::vector<int> first(grey.width + 1);
    for (int x = 0; x <= grey.width; x++) first[x] = int(int64_t(x) * width / grey.width);
    std::vector<uint32_t> sums(grey.width);
    for (int y = 0; y < grey.height; y++) {
        int top = int(int64_t(y) * height / grey.height);
        int bottom = std::max(top + 1, int(int64_t(y + 1) * height / grey.height));
        std::fill(sums.begin(), sums.end(), 0);
        for (int from = top; from < bottom; from++) {
            const uint8_t *line = pixels + size_t(from) * width * channels;
            for (int x = 0; x < grey.width; x++)
                for (int at = first[x]; at < std::max(first[x] + 1, first[x + 1]); at++)
                    sums[x] += value(line + size_t(at) * channels);
        }
        uint8_t *out = grey.row(y);
        for (int x = 0; x < grey.width; x++) {
            uint32_t count = uint32_t(bottom - top) * std::max(1, first[x + 1] - first[x]);
            out[x] = uint8_t((sums[x] + count / 2) / count);
        }
    }
    return grey;
}

inline Grey halve(const Grey &from) {
    Grey to{(from.width + 1) / 2, (from.height + 1) / 2, {}};
    to.pixels.resize(size_t(to.width) * to.height);
    for (int y = 0; y < to.height; y++) {
        const uint8_t *upper = from.row(2 * y),
                      *lower = from.row(std::min(2 * y + 1, from.height - 1));
        uint8_t *out = to.row(y);
        for (int x = 0; x < from.width / 2; x++)
            out[x] = uint8_t(
                (upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 2) / 4);
        if (from.width % 2)
            out[to.width - 1] = uint8_t((upper[from.width - 1] + lower[from.width - 1] + 1) / 2);
    }
    return to;
}

// Twice the size, bilinear; what was pixel x lies between the new ones 2x and 2x + 1.
inline Grey enlarge(const Grey &from) {
    Grey to{2 * from.width, 2 * from.height, {}};
    to.pixels.resize(size_t(to.width) * to.height);
    for (int y = 0; y < to.height; y++) {
        int near = y / 2, far = std::clamp(y % 2 ? near + 1 : near - 1, 0, from.height - 1);
        const uint8_t *a = from.row(near), *b = from.row(far);
        uint8_t *out = to.row(y);
        for (int x = 0; x < to.width; x++) {
            int at = x / 2, by = std::clamp(x % 2 ? at + 1 : at - 1, 0, from.width - 1);
            out[x] = uint8_t((9 * a[at] + 3 * a[by] + 3 * b[at] + b[by] + 8) / 16);
        }
    }
    return to;
}

// The value at a place between pixels, bilinear; beyond the edge it is the edge's.
// A place between two rows or columns, and the second one's share.
struct Between {
    int first, second;
    float share;
};

inline Between between(float at, int size) {
    at = std::clamp(at - 0.5f, 0.f, float(size - 1));
    int first = int(at);
    return {first, std::min(first + 1, size - 1), at - first};
}

inline float sample(const Grey &grey, const Between &x, const Between &y) {
    const uint8_t *top = grey.row(y.first), *bottom = grey.row(y.second);
    float above = top[x.first] * (1 - x.share) + top[x.second] * x.share;
    float below = bottom[x.first] * (1 - x.share) + bottom[x.second] * x.share;
    return above * (1 - y.share) + below * y.share;
}

inline float sample(const Grey &grey, float x, float y) {
    return sample(grey, between(x, grey.width), between(y, grey.height));
}

struct Tones {
    int low, high, median;
};

inline Tones tones(const Grey &grey) {
    // In four tables, since a count that was just stored is slow to be read again.
    uint32_t counts[4][256] = {}, *count = counts[0];
    for (size_t i = 0; i < grey.pixels.size(); i++) counts[i % 4][grey.pixels[i]]++;
    for (int value = 0; value < 256; value++)
        for (int k = 1; k < 4; k++) count[value] += counts[k][value];
    auto at = [&](size_t rank) {
        size_t sum = 0;
        for (int value = 0; value < 256; value++)
            if ((sum += count[value]) > rank) return value;
        return 255;
    };
    size_t size = grey.pixels.size(), few = size / 1000;
    return {at(few), at(size - 1 - few), at(size / 2)};
}

// The darkest value becomes 20, the lightest 235; little contrast is not stretched to the full
// range.
constexpr int LITTLE = 56;

inline Grey stretch(const Grey &from) {
    Tones seen = tones(from);
    int span = std::max(seen.high - seen.low, LITTLE);
    uint8_t table[256];
    for (int value = 0; value < 256; value++)
        table[value] =
            uint8_t(20 + (215 * std::clamp(value - seen.low, 0, span) + span / 2) / span);
    Grey to = from;
    for (uint8_t &value : to.pixels) value = table[value];
    return to;
}

// A picture at one size, with paper around it.
struct Level {
    float scale;                  // of its pixels for one of the picture
    int paper;                    // grey value around it
    Grey grey;                    // without the paper
    Grey padded;                  // sides multiples of 8
    std::vector<uint8_t> active;  // of each 8x8 pixels: whether there may be characters
};

constexpr int PAD = 16, BLOCK = 8;
constexpr int CONTRAST = 26;  // grey values of 215: less within a block and around it is bare paper
// On noisy paper more: than so many times what the quietest tenth of the blocks has, up to a limit;
// where there are blocks enough to tell.
constexpr float LOUDER = 1.7f;
constexpr int LOUDEST = 64, QUIET = 10, FEW = 64;

inline Level pad(float scale, Grey grey, int paper) {
    Grey padded{(grey.width + 2 * PAD + BLOCK - 1) / BLOCK * BLOCK,
                (grey.height + 2 * PAD + BLOCK - 1) / BLOCK * BLOCK,
                {}};
    padded.pixels.assign(size_t(padded.width) * padded.height, uint8_t(paper));
    for (int y = 0; y < grey.height; y++)
        std::copy_n(grey.row(y), grey.width, padded.row(y + PAD) + PAD);
    return {scale, paper, std::move(grey), std::move(padded), {}};
}

// Marks the blocks that have contrast, and those around them, in which a character's middle may
// lie.
inline void mark_active(Level &level) {
    const Grey &grey = level.padded;
    int columns = grey.width / BLOCK, rows = grey.height / BLOCK;
    std::vector<uint8_t> range(size_t(columns) * rows), lowest(grey.width), highest(grey.width);
    uint32_t counts[256] = {}, blocks = 0;
    // The paper's edge is no ink.
    int right = PAD + level.grey.width, bottom = PAD + level.grey.height;
    for (int row = 0; row < rows; row++) {
        int top = std::max(row * BLOCK, PAD), end = std::min(row * BLOCK + BLOCK + 1, bottom);
        if (top >= end) continue;
        std::copy_n(grey.row(top), grey.width, lowest.begin());
        std::copy_n(grey.row(top), grey.width, highest.begin());
        uint8_t *low = lowest.data(), *high = highest.data();
        for (int y = top + 1; y < end; y++) {
            const uint8_t *line = grey.row(y);
            for (int x = 0; x < grey.width; x++)
                low[x] = std::min(low[x], line[x]), high[x] = std::max(high[x], line[x]);
        }
        for (int column = 0; column < columns; column++) {
            uint8_t least = 255, most = 0;
            int stop = std::min(column * BLOCK + BLOCK + 1, right);
            for (int x = std::max(column * BLOCK, PAD); x < stop; x++)
                least = std::min(least, low[x]), most = std::max(most, high[x]);
            if (most < least) continue;
            range[size_t(row) * columns + column] = most - least;
            counts[most - least]++, blocks++;
        }
    }
    // Noise shows in the quietest blocks.
    uint32_t quiet = 0;
    int noise = 0;
    while (noise < 255 && (quiet += counts[noise]) <= blocks / QUIET) noise++;
    int contrast = blocks < FEW ? CONTRAST : std::clamp(int(LOUDER * noise), CONTRAST, LOUDEST);
    constexpr int AROUND = 2;
    level.active.assign(range.size(), 0);
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++)
            if (range[size_t(row) * columns + column] > contrast)
                for (int y = std::max(row - AROUND, 0); y <= std::min(row + AROUND, rows - 1); y++)
                    std::fill_n(
                        level.active.begin() + size_t(y) * columns + std::max(column - AROUND, 0),
                        std::min(column + AROUND, columns - 1) - std::max(column - AROUND, 0) + 1,
                        1);
}

// From fine to coarse. `scale` is the first level's, of its pixels for one of the picture.
inline std::vector<Level> pyramid(Grey grey, float scale) {
    std::vector<Level> levels;
    // Each level's own contrast: what is thin fades as it is reduced.
    auto add = [&](float scale, const Grey &level) {
        Grey stretched = stretch(level);
        int paper = tones(stretched).median;
        levels.push_back(pad(scale, std::move(stretched), paper));
    };
    if (std::max(grey.width, grey.height) < SMALL) add(2 * scale, enlarge(grey));
    while (true) {
        add(scale, grey);
        if (std::max(grey.width, grey.height) < 2 * SMALLEST) break;
        grey = halve(grey);
        scale /= 2;
    }
    for (Level &level : levels) mark_active(level);
    return levels;
}

}  // namespace reader
