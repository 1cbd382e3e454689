// Ink: how much darker (or, on a board, lighter) than the paper around it each pixel of a picture
// is.

import { NEAREST, closeGrey, gaussian, maximum, minimum, uniform } from "./filters.js";
import { solve } from "./matrix.js";
import { crop, median, pad, quantile, round } from "./numbers.js";
import { SMALLEST_SIDE } from "./picture.js";
import { BILINEAR, BOX, reduce, resize, toGrey } from "./scaling.js";

const COARSE_SIDE = 480;
export const WIDEST_STROKE = 0.36;
const NOISES = 4.0, FAINTEST = 0.035, LEAST_NOISE = 0.004;
const DIM = 0.5;
const FLAT = 5, FLAT_SHARE = 0.5, TINY_FLAT_SHARE = 0.25;
const SAMPLE = 40_000;
const BOUNDARY = 0.55;
const { fround } = Math;

/** @typedef {import("./picture.js").Colours} Colours */

/**
 * What stands out from the paper.
 * @typedef {object} Ink
 * @property {import("./numbers.js").Plane<Float32Array>} contrast about 0 on paper, up to 1 where
 *   ink takes all light
 * @property {number} threshold contrast above which a pixel can be ink
 * @property {boolean} drawn whether the paper is a single colour, so that whatever stands out is
 *   ink
 */

/**
 * Tell ink from paper under uneven light.
 * @param {Colours} colours
 * @param {boolean} dark whether ink is darker than paper
 * @param {number} window pixels; wider than strokes
 * @returns {Ink}
 */
export function findInk({ height, width, data }, dark, window) {
  const channels = [0, 1, 2].map((c) => {
    const light = new Float32Array(height * width);
    for (let i = 0, j = c; i < light.length; i++, j += 3)
      light[i] = (dark ? data[j] : 255 - data[j]) + 1;
    return channelContrast({ height, width, data: light }, window);
  });
  const contrast = gaussian({ height, width, data: project(channels, height, width) }, 0.8);
  const ground = median(everySecond(contrast));
  for (let i = 0; i < contrast.data.length; i++) contrast.data[i] -= ground;
  return { contrast, threshold: Math.max(NOISES * noise(contrast), FAINTEST), drawn: false };
}

/**
 * Tell ink from the single colour behind it; `null` if there is none, as in photographs.
 * @param {Colours} colours
 * @returns {Ink|null}
 */
export function findDrawnInk({ height, width, data }) {
  const step = Math.max(1, round(Math.sqrt((height * width) / SAMPLE))), sample = [];
  const take = (y, x) => sample.push((y * width + x) * 3);
  for (let y = 0; y < height; y += step) for (let x = 0; x < width; x += step) take(y, x);
  for (let i = 0; i < 2 * (width + height); i += step) {
    if (i < 2 * width) take(i < width ? 0 : height - 1, i % width);
    else take((i - 2 * width) % height, i - 2 * width < height ? 0 : width - 1);
  }
  const paper = commonColour(data, sample);
  const away = Float64Array.from(sample, (i) =>
    Math.max(...paper.map((value, c) => Math.abs(data[i + c] - value))),
  );
  const limit = 0.4 * Math.max(quantile(away, 0.98), 1);
  let flat = 0, shaded = 0;
  for (const distance of away) {
    if (distance <= FLAT) flat++;
    else if (distance < limit) shaded++;
  }
  const share = flat / away.length, tiny = Math.min(height, width) <= SMALLEST_SIDE;
  if (share < (tiny ? TINY_FLAT_SHARE : FLAT_SHARE) || shaded / away.length > 0.5 * (1 - share))
    return null;
  const contrast = new Float32Array(height * width), [red, green, blue] = paper;
  for (let i = 0, j = 0; i < contrast.length; i++, j += 3) {
    const squares = fround(fround((data[j] - red) ** 2) + fround((data[j + 1] - green) ** 2));
    const mean = fround(fround(squares + fround((data[j + 2] - blue) ** 2)) / 3);
    contrast[i] = fround(Math.sqrt(mean)) / 255;
  }
  return {
    contrast: { height, width, data: contrast },
    threshold: Math.max(FAINTEST, (2 * FLAT) / 255),
    drawn: true,
  };
}

/** The median of the colours, told apart in steps of four, of which there are most. */
function commonColour(data, sample) {
  const code = (i) => ((data[i] >> 2) * 64 + (data[i + 1] >> 2)) * 64 + (data[i + 2] >> 2);
  const counts = new Map();
  for (const i of sample) counts.set(code(i), (counts.get(code(i)) ?? 0) + 1);
  const [most] = [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0];
  const common = sample.filter((i) => code(i) === most);
  return [0, 1, 2].map((c) => median(Float64Array.from(common, (i) => data[i + c])));
}

/** The same with contrast averaged over squares of `reduction` pixels. */
export function reduceInk(ink, reduction) {
  return { ...ink, contrast: reduce(ink.contrast, reduction) };
}

/**
 * Say whether what stands out from smooth light is dark (below 0) or light (above), from -1 to 1.
 * @param {Colours} colours
 */
