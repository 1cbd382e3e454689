// Reader: the recogniser with the page's model, and its readings as the server would put them.

import { Network } from "./network/network.js";
import { part } from "./recogniser/layout.js";
import { THRESHOLD, Recogniser } from "./recogniser/recogniser.js";

const DECIMALS = 1e6;
const SIGNS = 9; // classes behind the digits that the model does not know
const tidy = (share) => Math.round(share * DECIMALS) / DECIMALS;

export class Reader {
  /** @param {import("./network/network.js").Model & {about: object}} model */
  constructor(model) {
    this.name = model.about.name;
    this.network = new Network(model, model.about);
    this.recogniser = new Recogniser(this.network);
  }

  /**
   * Read a picture.
   * @param {{height: number, width: number, data: Uint8ClampedArray}} pixels RGBA, upright
   * @returns {object} the fields of `ModelReading` in server/answer.py, which a test compares with
   *   these; but `images` holds bytes, 28x28 for each digit, and no tables are found
   */
  read(pixels) {
    const { digits, size: [width, height] } = this.recogniser.read(pixels);
    const lines = parted(digits, digits.map((digit) => digit.line)).map(lineOf);
    const { text, sure, confidence } = whole(lines, "\n");
    return {
      ...{ model: this.name, width, height, text, digits: text.replace(/\D/g, "") },
      sure: lines.length > 0 && sure,
      confidence: lines.length ? tidy(confidence) : 0,
      lines: tidied(lines),
      ...{ tables: [], left_out: [], notes: [] },
      images: digits.map((digit) => digit.pixels),
    };
  }

  /** Calibrated probabilities of one prepared image: 28x28 bytes, light on black. */
  probabilities(pixels) {
    return this.network.probabilities(pixels);
  }
}

/** Parts of a list, of members that have the same number one after the other. */
function parted(members, numbers) {
  return [...new Set(numbers)].map((one) => members.filter((_, i) => numbers[i] === one));
}

/** What parts have in common with what they make. */
function whole(parts, between) {
  const sides = [0, 1, 2, 3].map((side) => parts.map(({ box }) => box[side]));
  return {
    text: parts.map(({ text }) => text).join(between),
    sure: parts.every(({ sure }) => sure),
    confidence: parts.reduce((product, { confidence }) => product * confidence, 1),
    box: sides.map((side, i) => (i < 2 ? Math.min : Math.max)(...side)),
  };
}

function lineOf(digits) {
  const groups = parted(digits.map(characterOf), part(digits.map((digit) => digit.box))).map(
    (characters) => ({ ...whole(characters, ""), characters }),
  );
  return { ...whole(groups, " "), groups };
}

function characterOf({ box, confidence, probabilities }) {
  const other = probabilities.reduce((left, share) => left - share, 1);
  return {
    text: String(probabilities.indexOf(confidence)),
    sure: confidence >= THRESHOLD,
    ...{ confidence, box, cut: false },
    probabilities: [...probabilities, ...Array(SIGNS).fill(0), Math.max(other, 0)].map(tidy),
  };
}

const tidied = (lines) =>
  JSON.parse(JSON.stringify(lines), (key, value) => (key === "confidence" ? tidy(value) : value));
