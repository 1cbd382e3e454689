// Showing: what is read, as elements of the page.

import { element, make, percent } from "./elements.js";

const CHARACTERS = "0123456789.,-+/:()%", DIGITS = 10; // in the order of their probabilities
const SHOWN = 0.0005; // probability from which on a sign is shown
const MANY = 6; // characters from which they are shown smaller
const ORDINALS = ["1st", "2nd", "3rd"];

const ordinal = (place) => ORDINALS[place] ?? `${place + 1}th`;

const charactersOf = (answer) =>
  (answer?.lines ?? []).flatMap(({ groups }) => groups.flatMap(({ characters }) => characters));

// A reading as it is said: character by character.
export function spoken(text) {
  const lines = text.split("\n").map((line) => line.split(" "));
  return lines.map((line) => line.map((group) => [...group].join(" ")).join(", ")).join("; ");
}

export class Showing {
  constructor() {
    this.answer = null;
    this.characters = [];
    this.chosen = 0;
    this.names = [];
    this.rows = [...CHARACTERS].map((text) => {
      const figure = make("span", { className: "figure" });
      const bar = make("span", { className: "bar" });
      const track = make("span", { className: "track" }, bar);
      track.setAttribute("aria-hidden", "true");
      const row = make(
        "tr",
        {},
        make("th", { scope: "row", textContent: text }),
        make("td", {}, track, figure),
      );
      element("bars").append(row);
      return { row, bar, figure };
    });
    this.empty();
  }

  // models: in their order, each with its name and what is known about it.
  expect(models) {
    this.names = models.map((model) => model.name);
    this.about = Object.fromEntries(models.map((model) => [model.name, model.about ?? {}]));
    element("models-section").hidden = models.length < 2;
    this.show();
  }

  empty() {
    this.answer = null;
    this.characters = [];
    this.chosen = 0;
    this.show();
    element("said").textContent = "";
  }

  // settled: whether nothing newer is on its way, so that it is worth saying aloud.
  take(answer, settled) {
    this.answer = answer;
    this.characters = charactersOf(answer);
    this.chosen = Math.min(this.chosen, Math.max(0, this.characters.length - 1));
    this.show();
    if (settled) element("said").textContent = this.sentence();
  }

  choose(place) {
    this.chosen = place;
    this.show();
  }

  sentence() {
    const doubt = this.doubt();
    return `Read: ${spoken(this.answer.text) || "no digit"}${doubt ? `. ${doubt}` : ""}`;
  }

  doubt() {
    const several = this.characters.length > 1;
    const unsure = [...this.characters.keys()].filter((place) => !this.characters[place].sure);
    const who = several ? `the ${unsure.map(ordinal).join(", ")}` : "it";
    return [
      ...(unsure.length ? [`Unsure of ${who}.`] : []),
      ...this.answer.notes.map((note) => `${note[0].toUpperCase()}${note.slice(1)}.`),
    ].join(" ");
  }

  show() {
    const { answer } = this;
    const some = Boolean(answer?.text);
    element("nothing").hidden = some;
    element("nothing").textContent = answer ? "no digit" : "–";
    element("digits").hidden = !some;
    element("doubt").textContent = answer ? this.doubt() : "";
    this.showDigits(answer?.lines ?? []);
    this.showTables(answer?.tables ?? []);
    this.showBars(this.characters[this.chosen]?.probabilities);
    this.showModels();
    this.showBoxes(answer);
  }

  showDigits(lines) {
    const shown = element("digits"), buttons = shown.getElementsByTagName("button");
    const held = [...buttons].indexOf(document.activeElement);
    shown.classList.toggle("many", this.characters.length >= MANY);
    let place = 0;
    shown.replaceChildren(
      ...lines.map(({ groups }) => {
        const parts = groups.map(({ characters }) =>
          make("div", {}, ...characters.map((one) => this.button(one, place++))),
        );
        return make("div", { className: "line" }, ...parts);
      }),
    );
    if (held >= 0) buttons[Math.min(held, buttons.length - 1)]?.focus();
  }

