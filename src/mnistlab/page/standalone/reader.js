// Reader: the recogniser with the page's model, and its readings as the server would put them.

import { Network } from "./network/network.js";
import { THRESHOLD, Recogniser } from "./recogniser/recogniser.js";

const DECIMALS = 1e6;
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
   *   these; but `images` holds bytes, 28x28 for each digit
   */
  read(pixels) {
    const { digits, size: [width, height] } = this.recogniser.read(pixels);
    const labels = digits.map(({ probabilities, confidence }) => probabilities.indexOf(confidence));
    const unsure = [...digits.keys()].filter((place) => digits[place].confidence < THRESHOLD);
    return {
      ...{ model: this.name, width, height, digits: labels.join("") },
      sure: digits.length > 0 && !unsure.length,
      confidence: digits.length
        ? tidy(digits.reduce((product, digit) => product * digit.confidence, 1))
        : 0,
      boxes: digits.map((digit) => digit.box),
      probabilities: digits.map((digit) => digit.probabilities.map(tidy)),
      unsure,
      images: digits.map((digit) => digit.pixels),
    };
  }

  /** Calibrated probabilities of one prepared image: 28x28 bytes, light on black. */
  probabilities(pixels) {
    return this.network.probabilities(pixels);
  }
}
