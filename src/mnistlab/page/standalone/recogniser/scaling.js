// Scaling: Pillow's ways to resize a picture, to the bit: fixed-point arithmetic for bytes, double
// for floats.

import { clamp } from "./numbers.js";

const BITS = 22; // of the fraction of a weight for bytes

/**
 * Ways to resize: each how far a pixel's weight reaches at scale 1, and that weight by distance.
 */
export const BOX = { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
export const BILINEAR = { reach: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) };
export const BICUBIC = { reach: 2, weight: cubic };

function cubic(x) {
  const a = -0.5, d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

/**
 * Resize an image.
 * @param {{height: number, width: number, data: Uint8Array|Uint8ClampedArray|Float32Array}} image
 * @param {number} width pixels wanted
 * @param {number} height
 * @param {{reach: number, weight: (x: number) => number}} way
 * @param {number} channels numbers a pixel
 */
export function resize(image, width, height, way, channels = 1) {
  let result = image;
  if (width !== image.width) result = resizeAcross(result, width, way, channels);
  if (height !== image.height) result = resizeDown(result, height, way, channels);
  return result;
}

/**
 * Weights along one side: for each pixel wanted, the first pixel before, and the weights from it
 * on.
 */
function weights(before, after, way, whole) {
  const scale = before / after, stretch = Math.max(scale, 1), reach = way.reach * stretch;
  return Array.from({ length: after }, (_, pixel) => {
    const centre = (pixel + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(before, Math.trunc(centre + reach + 0.5));
    const row = new Float64Array(last - first).map((_, i) =>
      way.weight((i + first - centre + 0.5) * (1 / stretch)),
    );
    let total = 0;
    for (const weight of row) total += weight;
    for (let i = 0; i < row.length; i++) {
      if (total !== 0) row[i] /= total;
      if (whole) row[i] = Math.trunc(row[i] * (1 << BITS) + (row[i] < 0 ? -0.5 : 0.5));
    }
    return { first, row };
  });
}

const toByte = (sum) => clamp(Math.floor((sum + (1 << (BITS - 1))) / (1 << BITS)), 0, 255);

function resizeAcross({ height, width, data }, after, way, channels) {
  const whole = !(data instanceof Float32Array);
  const result = new data.constructor(height * after * channels);
  const all = weights(width, after, way, whole);
  for (let y = 0, i = 0; y < height; y++) {
    for (const { first, row } of all) {
      for (let c = 0; c < channels; c++, i++) {
        let sum = 0;
        for (
          let k = 0, j = (y * width + first) * channels + c;
          k < row.length;
          k++, j += channels
        ) {
          sum += data[j] * row[k];
        }
        result[i] = whole ? toByte(sum) : sum;
      }
    }
  }
  return { height, width: after, data: result };
}

function resizeDown({ height, width, data }, after, way, channels) {
  const whole = !(data instanceof Float32Array), line = width * channels;
  const sums = new Float64Array(line);
  const result = new data.constructor(after * line);
  weights(height, after, way, whole).forEach(({ first, row }, y) => {
    sums.fill(0);
    for (let k = 0, j = first * line; k < row.length; k++) {
      const weight = row[k];
      for (let i = 0; i < line; i++, j++) sums[i] += data[j] * weight;
    }
    for (let i = 0; i < line; i++) result[y * line + i] = whole ? toByte(sums[i]) : sums[i];
  });
  return { height: after, width, data: result };
}

/**
 * Average squares of `factor` pixels; what is left over at the right and below is averaged as it
 * is.
 */
export function reduce(image, factor, channels = 1) {
  const { height, width, data } = image;
  if (factor === 1) return image;
  const whole = !(data instanceof Float32Array);
  const high = Math.ceil(height / factor), wide = Math.ceil(width / factor);
  const result = new data.constructor(high * wide * channels);
  for (let y = 0, i = 0; y < high; y++) {
    const bottom = Math.min(height, (y + 1) * factor);
    for (let x = 0; x < wide; x++) {
      const right = Math.min(width, (x + 1) * factor);
      const pixels = (bottom - y * factor) * (right - x * factor);
      for (let c = 0; c < channels; c++, i++) {
        let sum = 0;
        for (let row = y * factor; row < bottom; row++) {
          for (let column = x * factor; column < right; column++)
            sum += data[(row * width + column) * channels + c];
        }
        result[i] = whole ? byteAverage(sum, pixels) : sum * (1 / pixels);
      }
    }
  }
  return { height: high, width: wide, data: result };
}

function byteAverage(sum, pixels) {
  const multiplier = Math.floor(2 ** 24 / pixels);
  return Math.floor(((sum + (pixels >> 1)) * multiplier) / 2 ** 24);
}

/** Resize by repeating or leaving out pixels. */
export function resizeNearest({ height, width, data }, newWidth, newHeight) {
  const places = (before, after) => {
    const scale = before / after, found = new Int32Array(after);
    // Added up, as Pillow does: a product would round otherwise.
    for (let i = 0, place = 0.5 * scale; i < after; i++, place += scale)
      found[i] = Math.trunc(place);
    return found;
  };
  const rows = places(height, newHeight), columns = places(width, newWidth);
  const result = new data.constructor(newWidth * newHeight);
  for (let y = 0, i = 0; y < newHeight; y++) {
    for (let x = 0; x < newWidth; x++, i++) result[i] = data[rows[y] * width + columns[x]];
  }
  return { height: newHeight, width: newWidth, data: result };
}

/** Greys of RGB colours, uint8. */
export function toGrey({ height, width, data }) {
  const grey = new Uint8Array(height * width);
  for (let i = 0, j = 0; i < grey.length; i++, j += 3) {
    grey[i] = (data[j] * 19595 + data[j + 1] * 38470 + data[j + 2] * 7471 + 0x8000) >> 16;
  }
  return { height, width, data: grey };
}
