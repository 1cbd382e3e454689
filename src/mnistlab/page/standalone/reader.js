// Reader: the core, with a network of one's own if the page has one, and its readings as the server
// would put them.

import { assemble, found, named, place } from "./assembly.js";
import { flatten } from "./colours.js";
import { Core } from "./core.js";
import { Network } from "./network/network.js";

export class Reader {
  /**
   * @param {object} model `core` and `reader`, the content of core.wasm and of reader.bin;
   *   `limits`, see `assemble`, and the `longest` side, see `decode`; `about`; and what a `Network`
   *   takes, if the page has one
   * @param {Core} core
   */
  constructor(model, core) {
    Object.assign(this, { model, core });
    this.network = model.layers ? new Network(model) : null;
  }

  static async open(model) {
    return new Reader(model, await Core.open(model.core, model.reader));
  }

  /**
   * Read a picture.
   * @param {{height: number, width: number, data: Uint8ClampedArray, size: [number, number]}}
   *   pixels RGBA, upright; and width and height of the whole picture, of which they may be a
   *   reduction
   * @returns {Promise<object>} the fields of `ModelReading` in server/answer.py, which a test
   *   compares with these; but `images` holds bytes, 28x28 for each character
   */
  async read(pixels) {
    const [width, height] = pixels.size, scale = width / pixels.width;
    const { characters, leftOut, cells } = await this.core.read(flatten(pixels));
    const seen = ({ row, image }) => this.name(found(row, image, scale));
    const reading = assemble(
      characters.map(seen),
      leftOut.map(seen),
      cells.map((row) => place(row, scale)),
      this.model.limits,
    );
    return { model: this.model.about.name, width, height, ...reading };
  }

  name(one) {
    return this.network ? named(one, (image) => this.network.named(image)) : one;
  }

  /** Calibrated probabilities of the page's own network for 28x28 bytes, light on black. */
  probabilities(image) {
    if (!this.network) throw new Error("This page has no network of its own.");
    return this.network.probabilities(image);
  }
}
