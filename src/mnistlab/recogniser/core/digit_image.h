// A character as the images of MNIST are, for networks that were trained on them.
#pragma once

#include "decode.h"

namespace reader {

// MNIST's digits fill 20x20 pixels of 28x28, their centre of mass in the middle, light on black
// (LeCun, Bottou, Bengio and Haffner, 1998, section III.A).
constexpr int IMAGE = 28, FILLED = 20;
constexpr int FINE = 3;  // samples to a side of an image's pixel

inline void make_image(const std::vector<Level> &levels, const Box &box, uint8_t *image) {
    float side = std::max(box.width(), box.height());
    // The finest level whose pixels are not much finer than the samples.
    size_t index = 0;
    while (index + 1 < levels.size() && side * levels[index].scale > 2 * FINE * FILLED) index++;
    const Grey &grey = levels[index].grey;
    float scale = levels[index].scale;
    // Paper is what most of the box's surroundings show, ink what differs most from it.
    std::vector<float> around;
    constexpr int STEPS = 24;
    for (int i = 0; i < STEPS; i++)
        for (float far : {-0.62f, 0.62f}) {
            float along = (i + 0.5f) / STEPS - 0.5f;
            around.push_back(sample(grey, (box.x() + far * box.width() * 1.1f) * scale,
                                    (box.y() + along * box.height()) * scale));
            around.push_back(sample(grey, (box.x() + along * box.width()) * scale,
                                    (box.y() + far * box.height()) * scale));
        }
    std::nth_element(around.begin(), around.begin() + around.size() / 2, around.end());
    float paper = around[around.size() / 2];
    constexpr int GRID = FILLED * FINE;
    float values[GRID][GRID], darkest = 0, lightest = 0;
    Between columns[GRID];
    bool inside[GRID];
    for (int column = 0; column < GRID; column++) {
        float x = box.x() + ((column + 0.5f) / GRID - 0.5f) * side;
        columns[column] = between(x * scale, grey.width);
        inside[column] = x >= box.left - 0.03f * side && x <= box.right + 0.03f * side;
    }
    for (int row = 0; row < GRID; row++) {
        float y = box.y() + ((row + 0.5f) / GRID - 0.5f) * side;
        Between across = between(y * scale, grey.height);
        for (int column = 0; column < GRID; column++) {
            float value = inside[column] ? sample(grey, columns[column], across) - paper : 0;
            values[row][column] = value;
            darkest = std::min(darkest, value), lightest = std::max(lightest, value);
        }
    }
    float full = -darkest > lightest ? darkest : lightest;
    float ink[FILLED][FILLED], mass = 0, x = 0, y = 0;
    for (int row = 0; row < FILLED; row++)
        for (int column = 0; column < FILLED; column++) {
            float sum = 0;
            for (int i = 0; i < FINE; i++)
                for (int j = 0; j < FINE; j++) {
                    float share = values[row * FINE + i][column * FINE + j] / (full ? full : 1);
                    // Below a quarter it is paper, above three quarters ink.
                    sum += std::clamp(2 * share - 0.5f, 0.f, 1.f);
                }
            float covered = sum / (FINE * FINE);
            ink[row][column] = covered, mass += covered;
            x += covered * column, y += covered * row;
        }
    std::fill_n(image, IMAGE * IMAGE, uint8_t(0));
    if (mass <= 0) return;
    int left = std::clamp(int(std::nearbyint((IMAGE - 1) / 2.f - x / mass)), 0, IMAGE - FILLED);
    int top = std::clamp(int(std::nearbyint((IMAGE - 1) / 2.f - y / mass)), 0, IMAGE - FILLED);
    for (int row = 0; row < FILLED; row++)
        for (int column = 0; column < FILLED; column++)
            image[(top + row) * IMAGE + left + column] =
                uint8_t(std::nearbyint(255 * ink[row][column]));
}

}  // namespace reader