export function balance(colours) {
  const grey = Float64Array.from(resize(toGrey(colours), 64, 64, BOX).data);
  const terms = Array.from(grey, (_, i) => {
    const y = -1 + (2 * Math.floor(i / 64)) / 63, x = -1 + (2 * (i % 64)) / 63;
    return [1, x, y, x * x, x * y, y * y];
  });
  const middle = median(grey.slice());
  let residuals = grey.map((value) => value - middle);
  let weights = new Float64Array(grey.length).fill(1);
  for (let n = 0; n < 8; n++) {
    const spread = 1.4826 * median(residuals.map(Math.abs)) + 1;
    weights = residuals.map((residual) => Math.max(0, 1 - (residual / (5 * spread)) ** 2) ** 2);
    const surface = fit(terms, grey, weights);
    residuals = grey.map((value, i) =>
      surface.reduce((rest, factor, k) => rest - factor * terms[i][k], value),
    );
  }
  let lighter = 0, darker = 0;
  residuals.forEach((out, i) => {
    if (weights[i] >= 0.5) return;
    if (out > 0) lighter += out * out;
    else darker += out * out;
  });
  return (lighter - darker) / (lighter + darker + 1e-9);
}

/** Least squares, weighted: the normal equations. */
function fit(terms, values, weights) {
  const size = terms[0].length;
  const rows = Array.from({ length: size }, () => new Float64Array(size + 1));
  terms.forEach((term, i) => {
    if (!weights[i]) return;
    for (let a = 0; a < size; a++) {
      const weighted = weights[i] * term[a];
      for (let b = 0; b < size; b++) rows[a][b] += weighted * term[b];
      rows[a][size] += weighted * values[i];
    }
  });
  return solve(rows);
}

/** The standard deviation of paper: of the calmer half of the picture's tiles. */
function noise(contrast) {
  const tall = contrast.height >> 3, wide = contrast.width >> 3, spread = new Float32Array(64);
  if (!tall || !wide) return LEAST_NOISE;
  for (let n = 0; n < 64; n++) {
    const top = (n >> 3) * tall, left = (n & 7) * wide;
    const tile = crop(contrast, top, top + tall, left, left + wide).data;
    const middle = median(tile);
    spread[n] = 1.4826 * median(tile.map((value) => Math.abs(fround(value - middle))));
  }
  return Math.max(quantile(spread, 0.4), LEAST_NOISE);
}

/** 1 - light / paper, for dark ink, of one colour; `light` is from 1 to 256. */
function channelContrast(light, window) {
  const { height, width } = light, factor = Math.min(1, COARSE_SIDE / Math.max(height, width));
  const small = [Math.max(8, round(width * factor)), Math.max(8, round(height * factor))];
  const reach = 2 * Math.max(1, round((window * factor) / 2)) + 1;
  const closed = close(uniform(resize(light, ...small, BOX), 3, NEAREST), reach);
  const paper = uniform(closed, 3, NEAREST);
  // Where the paper ends, the transition to what lies behind it would look like a line.
  const low = minimum(closed, 7, NEAREST).data, high = maximum(closed, 7, NEAREST).data;
  const dim = fround(DIM * quantile(paper.data.slice(), 0.9)), boundary = fround(BOUNDARY);
  const whole = paper.data.map((value, i) =>
    low[i] < fround(boundary * high[i]) ? 0 : 1 / Math.max(value, dim),
  );
  const full = resize(paper, width, height, BILINEAR).data;
  const share = resize({ ...paper, data: whole }, width, height, BILINEAR).data;
  return full.map((value, i) => fround(value - light.data[i]) * share[i]);
}

/**
 * The grey closing; beyond the picture's edge it is thought to go on, or slopes would end in ink
 * there.
 */
function close(light, window) {
  const closed = closeGrey(pad(light, window, true), window, NEAREST);
  return crop(closed, window, closed.height - window, window, closed.width - window);
}

function everySecond({ height, width, data }) {
  const wide = (width + 1) >> 1, sample = new Float32Array(((height + 1) >> 1) * wide);
  for (let i = 0; i < sample.length; i++)
    sample[i] = data[2 * Math.floor(i / wide) * width + 2 * (i % wide)];
  return sample;
}

/**
 * Weigh the colours: Fisher's discriminant between ink and paper, the colours taken as independent.
 */
function project(channels, height, width) {
  const sample = channels.map((data) => everySecond({ height, width, data }));
  const peak = sample[0].map((value, i) => Math.max(value, sample[1][i], sample[2][i]));
  const least = Math.max(fround(quantile(peak.slice(), 0.995) * fround(0.6)), fround(1e-6));
  const inked = peak.reduce((sum, value) => sum + (value >= least ? 1 : 0), 0);
  let weights = [1 / 3, 1 / 3, 1 / 3];
  if (inked && inked < peak.length) {
    const gains = sample.map((values) => {
      const sums = [0, 0];
      for (let i = 0; i < peak.length; i++) sums[peak[i] >= least ? 1 : 0] += values[i];
      return Math.max(0, sums[1] / inked - sums[0] / (peak.length - inked));
    });
    const useful = sample.map((values, c) => {
      const middle = median(values.slice());
      return (
        gains[c] / (median(values.map((value) => Math.abs(fround(value - middle)))) + 0.01) ** 2
      );
    });
    const total = useful[0] + useful[1] + useful[2];
    if (total > 0) weights = useful.map((weight) => weight / total);
  }
  return channels[0].map(
    (value, i) => value * weights[0] + channels[1][i] * weights[1] + channels[2][i] * weights[2],
  );
}
