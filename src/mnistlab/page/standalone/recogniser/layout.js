// Layout: which marks make one character, and in which order characters are read.

import { best, clamp, mean, median, order, quantile } from "./numbers.js";
import { dilate } from "./regions.js";

const FRAGMENT = 0.62;
const APART = 0.3;
const OVERLAP = 0.5;
const SKIP = 1.2;
const SMALL = 0.4;
const SMALLEST_LINE = 0.3;
const GAP = 0.7, LARGE_GAP = 2.5, WIDE_GAP = 2.0, USUAL_WIDTH = 0.6;

/** @typedef {import("./marks.js").Mark} Mark */
/** @typedef {import("./numbers.js").Plane<Uint8Array>} Mask */

/** Marks that are read together. */
export class Character {
  /** @param {Mark[]} marks at least one */
  constructor(marks) {
    this.marks = marks;
    this.left = Math.min(...marks.map((mark) => mark.left));
    this.right = Math.max(...marks.map((mark) => mark.right));
    this.top = Math.min(...marks.map((mark) => mark.top));
    this.bottom = Math.max(...marks.map((mark) => mark.bottom));
    this.height = this.bottom - this.top;
    this.width = this.right - this.left;
    const { contrast, thickness } = best(marks, (mark) => mark.area);
    Object.assign(this, { contrast, thickness });
  }

  /** @returns {Mask} its pixels within its rectangle */
  mask() {
    const data = new Uint8Array(this.height * this.width);
    for (const { left, top, shape } of this.marks) {
      shape.data.forEach((bit, i) => {
        const row = top - this.top + Math.floor(i / shape.width);
        const column = left - this.left + (i % shape.width);
        if (bit) data[row * this.width + column] = 1;
      });
    }
    return { height: this.height, width: this.width, data };
  }

  /**
   * How much ink there is of a part of it, 0 to 1, half at a stroke's edge.
   * @param {import("./ink.js").Ink} ink the picture's
   * @param {Mask} part
   * @returns {import("./numbers.js").Plane<Float32Array>}
   */
  amount(ink, part) {
    const near = dilate(part, 2).data, whole = this.mask().data;
    const data = new Float32Array(near.length);
    for (let i = 0; i < data.length; i++) {
      if (!near[i] || (whole[i] && !part.data[i])) continue;
      const row = this.top + Math.floor(i / this.width), column = this.left + (i % this.width);
      data[i] = clamp(ink.contrast.data[row * ink.contrast.width + column] / this.contrast, 0, 1);
    }
    return { height: this.height, width: this.width, data };
  }
}

/**
 * Lines from top to bottom, each with its characters from left to right.
 * @param {Mark[]} marks
 * @returns {Character[][]}
 */
export function arrange(marks) {
  if (!marks.length) return [];
  const lines = linesOf(join(marks, usualHeight(marks)));
  const tallest = Math.max(...lines.map(heightOf));
  const kept = lines
    .filter((line) => heightOf(line) >= SMALLEST_LINE * tallest)
    .map((line) => {
      const least = SMALL * heightOf(line);
      const sizes = (c) => Math.max(c.height, line.length === 1 ? 0.8 * c.width : 0);
      return line.filter((character) => sizes(character) >= least);
    });
  return sorted(
    kept.filter((line) => line.length),
    middleOf,
  ).map((line) => sorted(line, (c) => c.left));
}

const sorted = (things, key) => order(things.length, (i) => key(things[i])).map((i) => things[i]);

/**
 * For each character of a line the number of its group, from 0.
 * @param {[number, number, number, number][]} boxes left to right
 */
export function part(boxes) {
  if (boxes.length < 2) return boxes.map(() => 0);
  const tall = median(Float64Array.from(boxes, ([, top, , bottom]) => bottom - top));
  const wide = boxes.map(([left, , right]) => Math.max(right - left, USUAL_WIDTH * tall));
  const gaps = boxes.slice(1).map(([left, , right], i) => {
    const apart = (left + right) / 2 - (boxes[i][0] + boxes[i][2]) / 2;
    return Math.max(apart - (wide[i + 1] + wide[i]) / 2, 0);
  });
  const narrow = quantile(Float64Array.from(gaps), 0.25);
  let group = 0;
  return [
    0,
    ...gaps.map((gap) => {
      if (gap > WIDE_GAP * tall || (gap > GAP * tall && gap > LARGE_GAP * narrow)) group++;
      return group;
    }),
  ];
}

/** The height of which the larger half of the ink is. */
function usualHeight(marks) {
  const heights = sorted(marks.map((mark) => mark.shape.height), (height) => height);
  const half = heights.reduce((sum, height) => sum + height * height, 0) / 2;
  let sum = 0;
  return heights.find((height) => (sum += height * height) >= half);
}

/** Join fragments, the largest first, to the character that they stand on, under, or in. */
function join(marks, tall) {
  const characters = [];
  for (const mark of sorted(marks, (one) => -one.area)) {
    const alone = new Character([mark]);
    const fits = characters.filter((character) => belong(character, alone, tall));
    const host = best(fits, (character) => -gap(character, alone));
    if (host) characters[characters.indexOf(host)] = new Character([...host.marks, mark]);
    else characters.push(alone);
  }
  return characters;
}

function belong(one, other, tall) {
  const beside = shared(one.left, one.right, other.left, other.right), apart = gap(one, other);
  const above = beside >= OVERLAP * Math.min(one.width, other.width);
  const near = SKIP * Math.max(one.thickness, other.thickness);
  const lower = Math.min(one.height, other.height);
  if (above && apart > 0 && apart <= near) return true;
  if (lower > FRAGMENT * tall) {
    // Two full heights: one character only if one lies within the other's columns and rows.
    const rows = shared(one.top, one.bottom, other.top, other.bottom);
    return beside > 0.8 * Math.min(one.width, other.width) && rows > 0.5 * lower;
  }
  if (above && apart <= APART * tall) return true;
  // A pen that skips.
  return Math.hypot(Math.max(0, -beside), apart) <= near;
}

/** The rows between two characters, 0 if they share some. */
function gap(one, other) {
  return Math.max(0, -shared(one.top, one.bottom, other.top, other.bottom));
}

/** How long two ranges overlap; below 0, how far they are apart. */
function shared(first, firstEnd, second, secondEnd) {
  return Math.min(firstEnd, secondEnd) - Math.max(first, second);
}

/** Chain neighbours that share half of the lower one's rows, so that lines may slope. */
function linesOf(characters) {
  const lines = [];
  for (const character of sorted(characters, (one) => one.left)) {
    const near = lines.filter((line) => {
      const last = line.at(-1);
      const rows = shared(last.top, last.bottom, character.top, character.bottom);
      return rows >= 0.4 * Math.min(last.height, character.height);
    });
    const line = best(near, (one) => one.at(-1).right);
    if (line) line.push(character);
    else lines.push([character]);
  }
  return lines;
}

const heightOf = (line) => quantile(Float64Array.from(line, (character) => character.height), 0.7);
const middleOf = (line) => mean(line.map((character) => (character.top + character.bottom) / 2));
