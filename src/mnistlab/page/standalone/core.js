// Core: the reader's WebAssembly module with its model, as recogniser/engine.py runs it.

const HEAD = 5, CHARACTER = 30, TABLE_CELL = 8; // numbers that it gives back, see engine.py
const CHANNELS = 3, BOX = 4;
export const SIDE = 28; // pixels of the images it makes

/** @typedef {{row: Float32Array, image: Uint8Array}} Seen a character: its numbers, as `Result` in
 *   engine.py describes them, and 28x28 bytes, light on black */

/**
 * What the core found in a picture.
 * @typedef {object} Found
 * @property {Seen[]} characters in reading order
 * @property {Seen[]} leftOut unread ink that may be a character
 * @property {Float32Array[]} cells of tables
 */

export class Core {
  /**
   * @param {WebAssembly.Module} program
   * @param {Uint8Array} model
   */
  constructor(program, model) {
    Object.assign(this, { program, model });
    this.started = this.start();
  }

  /**
   * @param {Uint8Array} program content of core.wasm
   * @param {Uint8Array} model content of reader.bin
   * @throws if the browser cannot run it
   */
  static async open(program, model) {
    let compiled;
    try {
      compiled = await WebAssembly.compile(program);
    } catch {
      throw new Error(
        "This browser cannot read here, for want of WebAssembly with SIMD; use a newer one.",
      );
    }
    const core = new Core(compiled, model);
    await core.started;
    return core;
  }

  async start() {
    this.calls = (await WebAssembly.instantiate(this.program)).exports;
    this.calls._initialize();
    const at = this.calls.allocate(this.model.length);
    this.write(at, this.model);
    if (!this.calls.open_model(at, this.model.length)) {
      throw new Error("The reader in this page is damaged; download the page again.");
    }
  }

  /**
   * Read a picture.
   * @param {import("./colours.js").Colours} picture upright
   * @returns {Promise<Found>}
   * @throws if the core stops, for example for want of memory
   */
  async read({ width, height, data }) {
    await this.started;
    try {
      const given = this.calls.reserve(data.length) >>> 0;
      this.write(given, data);
      return this.found(this.calls.read(given, width, height, CHANNELS, 0) >>> 0);
    } catch (error) {
      // What the instance holds now, nobody knows.
      this.started = this.start();
      throw new Error("This picture cannot be read; make it smaller.", { cause: error });
    }
  }

  write(at, bytes) {
    // Made each time: memory that grows moves.
    new Uint8Array(this.calls.memory.buffer, at >>> 0, bytes.length).set(bytes);
  }

  found(at) {
    const { buffer } = this.calls.memory;
    const [characters, leftOut, cells] = new Float32Array(buffer, at, HEAD);
    let next = at + HEAD * Float32Array.BYTES_PER_ELEMENT;
    const take = (count, size) =>
      Array.from({ length: count }, () => {
        const row = new Float32Array(buffer, next, size).slice();
        next += row.byteLength;
        return row;
      });
    const rows = take(characters + leftOut, CHARACTER), tables = take(cells, TABLE_CELL);
    const images = this.images(rows), seen = rows.map((row, i) => ({ row, image: images[i] }));
    return {
      characters: seen.slice(0, characters),
      leftOut: seen.slice(characters),
      cells: tables,
    };
  }

  /** Images of characters of the picture that was read last. */
  images(rows) {
    const boxes = Float32Array.from(rows.flatMap((row) => [...row.subarray(0, BOX)]));
    const from = this.calls.allocate(boxes.byteLength) >>> 0;
    this.write(from, new Uint8Array(boxes.buffer));
    const size = SIDE * SIDE, to = this.calls.allocate(rows.length * size) >>> 0;
    this.calls.images(from, rows.length, to);
    const made = new Uint8Array(this.calls.memory.buffer, to, rows.length * size);
    return rows.map((_, i) => made.slice(i * size, (i + 1) * size));
  }
}
