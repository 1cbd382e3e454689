// Engine: the page's model, in a worker beside the page if the browser allows one.

import { unpack } from "./unpacking.js";

export class Engine {
  // make: promises what answers questions with the model, for a page without a worker.
  constructor(make) {
    this.make = make;
    this.model = embedded();
    this.program = document.currentScript.textContent;
    this.waiting = new Map(); // questions to the worker, by number
    this.asked = 0;
    this.here = null; // in this page itself, where there can be no worker
    this.worker = this.employ();
  }

  employ() {
    try {
      const made = new Worker(
        URL.createObjectURL(new Blob([this.program], { type: "text/javascript" })),
      );
      made.onmessage = ({ data: { id, told, wrong } }) => {
        const { resolve, reject } = this.waiting.get(id);
        this.waiting.delete(id);
        if (wrong) reject(new Error(wrong));
        else resolve(told);
      };
      made.onerror = () => this.dismiss();
      made.postMessage({ model: this.model });
      return made;
    } catch {
      return null;
    }
  }

  // Some browsers refuse workers to pages that were opened as files.
  dismiss() {
    this.worker?.terminate();
    this.worker = null;
    for (const { resolve, reject, question, given } of this.waiting.values()) {
      this.askHere(question, given).then(resolve, reject);
    }
    this.waiting.clear();
  }

  async askHere(question, given) {
    this.here ??= unpack(this.model).then(this.make);
    return (await this.here)[question](given);
  }

  // question: a method of what `make` promises.
  async ask(question, given) {
    if (!this.worker) return this.askHere(question, given);
    return new Promise((resolve, reject) => {
      this.waiting.set(++this.asked, { resolve, reject, question, given });
      this.worker.postMessage({ id: this.asked, question, given });
    });
  }

  // The model, in words.
  get about() {
    const { title, parameters, test } = this.model.about;
    const weights = this.model.weights ?? this.model.reader;
    const told = [`${Math.round(weights.byteLength / 1000)} kB`];
    if (parameters) told.unshift(`${count(parameters)} parameters`);
    if (test) {
      const right = `${(100 * test.accuracy).toFixed(2)} % of ${count(test.images)} test images`;
      told.push(`${right} classified correctly`);
    }
    return `${title}: ${told.join(", ")}`;
  }
}

// What page/files.py put into the page: the model, and in it, by their names, compressed files.
function embedded() {
  const files = [...document.querySelectorAll('script[type="text/plain"]')].map((held) => [
    held.id,
    Uint8Array.from(atob(held.textContent), (letter) => letter.charCodeAt(0)),
  ]);
  const model = JSON.parse(document.getElementById("model").textContent);
  return { ...model, ...Object.fromEntries(files) };
}

const count = (number) => number.toLocaleString("en");
