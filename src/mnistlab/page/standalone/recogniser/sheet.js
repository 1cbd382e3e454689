// Sheet: the piece of paper in a picture that shows the table around it as well.

import { distance, nearest } from "./distance.js";
import { closeGrey, openGrey, uniform } from "./filters.js";
import { count, crop, pad, round, where } from "./numbers.js";
import { leastRectangle, hullOf, areaOf } from "./polygon.js";
import { dilate, erode, fillHoles, label } from "./regions.js";
import { mainDirection } from "./matrix.js";

const STROKE = 0.12;
const LEAST_DIFFERENCE = 22.0;
export const SMALLEST_SHEET = 0.07;
const LARGEST = 0.92;
const HULL = 0.9, RECTANGLE = 0.82;
const SHARP = 0.6;
const BORDER = 0.45;
const MARGIN = 0.012;
const CLASSES = 64;

/** @typedef {import("./numbers.js").Plane<Uint8Array>} Mask */
/** @typedef {import("./picture.js").Colours} Colours */

const windowOf = ({ height, width }) =>
  Math.max(3, 2 * round((STROKE * Math.min(height, width)) / 2) + 1);

/**
 * Where a sheet of paper may be, the table being the rest: at most two masks.
 * @param {Colours} colours a reduced picture of some hundred pixels
 * @returns {Mask[]}
 */
export function findSheets(colours) {
  const window = windowOf(colours);
  const ground = [0, 1, 2].map(
    (c) => openGrey(closeGrey(channel(colours, c), window), window).data,
  );
  const light = twoClasses(ground);
  if (!light) return [];
  const { height, width } = colours, masks = [light, light.map((bit) => 1 - bit)];
  return masks.map((data) => sheetOf({ height, width, data }, ground)).filter(Boolean);
}

function channel({ height, width, data }, c) {
  const plane = new Uint8Array(height * width);
  for (let i = 0; i < plane.length; i++) plane[i] = data[3 * i + c];
  return { height, width, data: plane };
}

/**
 * The picture with the table painted over in the colour of the nearest paper.
 * @param {Colours} colours
 * @param {Mask} sheet
 * @returns {Colours}
 */
export function paintTable(colours, sheet) {
  const { height, width } = colours, window = windowOf(sheet);
  const painted = new Uint8Array(colours.data.length);
  const places = nearest(where(sheet, (inside) => !inside));
  const share = uniform({ height, width, data: Float32Array.from(sheet.data) }, window).data;
  for (let c = 0; c < 3; c++) {
    const plane = new Float32Array(sheet.data.length);
    for (let i = 0; i < plane.length; i++) plane[i] = sheet.data[i] ? colours.data[3 * i + c] : 0;
    // The median of the rim's surroundings, since a stroke may end there.
    const calm = uniform({ height, width, data: plane }, window).data;
    const smooth = calm.map((value, i) => value / Math.max(share[i], Math.fround(1e-3)));
    for (let i = 0; i < plane.length; i++) {
      painted[3 * i + c] = sheet.data[i] ? colours.data[3 * i + c] : Math.trunc(smooth[places[i]]);
    }
  }
  return { height, width, data: painted };
}

/**
 * Split by Otsu's threshold (1979) along the main direction of the colours; `null` if there is no
 * split.
 */
function twoClasses(ground) {
  const middles = ground.map(
    (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  );
  const centred = ground.map((values, c) =>
    Float64Array.from(values).map((value) => value - middles[c]),
  );
  const scatter = centred.map((a) =>
    centred.map((b) => a.reduce((sum, value, i) => sum + value * b[i], 0)),
  );
  const direction = mainDirection(scatter);
  const sign = Math.sign(direction[0] + direction[1] + direction[2]) || 1;
  const line = new Float32Array(ground[0].length);
  for (let i = 0; i < line.length; i++) {
    line[i] =
      sign *
      (centred[0][i] * direction[0] + centred[1][i] * direction[1] + centred[2][i] * direction[2]);
  }
  const threshold = otsu(line), mask = new Uint8Array(line.length), sums = [0, 0];
  for (let i = 0; i < line.length; i++) {
    mask[i] = line[i] > threshold ? 1 : 0;
    sums[mask[i]] += line[i];
  }
  const above = count(mask), below = mask.length - above;
  return above && below && sums[1] / above - sums[0] / below >= LEAST_DIFFERENCE ? mask : null;
}

function otsu(line) {
  let low = Infinity, high = -Infinity;
  for (const value of line) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const step = (high - low) / CLASSES, counts = new Float64Array(CLASSES);
  for (const value of line)
    counts[Math.min(CLASSES - 1, Math.floor(((value - low) / (high - low)) * CLASSES))]++;
  let below = 0, sum = 0, whole = 0, best = -1, threshold = low;
  counts.forEach((number, n) => (whole += number * (low + (n + 0.5) * step)));
  counts.forEach((number, n) => {
    below += number;
    sum += number * (low + (n + 0.5) * step);
    const between = ((whole * below) / line.length - sum) ** 2 / (below * (line.length - below));
    if (Number.isFinite(between) && between > best)
      [best, threshold] = [between, low + (n + 1) * step];
  });
  return threshold;
}

/** The largest region of a mask, if it is a sheet; its rim is left out. */
function sheetOf(mask, ground) {
  const { labels, count: regions } = label(mask, false), { height, width } = mask;
  if (!regions) return null;
  const areas = new Float64Array(regions + 1);
  for (const name of labels) if (name) areas[name]++;
  const largest = areas.indexOf(Math.max(...areas));
  const found = fillHoles(where(mask, (_, i) => labels[i] === largest)), area = count(found.data);
  const share = area / found.data.length;
  if (share < SMALLEST_SHEET || share > LARGEST || 1 - rimShare(found) < BORDER) return null;
  const inside = erode(found).data, points = [];
  found.data.forEach(
    (bit, i) => bit && !inside[i] && points.push([Math.floor(i / width), i % width]),
  );
  const hull = hullOf(points);
  if (hull.length < 3 || area < Math.max(HULL * areaOf(hull), RECTANGLE * leastRectangle(hull)))
    return null;
  if (!isSharp(found, ground)) return null;
  const margin = Math.max(2, round(MARGIN * Math.max(height, width)));
  // Erosion that takes the picture's own edge for paper.
  const padded = pad(found, 1, true), depth = { ...padded, data: distance(padded) };
  const inner = where(crop(depth, 1, height + 1, 1, width + 1), (deep) => deep > margin);
  return inner.data.includes(1) ? inner : null;
}

function rimShare({ height, width, data }) {
  let sum = 0;
  for (let x = 0; x < width; x++) sum += data[x] + data[(height - 1) * width + x];
  for (let y = 0; y < height; y++) sum += data[y * width] + data[y * width + width - 1];
  return sum / (2 * (height + width));
}

function isSharp(found, ground) {
  const outer = dilate(found, 3).data, inner = erode(found, 3).data, bits = found.data;
  const means = (test) => {
    const sums = [0, 0, 0];
    let number = 0;
    for (let i = 0; i < bits.length; i++) {
      if (!test(i)) continue;
      number++;
      for (let c = 0; c < 3; c++) sums[c] += ground[c][i];
    }
    return sums.map((sum) => sum / number);
  };
  const length = (one, other) => Math.hypot(...one.map((value, c) => value - other[c]));
  const step = length(means((i) => bits[i] && !inner[i]), means((i) => outer[i] && !bits[i]));
  return step >= SHARP * length(means((i) => bits[i]), means((i) => !bits[i]));
}
