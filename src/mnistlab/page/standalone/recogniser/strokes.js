// Strokes: figures of connected regions of ink, by which writing is told from shadows, texture and
// rulings.

import { chessboardDistance } from "./distance.js";
import { order } from "./numbers.js";
import { label } from "./regions.js";

const THICKEST = 0.25;
const ROUNDEST = 1.45;
const SPAN = 0.97, THIN = 0.04;
const LONGEST = 1.0;
const RULED = 0.4, STRAIGHT = 1.2, FINE = 40;
const LEAST_AREA = 6;
const CRISP = 0.5, SOFTEST = 0.1, LEAST_SOFT = 4.0;
const SHAPELESS = 0.02, BULKY = 0.72;

/**
 * Regions of a picture, one an entry of each list; what the figures are is said in the Python
 * module of this name.
 * @typedef {object} Strokes
 * @property {Int32Array} labels 0 outside, else the region's number from 1
 * @property {{top: number, bottom: number, left: number, right: number}[]} places
 * @property {Float64Array} contrast
 * @property {Float64Array} sharpness
 * @property {Float64Array} thickness in pixels
 * @property {Float64Array} length in pixels
 * @property {Float64Array} weight how much of the writing each is
 * @property {boolean[]} shaped whether it is shaped like strokes
 */

/** The median of a figure over the writing, of which there must be some. */
export function typical(strokes, figure) {
  const sorted = order(figure.length, (i) => figure[i]);
  let total = 0;
  const sums = sorted.map((i) => (total += strokes.weight[i]));
  return figure[sorted[sums.findIndex((sum) => sum >= 0.5 * total)]];
}

/**
 * Measure the connected regions of a mask; `null` if it is empty.
 * @param {import("./ink.js").Ink} ink
 * @param {import("./numbers.js").Plane<Uint8Array>} solid
 * @param {Float32Array} slope magnitude of the contrast's gradient
 * @returns {Strokes|null}
 */
export function measure(ink, solid, slope) {
  const { labels, count, places } = label(solid);
  if (!count) return null;
  const { area, mean, contrast, edge } = sums(ink, solid, slope, labels, count);
  const shorter = Math.min(solid.height, solid.width);
  const numbers = (make) => Float64Array.from({ length: count }, (_, n) => make(n));
  const sharpness = numbers((n) => edge[n] / Math.max(contrast[n], 1e-6));
  const thickness = numbers((n) => Math.max(4 * mean[n] - 2, 1));
  const length = numbers((n) => area[n] / thickness[n]);
  const widest = Math.max(LEAST_SOFT, SOFTEST * shorter), shaped = [];
  const weight = numbers((n) => {
    const place = places[n], ruled = isRuled(area[n], thickness[n], place, solid);
    const slim =
      Math.sqrt(area[n]) >= ROUNDEST * thickness[n] && thickness[n] <= THICKEST * shorter;
    const crisp = sharpness[n] * thickness[n] >= CRISP && sharpness[n] * widest >= 1;
    shaped.push(slim && crisp && !ruled && area[n] >= LEAST_AREA);
    if (ruled) return 0;
    const whole = Math.min(length[n], LONGEST * shorter) * contrast[n] ** 2 * sharpness[n];
    if (shaped[n]) return whole;
    const extent = (place.bottom - place.top) * (place.right - place.left);
    return whole * (ink.drawn || (crisp && area[n] < BULKY * extent) ? SHAPELESS : 0);
  });
  return { labels, places, contrast, sharpness, thickness, length, weight, shaped };
}

/** Of each region: area, mean distance to its edge, contrast of its core, slope at its rim. */
function sums(ink, solid, slope, labels, count) {
  // Chessboard distance: a tenth of the Euclidean one's time, and at worst three tenths less.
  const distance = chessboardDistance(solid), mean = new Float64Array(count);
  const area = new Float64Array(count);
  const contrast = new Float64Array(count), core = new Float64Array(count);
  const edge = new Float64Array(count), rim = new Float64Array(count);
  for (let i = 0; i < labels.length; i++) {
    if (!labels[i]) continue;
    area[labels[i] - 1]++;
    mean[labels[i] - 1] += distance[i];
  }
  for (let n = 0; n < count; n++) mean[n] /= area[n];
  for (let i = 0; i < labels.length; i++) {
    const n = labels[i] - 1;
    if (n < 0) continue;
    if (distance[i] >= mean[n]) {
      contrast[n] += ink.contrast.data[i];
      core[n]++;
    }
    if (distance[i] < 1.5) {
      edge[n] += slope[i];
      rim[n]++;
    }
  }
  for (let n = 0; n < count; n++) {
    contrast[n] /= core[n];
    edge[n] /= rim[n];
  }
  return { area, mean, contrast, edge };
}

function isRuled(area, thickness, { top, bottom, left, right }, { height, width }) {
  const tall = bottom - top, wide = right - left, span = Math.hypot(tall, wide);
  const straight = span > FINE * thickness && area < STRAIGHT * span * thickness;
  const long = tall > RULED * height || wide > RULED * width;
  const across = tall >= SPAN * height || wide >= SPAN * width;
  return (long && straight) || (across && thickness < THIN * Math.min(height, width));
}

/**
 * The magnitude of the contrast's gradient.
 * @param {import("./ink.js").Ink} ink
 * @returns {Float32Array}
 */
export function slopeOf({ contrast: { height, width, data } }) {
  const slope = new Float32Array(data.length);
  if (Math.min(height, width) < 2) return slope;
  const along = (i, place, length, step) => {
    if (place === 0) return Math.fround(data[i + step] - data[i]);
    if (place === length - 1) return Math.fround(data[i] - data[i - step]);
    return Math.fround(data[i + step] - data[i - step]) / 2;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const down = along(i, y, height, width), across = along(i, x, width, 1);
      slope[i] = Math.sqrt(down * down + across * across);
    }
  }
  return slope;
}
