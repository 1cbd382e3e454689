// Classifier: the network with the page's model, and its answers as the server would put them.

import { Network } from "./network/network.js";
import { prepare } from "./preparation.js";

const THRESHOLD = 0.5;
const DECIMALS = 1e6;
const tidy = (share) => Math.round(share * DECIMALS) / DECIMALS;

export class Classifier {
  /** @param {import("./network/network.js").Model & {about: object, fit: string}} model */
  constructor(model) {
    this.model = model;
    this.network = new Network(model);
  }

  /**
   * Classify a picture.
   * @param {{picture: {height: number, width: number, data: Uint8ClampedArray}, top: number}} asked
   *   RGBA, upright; and how many classes are wanted
   * @returns {object} the fields of `ClassifyAnswer` in server/answer.py, which a test compares
   *   with these; but `image` has `height`, `width` and `data`, row by row, one channel after the
   *   other
   */
  classify({ picture, top }) {
    const data = prepare(picture, this.model), shares = this.network.probabilities(data);
    const {
      classes,
      image: [height, width],
      temperature,
      about,
    } = this.model;
    const ranked = classes
      .map((label, i) => ({ label, probability: shares[i] }))
      .sort((a, b) => b.probability - a.probability);
    const [{ label, probability }] = ranked;
    return {
      ...{ model: about.name, width: picture.width, height: picture.height, error: null },
      ...{
        label,
        probability: tidy(probability),
        sure: probability >= THRESHOLD,
        threshold: THRESHOLD,
      },
      ...{ temperature, calibrated: Boolean(about.calibrated_on) },
      top: ranked.slice(0, top).map((one) => ({ ...one, probability: tidy(one.probability) })),
      image: { height, width, data },
    };
  }
}
