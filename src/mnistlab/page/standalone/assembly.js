// Assembly: a reading, made of the rows in which the core tells what it found, as
// recogniser/assembly.py makes it.

import { CHARACTERS, DIGITS } from "./characters.js";
import { round } from "./scaling.js";

const OTHER = CHARACTERS.length; // the place of ink that is none of them
const KINDS = 4, CUT = 26; // places in the core's rows of characters, see `Result` in engine.py
const DECIMALS = 1e6;

/**
 * A character as it was found.
 * @typedef {object} Found
 * @property {number[]} probabilities of all characters and, last, of other ink; they sum to 1
 * @property {number} presence the probability that there is a character at all
 * @property {number[]} box left, top, right and bottom in pixels
 * @property {boolean} cut whether the picture's edge cuts it
 * @property {number} line
 * @property {number} group of that line
 * @property {number} cell -1 for none
 * @property {Uint8Array} image 28x28 bytes
 */

/**
 * @param {Float32Array} row the core's
 * @param {Uint8Array} image
 * @param {number} scale pixels of the picture for one of those that the core was given
 * @returns {Found}
 */
export function found(row, image, scale) {
  const kinds = [...row.subarray(KINDS, KINDS + OTHER + 1)], presence = sum(kinds);
  const [cut, line, group, cell] = row.subarray(CUT);
  return {
    probabilities: kinds.map((share) => share / Math.max(presence, 1e-9)),
    ...{ presence, box: boxOf(row, scale), cut: cut > 0, line, group, cell, image },
  };
}

/**
 * A place in a table: which one, its row, and its box in pixels.
 * @param {Float32Array} row the core's
 * @param {number} scale see `found`
 */
export function place([table, row, , ...box], scale) {
  return { table, row, box: boxOf(box, scale) };
}

/**
 * Have what is likeliest a digit named by somebody else.
 * @param {Found} one
 * @param {(image: Uint8Array) => number[]} name gives the probabilities of the ten digits; what
 *   they lack to 1 is that of other ink
 */
export function named(one, name) {
  const { probabilities } = one;
  if (likeliest(probabilities) >= DIGITS) return one;
  const total = sum(probabilities.slice(0, DIGITS)), digits = name(one.image);
  const mixed = [...digits.map((share) => share * total), ...probabilities.slice(DIGITS)];
  mixed[OTHER] += total * Math.max(0, 1 - sum(digits));
  return { ...one, probabilities: mixed };
}

/**
 * @param {Found[]} characters in reading order
 * @param {Found[]} others unread ink that may be a character
 * @param {ReturnType<place>[]} cells
 * @param {{threshold: number, faint: number}} limits confidence from which on a character is sure,
 *   and presence below which there is none
 * @returns {object} the fields of `Answer` in answer.py, and `images` of the characters
 */
export function assemble(characters, others, cells, { threshold, faint }) {
  const isThere = ({ presence }) => presence >= faint, left = others.filter(isThere);
  // A group stands where its first character does, even if that is too faint to be read.
  const groups = parted(characters, ({ line, group }) => `${line} ${group}`)
    .map(([first, ...more]) => ({ first, members: [first, ...more].filter(isThere) }))
    .filter(({ members }) => members.length)
    .map(({ first: { line, cell }, members }) => {
      const told = members.map((member) => characterOf(member, threshold));
      return { line, cell, members, told: { ...whole(told, ""), characters: told } };
    });
  const rows = parted(groups, ({ line }) => line).sort(([a], [b]) => a.line - b.line);
  const lines = rows.map((some) => {
    const told = some.map((group) => group.told);
    return { ...whole(told, " "), groups: told };
  });
  const { text, sure, confidence } = whole(lines, "\n");
  const read = rows.flat().flatMap(({ members }) => members);
  return {
    ...{ text, digits: text.replace(/\D/g, "") },
    sure: lines.length > 0 && !left.length && sure,
    confidence: lines.length ? tidy(confidence) : 0,
    lines: tidied(lines),
    tables: tidied(parted(cells.map(cellOf(groups, left)), ({ table }) => table).map(tableOf)),
    left_out: left.map(({ box }) => box),
    notes: notesOf(read.filter(({ cut }) => cut).length, left.length),
    images: read.map(({ image }) => image),
  };
}

function characterOf({ probabilities, presence, box, cut }, threshold) {
  const kind = likeliest(probabilities.slice(0, OTHER));
  const confidence = presence * probabilities[kind];
  return {
    ...{ text: CHARACTERS[kind], sure: confidence >= threshold && !cut, confidence, box, cut },
    probabilities: probabilities.map(tidy),
  };
}

/** What parts have in common with what they make. */
function whole(parts, between) {
  return {
    text: parts.map(({ text }) => text).join(between),
    sure: parts.every(({ sure }) => sure),
    confidence: parts.reduce((product, { confidence }) => product * confidence, 1),
    box: around(parts.map(({ box }) => box)),
  };
}

/** Makes a cell of the place of that number. */
const cellOf = (groups, left) => ({ box, ...place }, number) => {
  const written = groups.filter(({ cell }) => cell === number).map(({ told }) => told);
  const { text, sure, confidence } = whole(written, " ");
  const missed = left.some(({ cell }) => cell === number);
  return { ...place, told: { text, sure: sure && !missed, confidence, box } };
};

/** A table of its cells, of which every row has one for each column. */
function tableOf(cells) {
  const rows = parted(cells, ({ row }) => row).map((some) => some.map(({ told }) => told));
  return { box: around(rows.flat().map(({ box }) => box)), rows };
}

function notesOf(cut, left) {
  const places = `${left.toLocaleString("en")} place${left === 1 ? "" : "s"}`;
  return [
    ...(cut ? [`${cut === 1 ? "a character is" : `${cut} characters are`} cut by the edge`] : []),
    ...(left ? [`ink that may be a character was not read in ${places}`] : []),
  ];
}

const sum = (shares) => shares.reduce((total, share) => total + share, 0);
const likeliest = (shares) => shares.indexOf(Math.max(...shares));
const tidy = (share) => Math.round(share * DECIMALS) / DECIMALS;
const boxOf = (sides, scale) => [...sides.slice(0, 4)].map((side) => round(side * scale));

function around(boxes) {
  const sides = [0, 1, 2, 3].map((side) => boxes.map((box) => box[side]));
  return sides.map((side, i) => (i < 2 ? Math.min : Math.max)(...side));
}

/** Parts of a list: of members for which `key` gives the same. */
function parted(members, key) {
  const parts = new Map();
  for (const one of members) parts.set(key(one), [...(parts.get(key(one)) ?? []), one]);
  return [...parts.values()];
}

const tidied = (parts) =>
  JSON.parse(JSON.stringify(parts), (key, value) => (key === "confidence" ? tidy(value) : value));
