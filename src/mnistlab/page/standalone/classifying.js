// Classifying: what the page asks of the classifier, which runs here, in the browser.

import { Classifier } from "./classifier.js";
import { MANY } from "./classes.js";
import { decode, encode } from "./decoding.js";
import { Engine } from "./engine.js";

const engine = new Engine(async (model) => new Classifier(model));
const { model } = engine;

// Returns { found }: the one model there is.
export async function models() {
  const { classes, channels, image, about } = model;
  return {
    found: [
      {
        name: about.name,
        default: true,
        task: "classify",
        classes,
        shape: [channels, ...image],
        about,
      },
    ],
  };
}

// There is no choice.
export function choose() {}

// Nothing is sent anywhere, so nothing need be made smaller.
export function prepare(file) {
  return file;
}

// Returns { answer }, or { trouble }: what is wrong.
export async function classify(file, top = MANY) {
  let picture;
  try {
    const { width, height, data } = await decode(file);
    picture = { width, height, data };
  } catch {
    return {
      trouble: "This is not a picture that the browser can decode; save it as PNG or JPEG.",
    };
  }
  try {
    const answer = await engine.ask("classify", { picture, top });
    return { answer: { ...answer, image: encode(answer.image) } };
  } catch (error) {
    return { trouble: error.message };
  }
}

// What the page says at its end.
export function about() {
  const sure = model.about.calibrated_on ? "" : " Its probabilities are not calibrated.";
  return [
    `Classified by ${engine.about}.${sure} `,
    "It runs in this page: what you draw or show stays on your device.",
  ];
}

/** For scripts of the page that this one is part of: a picture's file → its classes. */
globalThis.mnistlab = { classify };
