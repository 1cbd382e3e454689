// Reading: what the page asks of the recogniser, which runs here, in the browser.

import { decode, encode } from "./decoding.js";
import { Reader } from "./reader.js";

const model = embedded();
const program = document.currentScript.textContent;
const waiting = new Map(); // questions to the worker, by number
let worker = employ();
let reader; // in this page itself, where there can be no worker

function embedded() {
  const held = (id) => document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(held("weights")), (letter) => letter.charCodeAt(0));
  return { ...JSON.parse(held("model")), weights: new Float32Array(bytes.buffer) };
}

function employ() {
  try {
    const made = new Worker(URL.createObjectURL(new Blob([program], { type: "text/javascript" })));
    made.onmessage = ({ data: { id, told, wrong } }) => {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (wrong) reject(new Error(wrong));
      else resolve(told);
    };
    made.onerror = dismiss;
    made.postMessage({ model });
    return made;
  } catch {
    return null;
  }
}

// Some browsers refuse workers to pages that were opened as files.
function dismiss() {
  worker?.terminate();
  worker = null;
  for (const { resolve, reject, ask, given } of waiting.values()) {
    try {
      resolve(askHere(ask, given));
    } catch (error) {
      reject(error);
    }
  }
  waiting.clear();
}

function askHere(ask, given) {
  reader ??= new Reader(model);
  return reader[ask](given);
}

let asked = 0;

function question(ask, given) {
  if (!worker) return Promise.resolve(askHere(ask, given));
  return new Promise((resolve, reject) => {
    waiting.set(++asked, { resolve, reject, ask, given });
    worker.postMessage({ id: asked, ask, given });
  });
}

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
    pixels = await decode(picture);
  } catch {
    return { trouble: "This is not a picture that the browser can decode; save it as PNG or JPEG." };
  }
  try {
    const { width, height, data } = pixels, answer = await question("read", { width, height, data });
    return { answer: { ...answer, images: answer.images.map(encode), also: [], error: null } };
  } catch {
    return { trouble: "This picture cannot be read; make it smaller." };
  }
}

// What the page says at its end.
export function about() {
  const { title, parameters, test, calibrated_on: calibrated } = model.about;
  const size = `${Math.round(model.weights.byteLength / 1000)} kB`;
  const accuracy = test ? `, ${(100 * test.accuracy).toFixed(2)} % of ${count(test.images)} test images classified correctly` : "";
  const sure = calibrated ? "" : " Its probabilities are not calibrated.";
  return [
    `Read by ${title}: ${count(parameters)} parameters, ${size}${accuracy}.${sure} `,
    "It runs in this page: what you draw or show stays on your device.",
  ];
}

const count = (number) => number.toLocaleString("en");

/** For scripts of the page that this one is part of: a picture's file → what is read; 28x28 bytes → probabilities. */
globalThis.mnistlab = { read, probabilities: (pixels) => question("probabilities", pixels) };
