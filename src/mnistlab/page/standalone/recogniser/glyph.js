// Glyph: one digit's ink, prepared as MNIST was (LeCun, Bottou, Bengio and Haffner, 1998, section
// III.A).

import { distance } from "./distance.js";
import { REFLECT, dilateGrey, maximum } from "./filters.js";
import { clamp, crop, extent, pad, pairwiseSum, round, where } from "./numbers.js";
import { BICUBIC, BOX, resize } from "./scaling.js";

export const SIDE = 28;
const INNER = 20;
const FINE = 6;
const STEEPNESS = 2.0;
const THINNEST = 2.1, THICKEST = 3.6;
const { fround } = Math;

/** @typedef {import("./numbers.js").Plane<Float32Array>} Amount ink, 0 to 1 */

/**
 * Make the 28x28 image that a network trained on MNIST expects.
 * @param {Amount} ink the digit alone: 0 without ink, 1 where it is full, half at its edge
 * @returns {Uint8Array} 28x28, light on black; all black if there is no ink
 */
export function prepare(ink) {
  const places = extent(inked(ink));
  if (!places) return new Uint8Array(SIDE * SIDE);
  const fine = regulate(toBox(pad(crop(ink, ...places), 1)));
  return fine.data.some((value) => value > 0.5) ? place(shrink(fine)) : new Uint8Array(SIDE * SIDE);
}

const inked = (plane) => where(plane, (value) => value > 0.5);

/**
 * The mean stroke thickness: four times the mean distance to the nearest pixel outside, less two.
 */
function thickness(shape, inside) {
  let sum = 0, area = 0;
  for (let i = 0; i < inside.length; i++) {
    if (!shape.data[i]) continue;
    sum += inside[i];
    area++;
  }
  return area ? (4 * sum) / area - 2 : 0;
}

/**
 * Scale into the box of 20 (on the fine grid), with a margin for strokes that grow, and make edges
 * steep.
 */
function toBox(cut) {
  const factor = (INNER * FINE) / Math.max(cut.height - 2, cut.width - 2);
  const width = Math.max(FINE, round(cut.width * factor));
  const height = Math.max(FINE, round(cut.height * factor));
  // A hair would be averaged away.
  const whole = factor < 1 ? dilateGrey(cut, round(1 / factor), REFLECT) : cut;
  const grown = resize(whole, width, height, factor > 1 ? BICUBIC : BOX);
  const data = grown.data.map((value) =>
    clamp(fround(fround(value - 0.5) * STEEPNESS) + 0.5, 0, 1),
  );
  return pad({ ...grown, data }, FINE);
}

/** Bring strokes that no pen of MNIST's wrote to the nearest thickness that one did. */
function regulate(fine) {
  const shape = inked(fine), inside = distance(shape), found = thickness(shape, inside);
  const low = THINNEST * FINE, high = THICKEST * FINE;
  if (found > 0 && found < low) {
    return { ...fine, data: clear(distance(where(shape, (bit) => !bit)), (low - found) / 2) };
  }
  if (found <= high) return fine;
  const highest = maximum({ ...shape, data: inside }, 3, REFLECT).data;
  const ridge = where(shape, (bit, i) => bit && inside[i] >= highest[i] - 0.01);
  const core = clear(distance(where(ridge, (bit) => !bit)), low / 4);
  const data = new Float32Array(inside.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = Math.max(clamp(inside[i] - (found - high) / 2, 0, 1), shape.data[i] ? core[i] : 0);
  }
  return { ...fine, data };
}

function clear(distances, reach) {
  const cleared = new Float32Array(distances.length);
  for (let i = 0; i < cleared.length; i++) cleared[i] = clamp(reach + 1 - distances[i], 0, 1);
  return cleared;
}

/**
 * Average down from the fine grid: the longer side of the ink becomes 20, each pixel its share of
 * ink, 0 to 1.
 */
function shrink(fine) {
  const cut = crop(fine, ...extent(inked(fine))), factor = INNER / Math.max(cut.height, cut.width);
  return resize(
    cut,
    ...[cut.width, cut.height].map((side) => Math.max(1, round(side * factor))),
    BOX,
  );
}

/**
 * Put an image of at most 20x20 into 28x28 with its centre of mass in the middle, as far as it
 * fits.
 */
function place({ height, width, data }) {
  const total = pairwiseSum(data, fround), columns = new Float32Array(width);
  const rows = Float32Array.from({ length: height }, (_, y) =>
    pairwiseSum(data, fround, y * width, width),
  );
  data.forEach((value, i) => (columns[i % width] += value));
  const corner = (sums) => {
    const centre = pairwiseSum(Float64Array.from(sums, (sum, i) => sum * i)) / total;
    return clamp(round(SIDE / 2 - centre), 0, SIDE - sums.length);
  };
  const top = corner(rows), left = corner(columns), result = new Uint8Array(SIDE * SIDE);
  data.forEach((value, i) => {
    result[(top + Math.floor(i / width)) * SIDE + left + (i % width)] = round(fround(255 * value));
  });
  return result;
}
