// Recogniser: reads the digits in a picture, as the server does.
//
// Modules here are those of the Python package of this name, where their constants are explained;
// change both together.

import { Cutter } from "./cutting.js";
import { arrange } from "./layout.js";
import { clamp, mean, median, round } from "./numbers.js";
import { openPicture } from "./picture.js";
import { findWriting, reconsider } from "./writing.js";

export const THRESHOLD = 0.5;
const MOST_SPLIT = 60;
const TEXTURE = 24, LEAST_CONFIDENCE = 0.75;
const FEW = 12, DOUBTFUL = 0.85;

/**
 * One digit of a picture.
 * @typedef {object} Digit
 * @property {[number, number, number, number]} box left, top, right and bottom of its ink; the last
 *   two are outside
 * @property {Uint8Array} pixels 28x28, light on black: what the network saw
 * @property {number[]} probabilities of the ten digits
 * @property {number} confidence the highest of them
 * @property {number} line from 0
 */

export class Recogniser {
  /**
   * @param {import("../network/network.js").Network} network for images of 28x28, of ten digits and
   *   perhaps none
   */
  constructor(network) {
    this.network = network;
  }

  /**
   * Read one picture: a digit, a line of several, or several lines.
   * @param {{height: number, width: number, data: Uint8Array|Uint8ClampedArray}} pixels RGBA,
   *   upright, not premultiplied
   * @returns {{digits: Digit[], size: [number, number]}} left to right, rows from top to bottom;
   *   none if there is no ink
   */
  read(pixels) {
    const picture = openPicture(pixels), cutter = new Cutter(this.network);
    const ways = findWriting(picture);
    let { evidence, digits } = this.readBest(ways, cutter, picture);
    if (digits.length && digits.length <= FEW && confidenceOf(digits) < DOUBTFUL) {
      const other = this.readBest(ways.flatMap(reconsider), cutter, picture);
      if (other.evidence > evidence) digits = other.digits;
    }
    return { digits, size: picture.size };
  }

  /** How much speaks for the likeliest way to see a picture, and what it then says. */
  readBest(ways, cutter, picture) {
    let found = { evidence: 0, digits: [] };
    for (const writing of ways) {
      const digits = this.readWriting(writing, cutter, picture);
      const evidence = evidenceFor(writing, digits);
      if (evidence > found.evidence) found = { evidence, digits };
    }
    return found;
  }

  readWriting({ marks, ink }, cutter, picture) {
    const lines = arrange(marks), several = lines.flat().length <= MOST_SPLIT;
    return lines.flatMap((line, number) => {
      const tall = median(Float64Array.from(line, (character) => character.height));
      const glyphs = line.flatMap((character) => cutter.glyphs(character, tall, ink, several));
      return glyphs.map((glyph) => ({ ...this.digitOf(glyph, picture), line: number }));
    });
  }

  /** @returns {Digit} */
  digitOf({ box: places, pixels }, { size, scale }) {
    const box = places.map((place, side) => clamp(round(place / scale), 0, size[side % 2]));
    const probabilities = this.network.named(pixels);
    return { box, pixels, probabilities, confidence: Math.max(...probabilities) };
  }
}

/** How much speaks for a way to see a picture: it looks written, and what it says can be read. */
function evidenceFor(writing, digits) {
  if (!digits.length) return 0;
  const confidence = confidenceOf(digits);
  if (digits.length >= TEXTURE && confidence < LEAST_CONFIDENCE) return 0;
  return writing.likelihood * confidence ** 4;
}

const confidenceOf = (digits) => mean(digits.map((digit) => digit.confidence));
