// Ruling: the lines and squares printed on writing paper, taken out from under the writing.

import { REFLECT, extremeAlong } from "./filters.js";
import { median, round, transpose, where } from "./numbers.js";
import { label, openAcross } from "./regions.js";

const SPAN = 0.9;
const THICKEST = 0.025;
const RUN = 0.12;
const STEEPEST = 0.12, SLOPES = 13;

/** @typedef {import("./numbers.js").Plane<Uint8Array>} Mask */

/**
 * Take out straight lines that cross most of the picture; writing that they cross stays whole.
 * @param {Mask} solid ink
 * @returns {Mask}
 */
export function eraseRulings(solid) {
  const { height, width } = solid, { places } = label(solid);
  const across = places.some(({ left, right }) => right - left >= SPAN * width);
  const down = places.some(({ top, bottom }) => bottom - top >= SPAN * height);
  let rest = solid;
  if (across) rest = eraseAcross(rest);
  if (down) rest = transpose(eraseAcross(transpose(rest)));
  return rest;
}

function eraseAcross(solid) {
  const { height, width } = solid, run = Math.max(12, round(RUN * width));
  const lines = new Uint8Array(solid.data.length);
  for (let n = 0; n < SLOPES; n++) {
    const rise = n * ((2 * STEEPEST) / (SLOPES - 1)) - STEEPEST;
    const shifts = Int32Array.from({ length: width }, (_, x) => round(rise * x));
    const place = (y, x) => ((((y + shifts[x]) % height) + height) % height) * width + x;
    const level = new Uint8Array(solid.data.length);
    for (let y = 0, i = 0; y < height; y++)
      for (let x = 0; x < width; x++, i++) level[i] = solid.data[place(y, x)];
    const straight = openAcross({ height, width, data: level }, run);
    // Only lines that go on: their runs cover most of the way, whatever crosses them.
    const covered = extremeAlong(straight, true, 3, 1, { beyond: REFLECT });
    for (let y = 0; y < height; y++) {
      let sum = 0;
      for (let x = 0; x < width; x++) sum += covered.data[y * width + x];
      if (sum / width <= 0.6 * SPAN) continue;
      for (let x = 0; x < width; x++) if (straight.data[y * width + x]) lines[place(y, x)] = 1;
    }
  }
  return lines.includes(1) ? takeOut(solid, lines) : solid;
}

function takeOut(solid, lines) {
  const { height, width, data } = solid;
  const found = where(
    solid,
    (inked, i) => inked && (lines[i] || lines[i - width] || lines[i + width]),
  );
  const columns = new Float64Array(width);
  found.data.forEach((inked, i) => (columns[i % width] += inked));
  const thick = median(columns.filter((inked) => inked));
  if (thick > THICKEST * Math.min(height, width) + 2) return solid;
  // A stroke that crosses a line has ink above and below it.
  const reach = Math.trunc(Math.min(thick, height >> 3)) + 2, size = 2 * reach + 1;
  const rest = where(solid, (inked, i) => inked && !found.data[i]);
  const above = extremeAlong(rest, true, size, 1, { beyond: REFLECT, origin: reach }).data;
  const below = extremeAlong(rest, true, size, 1, { beyond: REFLECT, origin: -reach }).data;
  return where(rest, (inked, i) => inked || (data[i] && found.data[i] && above[i] && below[i]));
}
