// Splitting: digits that touch, told apart by what reads best (over-segmentation; LeCun et al., 1998, section VII).

import { distance } from "./distance.js";
import { best, extent, mean, order, round, where } from "./numbers.js";
import { label } from "./regions.js";

const STEP = 0.08, NEAREST = 0.15;
const REACH = 0.12;
const WIDEST = 1.7;
const NARROWEST = 0.7;
const MOST_SEAMS = 40;
const CUT = 0.2, CROSSING = 0.5;
const SURE_CUT = 2.2, RARE = 1.0;
const LEAST = -7.0;
const DOUBTED = 0.77, SPREAD = 0.13;
const FRAGMENT = 0.12;
const WIDTHS = [-0.11, -0.97, -0.08, -0.24, -0.25, -0.08, -0.34, -0.27, -0.29, -0.41];
const WIDTH_SPREADS = [0.2, 0.47, 0.23, 0.22, 0.22, 0.27, 0.22, 0.22, 0.23, 0.21];

/** @typedef {import("./numbers.js").Plane<Uint8Array>} Mask */

/**
 * A way from top to bottom.
 * @typedef {object} Seam
 * @property {Int32Array} columns the first column right of it, row by row
 * @property {number} crossed thicknesses of ink that it cuts
 */

/**
 * Split a character into the digits that it most probably is: itself, if it is one.
 * @param {Mask} mask its ink
 * @param {number} tall height of the line's digits in pixels
 * @param {number} thickness of its strokes in pixels
 * @param {(mask: Mask) => ArrayLike<number>} read from a mask of the same shape to logits, 10, or 11, the last that of no
 *   digit at all
 * @param {number|null} typical highest logit of a typical digit; `null` with eleven logits
 * @returns {Mask[]} of the same shape, left to right
 */
export function split(mask, tall, thickness, read, typical) {
  const { height, width } = mask;
  if (width < NARROWEST * height || width < NARROWEST * 0.6 * tall) return [mask];
  const dear = typical === null ? SURE_CUT : CUT;
  // No cut costs less than what would be won.
  if (score(mask, read(mask), typical) >= -dear) return [mask];
  const seams = findSeams(mask, tall, thickness);
  if (!seams.length) return [mask];
  const end = (column) => ({ columns: new Int32Array(height).fill(column), crossed: 0 });
  const ends = [end(0), ...seams, end(width)], scores = new Map(), pieces = new Map();
  const key = (first, last) => first * ends.length + last;
  for (let first = 0; first < ends.length - 1; first++) {
    for (let last = first + 1; last < ends.length; last++) {
      const piece = mainPart(between(mask, ends[first].columns, ends[last].columns));
      if (!piece || !isPossible(piece, tall, first === 0 && last === ends.length - 1)) continue;
      pieces.set(key(first, last), piece);
      scores.set(key(first, last), score(piece, read(piece), typical));
    }
  }
  const path = bestPath((first, last) => scores.get(key(first, last)), ends.map((seam) => seam.crossed), dear);
  return path.length ? path.map(([first, last]) => pieces.get(key(first, last))) : [mask];
}

function between(mask, first, last) {
  const { width } = mask;
  return where(mask, (bit, i) => {
    const column = i % width, row = (i - column) / width;
    return bit && column >= first[row] && column < last[row];
  });
}

/** Ways from top to bottom that cross little ink, left to right. */
function findSeams(mask, tall, thickness) {
  const { height, width, data } = mask, near = Math.max(2, round(NEAREST * tall));
  const reach = Math.max(1, round(REACH * tall)), step = Math.max(1, round(STEP * tall)), starts = [];
  for (let start = near; start < width - near + 1; start += step) starts.push(start);
  if (starts.length > MOST_SEAMS) return [];
  // Ink is dear, its middle dearest; going sideways costs a little, so that seams are straight where they can be.
  const depth = distance(mask), cost = depth.map((deep, i) => (data[i] ? 1 + deep / thickness : 0) + 0.01);
  const seams = new Map();
  for (const start of starts) {
    const path = cheapestPath(cost, width, Math.max(0, start - reach), Math.min(width, start + reach + 1));
    const crossed = path.reduce((sum, column, row) => sum + data[row * width + column], 0) / thickness;
    const name = path.join();
    if (!seams.has(name)) seams.set(name, { columns: path.map((column) => column + (crossed ? 0 : 1)), crossed });
  }
  const found = [...seams.values()];
  return order(found.length, (i) => mean(found[i].columns)).map((i) => found[i]);
}

