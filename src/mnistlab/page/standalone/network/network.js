// Network: the layers of a trained model on one image.

import { ARITHMETIC } from "./arithmetic.js";
import { LAYERS } from "./layers.js";

/**
 * Numbers between layers.
 * @typedef {object} Block
 * @property {number[]} shape channels, height and width; or one number, once flattened
 * @property {Float32Array} data
 */

/**
 * A model: what `mnistlab export --web` found in the run's ONNX graph.
 * @typedef {object} Model
 * @property {number} channels of the images, 1 or 3
 * @property {[number, number]} image height and width of the images
 * @property {object[]} layers each with its `kind`, a key of `ARITHMETIC` or `LAYERS`, and what
 *   that takes; numbers that were learnt are `{start, shape}`, a place in `weights`. `from` has its
 *   inputs: 0 for the image, 1 for the first layer's result and so on, or numbers that were learnt
 * @property {Uint8Array} weights their floats of 32 bits, little-endian
 * @property {number} temperature divides the logits before they become probabilities
 * @property {string[]} classes names of the outputs, in order; the last may be `none`
 */

export const NONE = "none";
const KINDS = { ...ARITHMETIC, ...LAYERS };

export class Network {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    // Double, as sums are: single would be converted again and again.
    this.weights = Float64Array.from(new Float32Array(model.weights.buffer));
    this.tellsNone = model.classes.includes(NONE);
  }

  /** Logits of one image: bytes row by row, one channel after the other. */
  logits(pixels) {
    const { channels, image, layers } = this.model;
    const learnt = ({ start, shape }) =>
      this.weights.subarray(start, start + shape.reduce((size, side) => size * side, 1));
    const values = [{ shape: [channels, ...image], data: Float32Array.from(pixels) }];
    const value = (from) =>
      typeof from === "number" ? values[from] : { shape: from.shape, data: learnt(from) };
    for (const layer of layers) {
      values.push(KINDS[layer.kind](...layer.from.map(value), layer, learnt));
    }
    return values.at(-1).data;
  }

  /** Calibrated probabilities of one image. */
  probabilities(pixels) {
    const scaled = Array.from(this.logits(pixels), (logit) => logit / this.model.temperature);
    const highest = Math.max(...scaled), powers = scaled.map((logit) => Math.exp(logit - highest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  }

  /** Probabilities of the classes without `none`; where there is one, they sum to less than 1. */
  named(pixels) {
    const all = this.probabilities(pixels);
    return this.tellsNone ? all.slice(0, -1) : all;
  }
}
