// Asking: one picture at a time, the newest; answers to what is no longer there are dropped.

const PAUSE = 150; // milliseconds from a change to the request

export class Asking {
  // read: see reading.js; onAnswer(answer, settled), onTrouble(message): what to do with what comes
  // back.
  constructor(read, onAnswer, onTrouble) {
    Object.assign(this, { read, onAnswer, onTrouble });
    this.subject = 0; // counts what was cleared or exchanged for something else
    this.changes = 0;
    this.make = null;
    this.timer = null;
    this.busy = false;
  }

  // Read what `make` returns or promises; `anew` if it has nothing to do with what was asked
  // before.
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
      again = await this.exchange(
        await make(),
        () => subject === this.subject,
        () => changes === this.changes,
      );
    } finally {
      this.busy = false;
    }
    if (this.make && again !== null) this.schedule(again);
    else if (this.make && (changes !== this.changes || subject !== this.subject))
      this.schedule(PAUSE);
  }

  // Returns the milliseconds after which to try again, or null.
  async exchange(picture, wanted, newest) {
    const { answer, trouble, again = null } = await this.read(picture);
    if (wanted() && trouble) this.onTrouble(trouble);
    else if (wanted()) this.onAnswer(answer, newest());
    return again;
  }
}
