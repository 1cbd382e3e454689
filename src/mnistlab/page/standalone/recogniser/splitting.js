// Splitting: digits that touch, told apart by what reads best (over-segmentation; LeCun et al.,
// 1998, section VII).

import { distance } from "./distance.js";
import { best, extent, mean, order, round, where } from "./numbers.js";
import { label } from "./regions.js";

const STEP = 0.08, NEAREST = 0.15;
const REACH = 0.12;
const WIDEST = 1.7;
const NARROWEST = 0.7;
const MOST_SEAMS = 40, MOST_PIXELS = 64_000_000;
const CUT = 0.2, CROSSING = 0.5;
const SURE_CUT = 2.2, RARE = 1.0;
const LEAST = -7.0;
const DOUBTED = 0.77, SPREAD = 0.13;
const FRAGMENT = 0.12;
const READ_AT_ONCE = 16;
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
 * @param {(mask: Mask) => ArrayLike<number>} read from a mask of the same shape to logits, 10, or
 *   11, the last that of no digit at all
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
  const ends = [end(0), ...seams, end(width)], pieces = new Map();
  if (((ends.length * (ends.length - 1)) / 2) * mask.data.length > MOST_PIXELS) return [mask];
  for (let first = 0; first < ends.length - 1; first++) {
    for (let last = first + 1; last < ends.length; last++) {
      const piece = mainPart(between(mask, ends[first].columns, ends[last].columns));
      const whole = first === 0 && last === ends.length - 1;
      if (piece && isPossible(piece, tall, whole)) pieces.set(first * ends.length + last, piece);
    }
  }
  const cuts = ends.map(({ crossed }) => dear + CROSSING * Math.max(0, crossed - 1));
  cuts[cuts.length - 1] = 0;
  const path = bestPath(pieces, cuts, (piece) => score(piece, read(piece), typical));
  return path.length ? path.map((key) => pieces.get(key)) : [mask];
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
  const reach = Math.max(1, round(REACH * tall)), step = Math.max(1, round(STEP * tall));
  const starts = [];
  for (let start = near; start < width - near + 1; start += step) starts.push(start);
  if (starts.length > MOST_SEAMS) return [];
  // Ink is dear, its middle dearest; going sideways costs a little, so that seams are straight
  // where they can be.
  const depth = distance(mask);
  const cost = depth.map((deep, i) => (data[i] ? 1 + deep / thickness : 0) + 0.01);
  const seams = new Map();
  for (const start of starts) {
    const path = cheapestPath(
      cost,
      width,
      Math.max(0, start - reach),
      Math.min(width, start + reach + 1),
    );
    const crossed =
      path.reduce((sum, column, row) => sum + data[row * width + column], 0) / thickness;
    const name = path.join();
    if (!seams.has(name))
      seams.set(name, { columns: path.map((column) => column + (crossed ? 0 : 1)), crossed });
  }
  const found = [...seams.values()];
  return order(found.length, (i) => mean(found[i].columns)).map((i) => found[i]);
}

/**
 * The column in each row of the cheapest way from top to bottom, a column aside in each row at
 * most.
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

/**
 * How much speaks against a piece's being each of the digits, in nats, since it is too wide or
 * narrow.
 */
function widthPenalties(piece) {
  const [height, width] = sizeOf(piece), proportion = Math.log(width / height);
  return WIDTHS.map((usual, digit) =>
    Math.max(((proportion - usual) / WIDTH_SPREADS[digit]) ** 2 / 2 - 2, 0),
  );
}

/** The logarithm of how probably a piece is one digit: it reads as one, and is as wide as one. */
function score(piece, logits, typical) {
  const all = WIDTHS.reduce((sum, _, digit) => logAddExp(sum, logits[digit]), -Infinity);
  const whole = logits.length > WIDTHS.length ? logAddExp(all, logits[WIDTHS.length] - RARE) : all;
  const read = widthPenalties(piece).map(
    (against, digit) => Math.max(logits[digit] - whole, LEAST) - against,
  );
  const digit = best(read.keys(), (one) => read[one]);
  if (typical === null) return read[digit];
  const loudness = (logits[digit] / typical - DOUBTED) / SPREAD;
  return read[digit] - logAddExp(0, -loudness);
}

function logAddExp(a, b) {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/**
 * The pieces, one after another, of the highest sum of scores less cuts; nothing if there is no way
 * through.
 *
 * A piece is read only if it could belong to a better way than the best one known, were it as good
 * as its width allows.
 * @param {Map<number, Mask>} pieces by the number of the seam to the left, times all seams, plus
 *   that of the right one
 * @param {number[]} cuts what each seam costs
 * @param {(piece: Mask) => number} read returns its score
 * @returns {number[]} keys of pieces
 */
function bestPath(pieces, cuts, read) {
  const count = cuts.length, scores = new Float64Array(count * count).fill(-Infinity);
  const hopes = scores.slice();
  for (const [key, piece] of pieces) hopes[key] = -Math.min(...widthPenalties(piece));
  for (;;) {
    const known = reached(scores, cuts)[count - 1], through = waysThrough(hopes, cuts);
    const promising = [...pieces.keys()].filter(
      (key) => scores[key] === -Infinity && through[key] > known,
    );
    if (!promising.length) return way(scores, cuts);
    promising.sort((one, other) => through[other] - through[one]);
    for (const key of promising.slice(0, READ_AT_ONCE))
      scores[key] = hopes[key] = read(pieces.get(key));
  }
}

/** The highest sum on the way to each seam. */
function reached(scores, cuts) {
  const count = cuts.length, sums = new Float64Array(count).fill(-Infinity);
  sums[0] = 0;
  for (let last = 1; last < count; last++) {
    for (let first = 0; first < last; first++)
      sums[last] = Math.max(sums[last], sums[first] + scores[first * count + last]);
    sums[last] -= cuts[last];
  }
  return sums;
}

/** The highest sum of all ways that each piece belongs to. */
function waysThrough(scores, cuts) {
  const count = cuts.length, before = reached(scores, cuts);
  const after = new Float64Array(count).fill(-Infinity);
  after[count - 1] = 0;
  for (let first = count - 2; first >= 0; first--) {
    for (let last = first + 1; last < count; last++) {
      after[first] = Math.max(
        after[first],
        scores[first * count + last] - cuts[last] + after[last],
      );
    }
  }
  return scores.map(
    (score, key) =>
      before[Math.floor(key / count)] + score - cuts[key % count] + after[key % count],
  );
}

function way(scores, cuts) {
  const count = cuts.length, sums = reached(scores, cuts), path = [];
  let last = count - 1;
  while (last && sums[last] > -Infinity) {
    const first = best(Array(last).keys(), (one) => sums[one] + scores[one * count + last]);
    path.unshift(first * count + last);
    last = first;
  }
  return path;
}
