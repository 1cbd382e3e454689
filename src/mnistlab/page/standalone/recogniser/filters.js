// Filters: those of SciPy's ndimage that work along lines, in double precision, kept in that of the
// plane.

/** @typedef {import("./numbers.js").Plane} Plane */

/** What lies beyond the edge: the picture mirrored, or its last pixel for ever. */
export const REFLECT = (place, length) => {
  const turn = ((place % (2 * length)) + 2 * length) % (2 * length);
  return turn < length ? turn : 2 * length - 1 - turn;
};
export const NEAREST = (place, length) => (place < 0 ? 0 : place >= length ? length - 1 : place);

/**
 * Put every row or column, lengthened by `before` and `after` pixels, through a function that fills
 * the line's result.
 * @param {Plane} plane
 * @param {boolean} down whether columns
 * @param {(line: Float64Array, result: Float64Array) => void} work
 */
function alongLines({ height, width, data }, down, [before, after], beyond, work) {
  const length = down ? height : width, lines = down ? width : height, step = down ? width : 1;
  const line = new Float64Array(before + length + after), result = new Float64Array(length);
  const made = new data.constructor(data.length), places = new Int32Array(line.length);
  for (let i = 0; i < line.length; i++) places[i] = beyond(i - before, length) * step;
  for (let n = 0; n < lines; n++) {
    const start = down ? n : n * width;
    for (let i = 0; i < line.length; i++) line[i] = data[start + places[i]];
    work(line, result);
    for (let i = 0, j = start; i < length; i++, j += step) made[j] = result[i];
  }
  return { height, width, data: made };
}

/** Blur with a Gaussian of `sigma` pixels. */
export function gaussian(plane, sigma) {
  const reach = Math.trunc(4 * sigma + 0.5);
  let weights = Float64Array.from({ length: reach + 1 }, (_, x) =>
    Math.exp((-0.5 / (sigma * sigma)) * x * x),
  );
  const total = weights.reduce((sum, weight, x) => sum + (x ? 2 * weight : weight), 0);
  weights = weights.map((weight) => weight / total);
  const blur = (line, result) => {
    for (let i = 0; i < result.length; i++) {
      let sum = line[i + reach] * weights[0];
      for (let k = reach; k > 0; k--)
        sum += (line[i + reach - k] + line[i + reach + k]) * weights[k];
      result[i] = sum;
    }
  };
  return alongLines(
    alongLines(plane, true, [reach, reach], REFLECT, blur),
    false,
    [reach, reach],
    REFLECT,
    blur,
  );
}

/** Average over squares of `size` pixels. */
export function uniform(plane, size, beyond = REFLECT) {
  const before = size >> 1, ends = [before, size - before - 1];
  const average = (line, result) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += line[i];
    sum /= size;
    result[0] = sum;
    for (let i = 1; i < result.length; i++) {
      sum += (line[i + size - 1] - line[i - 1]) / size;
      result[i] = sum;
    }
  };
  return alongLines(alongLines(plane, true, ends, beyond, average), false, ends, beyond, average);
}

/**
 * The greatest of each window of `size` numbers of a line (van Herk, 1992); both buffers are as
 * long as the line.
 */
function slidingMaximum(line, result, size, left, right) {
  const last = line.length - 1;
  left[0] = line[0];
  right[last] = line[last];
  for (let i = 1, k = 1; i <= last; i++, k = k === size - 1 ? 0 : k + 1) {
    left[i] = k && left[i - 1] > line[i] ? left[i - 1] : line[i];
  }
  for (let i = last - 1, k = (last % size) || size; i >= 0; i--, k = k === 1 ? size : k - 1) {
    right[i] = k !== size && right[i + 1] > line[i] ? right[i + 1] : line[i];
  }
  for (let i = 0, j = size - 1; i < result.length; i++, j++)
    result[i] = left[j] > right[i] ? left[j] : right[i];
}

/**
 * The greatest (`sign` 1) or least (-1) number within a window along each row or column.
 * @param {number} origin how far before its pixel the window's middle lies
 */
export function extremeAlong(plane, down, size, sign, { beyond = REFLECT, origin = 0 } = {}) {
  if (size === 1) return plane;
  const before = (size >> 1) + origin, length = (down ? plane.height : plane.width) + size - 1;
  const left = new Float64Array(length), right = new Float64Array(length);
  return alongLines(plane, down, [before, size - before - 1], beyond, (line, result) => {
    if (sign < 0) for (let i = 0; i < line.length; i++) line[i] = -line[i];
    slidingMaximum(line, result, size, left, right);
    if (sign < 0) for (let i = 0; i < result.length; i++) result[i] = -result[i];
  });
}

function extreme(plane, size, sign, options) {
  return extremeAlong(extremeAlong(plane, true, size, sign, options), false, size, sign, options);
}

export const minimum = (plane, size, beyond = REFLECT) => extreme(plane, size, -1, { beyond });
export const maximum = (plane, size, beyond = REFLECT) => extreme(plane, size, 1, { beyond });

/** The greatest number in reach of a square; one of even side reaches further down and right. */
export function dilateGrey(plane, size, beyond = REFLECT) {
  return extreme(plane, size, 1, { beyond, origin: size % 2 ? 0 : -1 });
}

export const closeGrey = (plane, size, beyond = REFLECT) =>
  minimum(dilateGrey(plane, size, beyond), size, beyond);
export const openGrey = (plane, size, beyond = REFLECT) =>
  dilateGrey(minimum(plane, size, beyond), size, beyond);
