// Numbers: what NumPy does with them, rounding and order of summation included.

/**
 * An image of one number a pixel, row by row: contrasts (Float32Array), distances (Float64Array),
 * region numbers (Int32Array), or a mask (Uint8Array of 0 and 1).
 * @template {Uint8Array|Int32Array|Float32Array|Float64Array} T
 * @typedef {{height: number, width: number, data: T}} Plane
 */

/** Round to the nearest whole number, halves to the even one, as Python does. */
export function round(value) {
  const below = Math.floor(value), rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

export function clamp(value, low, high) {
  return value < low ? low : value > high ? high : value;
}

/**
 * The element that would stand at a place if the values were sorted; they are reordered.
 * @param {Float32Array|Float64Array} values without NaN
 * @param {number} place from 0
 */
export function select(values, place) {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let i = low, j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) {
        const held = values[i];
        values[i++] = values[j];
        values[j--] = held;
      }
    }
    if (place <= j) high = j;
    else if (place >= i) low = i;
    else break;
  }
  return values[place];
}

/** The median, in the precision of the array; the values are reordered. */
export function median(values) {
  const cast = values instanceof Float32Array ? Math.fround : Number, middle = values.length >> 1;
  const upper = select(values, middle);
  if (values.length % 2) return upper;
  let lower = -Infinity;
  for (let i = 0; i < middle; i++) if (values[i] > lower) lower = values[i];
  return cast(cast(lower + upper) / 2);
}

/**
 * The quantile by linear interpolation, in the precision of the array; the values are reordered.
 */
export function quantile(values, share) {
  const cast = values instanceof Float32Array ? Math.fround : Number;
  const place = cast((values.length - 1) * cast(share)), before = Math.floor(place);
  const rest = cast(place - before);
  const low = select(values, before);
  if (before + 1 >= values.length) return low;
  let high = Infinity;
  for (let i = before + 1; i < values.length; i++) if (values[i] < high) high = values[i];
  const step = cast(high - low);
  return rest >= 0.5 ? cast(high - cast(step * cast(1 - rest))) : cast(low + cast(step * rest));
}

/**
 * Add values up in NumPy's order, pairwise, on which the last bits of a sum hang.
 * @param {(value: number) => number} cast `Math.fround` for sums in single precision, `Number` in
 *   double
 */
export function pairwiseSum(values, cast = Number, start = 0, count = values.length) {
  if (count < 8) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = cast(sum + values[start + i]);
    return sum;
  }
  if (count > 128) {
    const half = (count >> 1) - ((count >> 1) % 8);
    return cast(
      pairwiseSum(values, cast, start, half) +
        pairwiseSum(values, cast, start + half, count - half),
    );
  }
  const part = [...values.subarray(start, start + 8)];
  let i = 8;
  for (; i < count - (count % 8); i += 8) {
    for (let k = 0; k < 8; k++) part[k] = cast(part[k] + values[start + i + k]);
  }
  let sum = cast(
    cast(cast(part[0] + part[1]) + cast(part[2] + part[3])) +
      cast(cast(part[4] + part[5]) + cast(part[6] + part[7])),
  );
  for (; i < count; i++) sum = cast(sum + values[start + i]);
  return sum;
}

export function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The values between which `place` lies, interpolated; beyond the ends, the end's. */
export function interpolate(place, [low, high], [atLow, atHigh]) {
  return atLow + (atHigh - atLow) * clamp((place - low) / (high - low), 0, 1);
}

/**
 * The places of `count` things in the order of a key, the least first, equal ones as they stood.
 */
export function order(count, key) {
  return [...Array(count).keys()].sort((a, b) => key(a) - key(b));
}

/** The first of the things with the highest key; `undefined` of none. */
export function best(things, key) {
  let found, highest = -Infinity;
  for (const thing of things) {
    const value = key(thing);
    if (found === undefined || value > highest) [found, highest] = [thing, value];
  }
  return found;
}

/**
 * Rows and columns in which a mask has any pixel: `[top, bottom, left, right]`, the ends outside;
 * `null` if none.
 */
export function extent({ height, width, data }) {
  let top = -1, bottom = -1, left = width, right = -1;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!data[i]) continue;
      if (top < 0) top = y;
      bottom = y;
      if (x < left) left = x;
      if (x > right) right = x;
    }
  }
  return top < 0 ? null : [top, bottom + 1, left, right + 1];
}

export function count(mask) {
  let sum = 0;
  for (let i = 0; i < mask.length; i++) sum += mask[i];
  return sum;
}

/** @returns {Plane<Uint8Array>} where a plane passes a test */
export function where({ height, width, data }, test) {
  const mask = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) mask[i] = test(data[i], i) ? 1 : 0;
  return { height, width, data: mask };
}

/** The same, its edge repeated (or zeros put) around it. */
export function pad({ height, width, data }, by, repeat = false) {
  const padded = new data.constructor((height + 2 * by) * (width + 2 * by));
  for (let y = 0, i = 0; y < height + 2 * by; y++) {
    const row = clamp(y - by, 0, height - 1);
    for (let x = 0; x < width + 2 * by; x++, i++) {
      const column = clamp(x - by, 0, width - 1);
      if (repeat || (row === y - by && column === x - by)) padded[i] = data[row * width + column];
    }
  }
  return { height: height + 2 * by, width: width + 2 * by, data: padded };
}

/** The rectangle from `top` and `left` up to `bottom` and `right`, which are outside. */
export function crop({ width, data }, top, bottom, left, right) {
  const cut = new data.constructor((bottom - top) * (right - left));
  for (let y = top, i = 0; y < bottom; y++, i += right - left) {
    cut.set(data.subarray(y * width + left, y * width + right), i);
  }
  return { height: bottom - top, width: right - left, data: cut };
}

export function transpose({ height, width, data }) {
  const turned = new data.constructor(data.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) turned[x * height + y] = data[i];
  }
  return { height: width, width: height, data: turned };
}
