// Asking: one request at a time, for the newest picture; answers to what is no longer there are dropped.

const PAUSE = 150; // milliseconds from a change to the request
const UNREACHED = 3000; // milliseconds until the next try when the server cannot be reached

export class Asking {
  // address: where to send; onAnswer(answer, settled), onTrouble(message): what to do with what comes back.
  constructor(address, onAnswer, onTrouble) {
    Object.assign(this, { address, onAnswer, onTrouble });
    this.subject = 0; // counts what was cleared or exchanged for something else
    this.changes = 0;
    this.make = null;
    this.timer = null;
    this.busy = false;
  }

  // Read what `make` returns or promises; `anew` if it has nothing to do with what was asked before.
  ask(make, anew = false) {
    if (anew) this.subject++;
    this.changes++;
    this.make = make;
    this.schedule(PAUSE);
  }

  forget() {
    this.subject++;
    this.make = null;
    clearTimeout(this.timer);
    this.timer = null;
  }

  schedule(pause) {
    if (this.timer === null && !this.busy) {
      this.timer = setTimeout(() => { this.timer = null; this.send(); }, pause);
    }
  }

  async send() {
    if (!this.make) return;
    const { subject, changes, make } = this;
    this.busy = true;
    let again = null;
    try {
      again = await this.exchange(await make(), () => subject === this.subject, () => changes === this.changes);
    } finally {
      this.busy = false;
    }
    if (this.make && again !== null) this.schedule(again);
    else if (this.make && (changes !== this.changes || subject !== this.subject)) this.schedule(PAUSE);
  }

  // Returns the milliseconds after which to try again, or null.
  async exchange(body, wanted, newest) {
    let response, answer;
    try {
      response = await fetch(this.address(), { method: "POST", body });
      answer = await response.json();
    } catch {
      if (wanted()) this.onTrouble("The server cannot be reached. Trying again…");
      return UNREACHED;
    }
    if (response.status === 503) {
      if (wanted()) this.onTrouble("The server is busy. Trying again…");
      return 1000 * (Number(response.headers.get("Retry-After")) || 1);
    }
    if (!wanted()) return null;
    if (response.ok) this.onAnswer(answer, newest());
    else this.onTrouble(answer.error);
    return null;
  }
}
