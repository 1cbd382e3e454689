// Writing: the marks of a picture, whatever the paper, the pen and the light.

import { WIDEST_STROKE, balance, findDrawnInk, findInk, reduceInk } from "./ink.js";
import { findMarks } from "./marks.js";
import { count, interpolate, median, round, where } from "./numbers.js";
import { dilate } from "./regions.js";
import { BILINEAR, reduce, resize, resizeNearest } from "./scaling.js";
import { SMALLEST_SHEET, findSheets, paintTable } from "./sheet.js";
import { measure, slopeOf, typical } from "./strokes.js";

const SURVEYED_SIDE = 320;
const STEP = 1.6;
const STROKES = 5, NARROWEST = 9;
const UNLIKELY = 0.2;
const INKED = 0.35;
const SHEET = 0.7, LOST = 0.3;
const ENLARGED = 2.0;
const BOARD = [70, 150];
const OTHERWISE = [0.3, 0.6];
const DOUBT = 0.15;

/**
 * One way to see what is written.
 * @typedef {object} Writing
 * @property {import("./ink.js").Ink} ink the picture's
 * @property {import("./marks.js").Mark[]} marks what of it somebody wrote
 * @property {number} likelihood against other ways to see the same picture: how much looks written
 * @property {number} contrast of what is written
 */

/**
 * See the same writing otherwise: strokes hang together more easily, or less, and lines are no
 * rulings.
 */
export function reconsider(writing) {
  const { ink, contrast } = writing;
  return [
    ...OTHERWISE.map((connected) => ({
      ...writing,
      marks: findMarks(ink, contrast, { connected }),
    })),
    { ...writing, marks: findMarks(ink, contrast, { ruled: false }) },
  ];
}

/**
 * Find what is written, in the ways it may be seen: dark on light, light on dark, or both if either
 * may be.
 * @param {import("./picture.js").Picture} picture
 * @returns {Writing[]} at least one, perhaps without marks
 */
export function findWriting({ colours, scale }) {
  const reduction = Math.max(1, round(Math.max(colours.height, colours.width) / SURVEYED_SIDE));
  const small = reduce(colours, reduction, 3), enlarged = scale >= ENLARGED;
  const drawn = findDrawnInk(colours);
  const reduced = drawn && reduceInk(drawn, reduction);
  const sheets = enlarged || (reduced && isThin(reduced)) ? [] : findSheets(small);
  if (drawn && !sheets.length && (enlarged || isStrokes(reduced))) {
    const { contrast } = look(reduced);
    return [{ ink: drawn, marks: findMarks(drawn, contrast), likelihood: 1, contrast }];
  }
  const whole = looksAt(small), found = onSheets(colours, small, sheets, whole);
  return found.length ? found : waysToSee(colours, whole, reduction);
}

/** Look on sheets of paper alone; none if what is written goes beyond them. */
function onSheets(colours, small, sheets, whole) {
  const { height, width } = colours;
  return sheets.flatMap((sheet) => {
    const painted = paintTable(small, sheet);
    const seen = looksAt(painted).map((one, n) =>
      one.written >= SHEET * whole[n].written ? one : { ...one, likelihood: 0 },
    );
    const within = resizeNearest(sheet, width, height);
    const table = resize(painted, width, height, BILINEAR, 3);
    const data = colours.data.map((value, i) =>
      within.data[Math.floor(i / 3)] ? value : table.data[i],
    );
    const ways = waysToSee({ height, width, data }, seen, width / small.width);
    return ways.map((way) => withoutCut(way, within)).filter((way) => way.marks.length);
  });
}

/** Leave out marks that a sheet's edge cuts off; if they were much of the writing, all. */
function withoutCut(way, sheet) {
  const rim = dilate(where(sheet, (inside) => !inside), 3);
  const kept = way.marks.filter(({ top, left, shape }) =>
    shape.data.every(
      (bit, i) =>
        !bit ||
        !rim.data[(top + Math.floor(i / shape.width)) * rim.width + left + (i % shape.width)],
    ),
  );
  const sum = (marks, figure) => marks.reduce((total, mark) => total + mark[figure], 0);
  const lost = sum(way.marks, "weight") - sum(kept, "weight");
  const whole =
    lost <= LOST * sum(way.marks, "weight") && sum(kept, "area") <= INKED * count(sheet.data);
  return { ...way, marks: whole ? kept : [] };
}

/** Take a first look at a reduced picture: for dark ink, and for light. */
function looksAt(small) {
  const widest = round(WIDEST_STROKE * Math.min(small.height, small.width)), lean = balance(small);
  // Light writing is seen on what is dark.
  const board = interpolate(median(Float64Array.from(small.data)), BOARD, [1, UNLIKELY]);
  return [true, false].map((dark) => {
    const seen = look(findInk(small, dark, widest));
    const likely = (dark === (lean <= 0) ? 1 : UNLIKELY) * (dark ? 1 : board);
    return { ...seen, likelihood: likely * seen.written, dark };
  });
}

/** Look at the picture itself, for such strokes only as were seen at first. */
function waysToSee(colours, looks, reduction) {
  const best = Math.max(...looks.map((seen) => seen.likelihood));
  const widest = WIDEST_STROKE * Math.min(colours.height, colours.width);
  return looks
    .filter((seen) => seen.likelihood > DOUBT * best)
    .map((seen) => {
      const window = round(
        Math.min(Math.max(STROKES * seen.thickness, NARROWEST) * reduction, widest),
      );
      const ink = findInk(colours, seen.dark, window);
      return {
        ink,
        marks: findMarks(ink, seen.contrast),
        likelihood: seen.likelihood,
        contrast: seen.contrast,
      };
    });
}

/** Whether too little stands out to be a sheet of paper. */
function isThin({ contrast, threshold }) {
  const least = Math.fround(threshold);
  return (
    count(where(contrast, (value) => value > least).data) / contrast.data.length < SMALLEST_SHEET
  );
}

/**
 * Whether what stands out from a single colour is writing, and not a sheet of paper on a plain
 * table.
 */
function isStrokes(drawn) {
  const highest = drawn.contrast.data.reduce((most, value) => Math.max(most, value), 0);
  const least = Math.fround(Math.max(drawn.threshold, 0.3 * highest));
  const strokes = measure(drawn, where(drawn.contrast, (value) => value > least), slopeOf(drawn));
  if (!strokes) return true;
  let shaped = 0, all = 0;
  strokes.shaped.forEach((isShaped, n) => {
    const area = strokes.length[n] * strokes.thickness[n];
    all += area;
    if (isShaped) shaped += area;
  });
  return shaped >= 0.5 * all;
}

/** Find the contrast at which most looks written: rulings and shadows join the writing below it. */
function look(ink) {
  const slope = slopeOf(ink);
  const highest = ink.contrast.data.reduce((most, value) => Math.max(most, value), -Infinity);
  let best = { written: 0, contrast: 0, thickness: 0 };
  for (let threshold = ink.threshold; threshold < highest; threshold *= STEP) {
    const least = Math.fround(threshold),
      strokes = measure(
        ink,
        where(ink.contrast, (value) => value > least),
        slope,
      );
    if (!strokes?.weight.some((weight) => weight)) continue;
    const written = Math.sqrt(strokes.weight.reduce((sum, weight) => sum + weight * weight, 0));
    if (written > best.written) {
      const [contrast, thickness] = [
        typical(strokes, strokes.contrast),
        typical(strokes, strokes.thickness),
      ];
      best = { written, contrast, thickness };
    }
  }
  return best;
}
