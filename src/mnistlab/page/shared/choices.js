// Choices: what a character may be instead, to choose or to type.

import { CHARACTERS } from "./characters.js";
import { element, make } from "./elements.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

export class Choices {
  // onChoice(text): what to do when someone has said what it is.
  constructor(onChoice) {
    this.one = null;
    this.onChoice = onChoice;
    this.buttons = [...CHARACTERS].map((text, place) => {
      const button = make("button", { type: "button", textContent: text });
      button.addEventListener("click", () => onChoice(text));
      button.addEventListener("keydown", ({ key }) => this.step(place + (STEPS[key] ?? 0)));
      return button;
    });
    element("choices").append(...this.buttons);
    document.addEventListener("keydown", (event) => this.type(event));
  }

  // one: the character that is to be corrected, if there is one.
  show(one) {
    this.one = one;
    element("correct").hidden = !one;
    const current = one ? CHARACTERS.indexOf(one.text) : 0;
    this.buttons.forEach((button, place) => {
      button.setAttribute("aria-pressed", Boolean(one) && place === current);
      // One of them is reached by Tab, the others from there by arrows.
      button.tabIndex = place === current ? 0 : -1;
    });
  }

  step(place) {
    const button = this.buttons[(place + this.buttons.length) % this.buttons.length];
    if (button !== document.activeElement) button.focus();
  }

  type(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (!this.one || ctrlKey || metaKey || altKey || key.length > 1) return;
    if (!CHARACTERS.includes(key)) return;
    event.preventDefault();
    this.onChoice(key);
  }
}
