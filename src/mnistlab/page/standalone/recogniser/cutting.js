// Cutting: the characters of a picture as digits that a network can read; a character of several is
// cut apart.

import { prepare } from "./glyph.js";
import { extent } from "./numbers.js";
import { split } from "./splitting.js";

const MOST_PIECES = 500;

/**
 * One digit, found and prepared but not read.
 * @typedef {object} Glyph
 * @property {[number, number, number, number]} box left, top, right and bottom in pixels of what
 *   was looked at
 * @property {Uint8Array} pixels 28x28
 */

/** Cuts the characters of one picture; what it has seen once it knows. */
export class Cutter {
  /** @param {import("../network/network.js").Network} network */
  constructor(network) {
    this.network = network;
    this.left = MOST_PIECES;
    /** By ink, then by all else that counts. */
    this.known = new Map();
  }

  /**
   * @param {boolean} several whether the character may be several digits that touch
   * @returns {Glyph[]} left to right
   */
  glyphs(character, tall, ink, several) {
    if (!this.known.has(ink)) this.known.set(ink, new Map());
    const seen = this.known.get(ink), mask = character.mask();
    const { left, top, contrast, thickness } = character;
    const key = [
      left,
      top,
      mask.height,
      mask.width,
      contrast,
      thickness,
      tall,
      several,
      mask.data.join(""),
    ].join();
    if (!seen.has(key)) {
      const masks = several && this.left > 0 ? this.cut(character, tall, ink) : [mask];
      seen.set(key, masks.map((part) => glyphOf(character, part, ink)));
    }
    return seen.get(key);
  }

  cut(character, tall, ink) {
    const read = (mask) => {
      this.left--;
      return this.network.logits(prepare(character.amount(ink, mask)));
    };
    return split(character.mask(), tall, character.thickness, read, this.network.typicalLogit);
  }
}

/** @returns {Glyph} */
function glyphOf(character, mask, ink) {
  const [top, bottom, left, right] = extent(mask);
  const box = [
    character.left + left,
    character.top + top,
    character.left + right,
    character.top + bottom,
  ];
  return { box, pixels: prepare(character.amount(ink, mask)) };
}