/**
 * The column in each row of the cheapest way from top to bottom, a column aside in each row at most.
 * @param {Float64Array} cost of each pixel
 * @param {number} low first column that is free to it
 * @param {number} high column behind the last
 */
function cheapestPath(cost, width, low, high) {
  const height = cost.length / width, wide = high - low, came = new Int8Array(height * wide);
  let total = cost.slice(low, high);
  for (let row = 1; row < height; row++) {
    const next = new Float64Array(wide);
    for (let x = 0; x < wide; x++) {
      let least = x ? total[x - 1] + 0.02 : Infinity, step = -1;
      if (total[x] < least) [least, step] = [total[x], 0];
      if (x + 1 < wide && total[x + 1] + 0.02 < least) [least, step] = [total[x + 1] + 0.02, 1];
      came[row * wide + x] = step;
      next[x] = least + cost[row * width + low + x];
    }
    total = next;
  }
  const path = new Int32Array(height);
  let x = total.indexOf(Math.min(...total));
  for (let row = height - 1; row >= 0; row--) {
    path[row] = low + x;
    x += came[row * wide + x];
  }
  return path;
}

function mainPart(piece) {
  const { labels, count } = label(piece), areas = new Float64Array(count + 1);
  if (!count) return null;
  for (const name of labels) if (name) areas[name]++;
  const least = FRAGMENT * areas.reduce((sum, area) => sum + area, 0);
  const main = where(piece, (bit, i) => bit && areas[labels[i]] >= least);
  return main.data.includes(1) ? main : null;
}

function isPossible(piece, tall, whole) {
  const [height, width] = sizeOf(piece);
  return whole || (0.45 * tall <= height && width <= WIDEST * height);
}

function sizeOf(piece) {
  const [top, bottom, left, right] = extent(piece);
  return [bottom - top, right - left];
}

/** The logarithm of how probably a piece is one digit: it reads as one, and is as wide as one. */
function score(piece, logits, typical) {
  const [height, width] = sizeOf(piece), proportion = Math.log(width / height);
  const all = WIDTHS.reduce((sum, _, digit) => logAddExp(sum, logits[digit]), -Infinity);
  const whole = logits.length > WIDTHS.length ? logAddExp(all, logits[WIDTHS.length] - RARE) : all;
  const read = WIDTHS.map((usual, digit) => {
    const unusual = ((proportion - usual) / WIDTH_SPREADS[digit]) ** 2 / 2;
    return Math.max(logits[digit] - whole, LEAST) - Math.max(unusual - 2, 0);
  });
  const digit = best(read.keys(), (one) => read[one]);
  if (typical === null) return read[digit];
  const loudness = (logits[digit] / typical - DOUBTED) / SPREAD;
  return read[digit] - logAddExp(0, -loudness);
}

function logAddExp(a, b) {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(-Math.abs(a - b)));
}

function bestPath(scoreOf, crossed, dear) {
  const found = [{ sum: 0, path: [] }];
  for (let last = 1; last < crossed.length; last++) {
    const cut = last === crossed.length - 1 ? 0 : dear + CROSSING * Math.max(0, crossed[last] - 1), ways = [];
    for (let first = 0; first < last; first++) {
      const gain = scoreOf(first, last), { sum, path } = found[first];
      if (gain !== undefined && Number.isFinite(sum)) ways.push({ sum: sum + gain - cut, path: [...path, [first, last]] });
    }
    found.push(best(ways, (way) => way.sum) ?? { sum: -Infinity, path: [] });
  }
  return found.at(-1).path;
}
