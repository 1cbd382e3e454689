// Reading: what the page asks of the reader, which runs here, in the browser.

import { SIDE } from "./core.js";
import { decode, encode } from "./decoding.js";
import { Engine } from "./engine.js";
import { Reader } from "./reader.js";

const engine = new Engine(Reader.open);
const { model } = engine;

// Returns { found }: the one model there is.
export async function models() {
  return { found: [{ name: model.about.name, default: true, about: model.about }] };
}

// Nothing is sent anywhere, so nothing need be made smaller.
export function prepare(file) {
  return file;
}

// Returns { answer }, or { trouble }: what is wrong.
export async function read(picture) {
  let pixels;
  try {
    pixels = await decode(picture, model.limits.longest);
  } catch {
    return {
      trouble: "This is not a picture that the browser can decode; save it as PNG or JPEG.",
    };
  }
  try {
    const answer = await engine.ask("read", pixels);
    const images = answer.images.map((image) =>
      encode({ height: SIDE, width: SIDE, data: image }),
    );
    return { answer: { ...answer, images, also: [], error: null } };
  } catch (error) {
    return { trouble: error.message };
  }
}

// What the page says at its end.
export function about() {
  // The reader itself always is.
  const sure = model.layers && !model.about.calibrated_on;
  return [
    `${model.layers ? "Digits are named" : "Read"} by ${engine.about}. `,
    sure ? "Its probabilities are not calibrated. " : "",
    "It runs in this page: what you draw or show stays on your device.",
  ];
}

/**
 * For scripts of the page that this one is part of: a picture's file → what is read; 28x28 bytes →
 * what the page's own network says of them.
 */
globalThis.mnistlab = { read, probabilities: (pixels) => engine.ask("probabilities", pixels) };
