// Engine: the page's model, in a worker beside the page if the browser allows one.

export class Engine {
  // make: returns what answers questions with the model, for a page without a worker.
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
      try {
        resolve(this.askHere(question, given));
      } catch (error) {
        reject(error);
      }
    }
    this.waiting.clear();
  }

  askHere(question, given) {
    this.here ??= this.make(this.model);
    return this.here[question](given);
  }

  // question: a method of what `make` returns.
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
    const size = `${Math.round(this.model.weights.byteLength / 1000)} kB`;
    const about = `${title}: ${count(parameters)} parameters, ${size}`;
    if (!test) return about;
    const right = `${(100 * test.accuracy).toFixed(2)} % of ${count(test.images)} test images`;
    return `${about}, ${right} classified correctly`;
  }
}

function embedded() {
  const held = (id) => document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(held("weights")), (letter) => letter.charCodeAt(0));
  return { ...JSON.parse(held("model")), weights: new Float32Array(bytes.buffer) };
}

const count = (number) => number.toLocaleString("en");
