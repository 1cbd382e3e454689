// Marks: connected pieces of ink that somebody wrote; not specks, shadows, ruled lines, or edges of
// the paper.

import { count, order, where } from "./numbers.js";
import { eraseRulings } from "./ruling.js";
import { measure, slopeOf, typical } from "./strokes.js";

export const CONNECTED = 0.42;
const FAINTEST = 0.4, SOFTEST = 0.35, THICKEST = 3.0;
const CLEAR = 1.5;
const MOST = 300;
const CONTACT = 4.0, ALONG = 0.75, WITHIN = 0.2;
const LEAST = 0.01, LEAST_AT_EDGE = 0.15;
const SPECK = 0.15;

/**
 * One connected piece of ink.
 * @typedef {object} Mark
 * @property {number} left column of its leftmost pixel
 * @property {number} right column behind its rightmost
 * @property {number} top row of its topmost
 * @property {number} bottom row below its lowest
 * @property {import("./numbers.js").Plane<Uint8Array>} shape its pixels within its own rectangle
 * @property {number} area pixels
 * @property {number} contrast of its strokes to the paper
 * @property {number} thickness of its strokes, in pixels
 * @property {number} weight how much of the writing it is
 */

/**
 * The marks that somebody wrote, as far as one can tell without reading them.
 * @param {import("./ink.js").Ink} ink
 * @param {number} writing its writing's contrast
 * @param {{connected?: number, ruled?: boolean}} how from which share of that contrast on ink
 *   belongs together; whether long straight lines may be the paper's
 * @returns {Mark[]}
 */
export function findMarks(ink, writing, { connected = CONNECTED, ruled = true } = {}) {
  const least = Math.fround(Math.max(ink.threshold, connected * writing));
  const inked = where(ink.contrast, (contrast) => contrast > least);
  const solid = ruled ? eraseRulings(inked) : inked;
  const strokes = measure(ink, solid, slopeOf(ink));
  if (!strokes || !strokes.weight.some((weight) => weight)) return [];
  const contrast = typical(strokes, strokes.contrast);
  const sharpness = typical(strokes, strokes.sharpness);
  const thickness = typical(strokes, strokes.thickness);
  if (contrast < CLEAR * ink.threshold) return [];
  const names = [...strokes.weight.keys()].filter(
    (n) =>
      strokes.contrast[n] >= FAINTEST * contrast &&
      strokes.sharpness[n] >= SOFTEST * sharpness &&
      (ink.drawn || strokes.thickness[n] <= THICKEST * thickness),
  );
  const longest = order(names.length, (i) => -strokes.length[names[i]]).slice(0, MOST);
  const marks = longest.map((i) => markOf(strokes, names[i], solid.width));
  return withoutSpecks(ink.drawn ? marks : withoutEdges(marks, solid));
}

function markOf(strokes, n, width) {
  const { top, bottom, left, right } = strokes.places[n];
  const shape = new Uint8Array((bottom - top) * (right - left));
  for (let y = top, i = 0; y < bottom; y++) {
    for (let x = left; x < right; x++, i++)
      shape[i] = strokes.labels[y * width + x] === n + 1 ? 1 : 0;
  }
  return {
    ...{ top, bottom, left, right, area: count(shape) },
    shape: { height: bottom - top, width: right - left, data: shape },
    ...{
      contrast: strokes.contrast[n],
      thickness: strokes.thickness[n],
      weight: strokes.weight[n],
    },
  };
}

/** Leave out what comes in from outside the picture along its edge, if there is better within. */
function withoutEdges(marks, size) {
  const contacts = new Map(marks.map((mark) => [mark, contactOf(mark, size)]));
  const within = Math.max(
    0,
    ...marks.filter((mark) => !contacts.get(mark)).map((mark) => mark.weight),
  );
  const most = Math.max(0, ...marks.map((mark) => mark.weight));
  return marks.filter((mark) => {
    const contact = contacts.get(mark), { shape } = mark;
    const short = Math.max(CONTACT * mark.thickness, ALONG * Math.min(shape.height, shape.width));
    return (
      mark.weight >= (contact ? LEAST_AT_EDGE : LEAST) * most &&
      (contact <= short || within < WITHIN * mark.weight)
    );
  });
}

/** Along how many pixels a mark touches the picture's edge. */
function contactOf({ top, bottom, left, right, shape }, { height, width }) {
  const { data } = shape, row = (y) => count(data.subarray(y * shape.width, (y + 1) * shape.width));
  const column = (x) => count(data.filter((_, i) => i % shape.width === x));
  return Math.max(
    top <= 1 ? row(0) : 0,
    bottom >= height - 1 ? row(shape.height - 1) : 0,
    left <= 1 ? column(0) : 0,
    right >= width - 1 ? column(shape.width - 1) : 0,
  );
}

function withoutSpecks(marks) {
  const tallest = Math.max(...marks.map(({ shape }) => shape.height));
  const longest = Math.max(...marks.map(({ shape }) => Math.max(shape.height, shape.width)));
  const least = SPECK * Math.min(longest, 2 * tallest);
  return marks.filter(
    ({ shape, area }) => Math.max(shape.height, shape.width) >= least && area >= 6,
  );
}