  button({ text, sure, confidence }, place) {
    const seen = make("img", {
      src: `data:image/png;base64,${this.answer.images[place]}`,
      width: 56,
      height: 56,
    });
    seen.alt = "What the network saw";
    const button = make(
      "button",
      { type: "button", className: sure ? "" : "unsure" },
      make("span", { className: "digit", textContent: text }),
      seen,
      make("span", { className: "share", textContent: percent(confidence) }),
    );
    if (!sure) button.append(make("span", { className: "mark", textContent: "unsure" }));
    button.setAttribute("aria-pressed", place === this.chosen);
    button.addEventListener("click", () => this.choose(place));
    return button;
  }

  showTables(tables) {
    element("tables").replaceChildren(
      ...tables.map(({ rows }) => {
        const cells = ({ text, sure, confidence }) => {
          const told = { textContent: text, title: percent(confidence) };
          return make("td", { ...told, className: sure ? "" : "unsure" });
        };
        return make("table", {}, ...rows.map((row) => make("tr", {}, ...row.map(cells))));
      }),
    );
  }

  showBars(probabilities) {
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    const several = this.characters.length > 1;
    element("bars-title").textContent =
      `Probabilities${several ? ` of the ${ordinal(this.chosen)} digit` : ""}`;
    element("one").textContent = several ? `${ordinal(this.chosen)} digit` : "Digit";
    this.rows.forEach(({ row, bar, figure }, place) => {
      const share = probabilities?.[place] ?? 0;
      row.hidden = place >= DIGITS && share < SHOWN;
      row.classList.toggle("best", place === best);
      bar.style.setProperty("--share", `${100 * share}%`);
      figure.textContent = probabilities ? percent(share) : "–";
    });
  }

  showModels() {
    const readings = this.answer ? [this.answer, ...this.answer.also] : [];
    element("models").replaceChildren(
      ...this.names.map((name) => {
        const reading = readings.find((one) => one.model === name);
        const cells = reading?.text
          ? this.modelCells(reading)
          : ["–", "–", "–"].map((text) => make("td", {}, text));
        const { title, test, data } = this.about[name];
        const head = make("th", { scope: "row" }, title ?? name);
        const where = !data || data.name.toLowerCase() === "mnist" ? "MNIST" : data.name;
        if (test)
          head.append(make("small", {}, ` ${(100 * test.accuracy).toFixed(2)} % on ${where}`));
        return make("tr", {}, head, ...cells);
      }),
    );
  }

  modelCells(reading) {
    const { text } = this.answer;
    const reads = make(
      "td",
      { className: "reads" },
      ...[...reading.text].map((character, place) =>
        character === text[place]
          ? character
          : make("span", { className: "other", textContent: character }),
      ),
    );
    const one = charactersOf(reading)[this.chosen];
    return [
      reads,
      make("td", {}, percent(reading.confidence)),
      make("td", {}, one ? `${one.text}: ${percent(one.confidence)}` : "–"),
    ];
  }

  showBoxes(answer) {
    const svg = element("boxes");
    svg.setAttribute("viewBox", `0 0 ${answer?.width ?? 1} ${answer?.height ?? 1}`);
    svg.replaceChildren(
      ...[
        ...this.characters,
        ...(answer?.left_out ?? []).map((box) => ({ box, sure: false })),
      ].map(({ box: [left, top, right, bottom], sure }, place) => {
        const margin = 0.006 * answer.width;
        const rect = document.createElementNS(svg.namespaceURI, "rect");
        const sizes = {
          x: left - margin,
          y: top - margin,
          width: right - left + 2 * margin,
          height: bottom - top + 2 * margin,
        };
        for (const [name, value] of Object.entries({ ...sizes, rx: margin }))
          rect.setAttribute(name, value);
        rect.classList.toggle("unsure", !sure);
        rect.classList.toggle("chosen", place === this.chosen && this.characters.length > 1);
        return rect;
      }),
    );
  }
}
