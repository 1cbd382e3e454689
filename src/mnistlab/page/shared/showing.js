// Showing: what is read, as elements of the page.

import { CHARACTERS, DIGITS } from "./characters.js";
import { Choices } from "./choices.js";
import { copy } from "./copying.js";
import { element, make, percent } from "./elements.js";
import { SideBySide } from "./side_by_side.js";
import { Transcript } from "./transcript.js";

const SHOWN = 0.0005; // probability from which on a sign is shown
const MANY = 6, MOST = 24; // characters from which they are shown smaller, and without pictures
const FEW = 3; // unsure ones up to which each is named
const ORDINALS = ["1st", "2nd", "3rd"];

const ordinal = (place) => ORDINALS[place] ?? `${place + 1}th`;

// A reading as it is said: character by character.
export function spoken(text) {
  const lines = text.split("\n").map((line) => line.split(" "));
  return lines.map((line) => line.map((group) => [...group].join(" ")).join(", ")).join("; ");
}

export class Showing {
  constructor() {
    this.beside = new SideBySide();
    this.choices = new Choices((text) => this.correct(text));
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
    for (const form of ["text", "csv"]) {
      element(`copy-${form}`).addEventListener("click", () => this.copy(form));
    }
    this.empty();
  }

  // models: in their order, each with its name and what is known about it.
  expect(models) {
    this.beside.expect(models);
    this.show();
  }

  empty() {
    this.answer = this.transcript = null;
    this.chosen = 0;
    this.show();
    element("said").textContent = "";
  }

  get characters() {
    return this.transcript?.characters ?? [];
  }

  // settled: whether nothing newer is on its way, so that it is worth saying aloud.
  take(answer, settled) {
    this.answer = answer;
    this.transcript = new Transcript(answer, this.transcript);
    this.chosen = Math.min(this.chosen, Math.max(0, this.characters.length - 1));
    this.show();
    if (settled) element("said").textContent = this.sentence();
  }

  choose(place) {
    this.chosen = place;
    this.show();
  }

  correct(text) {
    this.transcript.correct(this.chosen, text);
    this.show();
    const who = this.characters.length > 1 ? `The ${ordinal(this.chosen)}` : "It";
    element("said").textContent = `${who} is ${text} now`;
  }

  async copy(form) {
    const done = await copy(this.transcript[form]);
    element("copied").textContent = done ? "Copied" : "The browser does not let this page copy.";
  }

  sentence() {
    const doubt = this.doubt();
    return `Read: ${spoken(this.transcript.text) || "no digit"}${doubt ? `. ${doubt}` : ""}`;
  }

  doubt() {
    const unsure = this.characters.filter(({ sure }) => !sure).map(({ place }) => ordinal(place));
    const who = unsure.length > FEW ? `${unsure.length} characters` : `the ${unsure.join(", ")}`;
    return [
      ...(unsure.length ? [`Unsure of ${this.characters.length > 1 ? who : "it"}.`] : []),
      ...this.answer.notes.map((note) => `${note[0].toUpperCase()}${note.slice(1)}.`),
    ].join(" ");
  }

  show() {
    const { answer, transcript } = this, some = this.characters.length > 0;
    element("nothing").hidden = some;
    element("nothing").textContent = answer ? "no digit" : "–";
    element("copies").hidden = !some;
    element("copied").textContent = "";
    element("doubt").textContent = answer ? this.doubt() : "";
    const held = document.activeElement?.dataset?.place;
    this.showLines(transcript?.loose ?? []);
    this.showTables(transcript?.tables ?? []);
    document.querySelector(`[data-place="${held}"]`)?.focus();
    this.showOne(this.characters[this.chosen]);
    this.beside.show(answer, transcript?.text, this.chosen);
    this.showBoxes(answer);
  }

  showLines(lines) {
    const count = lines.flat().flatMap(({ characters }) => characters).length;
    element("digits").hidden = !count;
    element("outside").hidden = !count || !this.transcript.tables.length;
    element("digits").classList.toggle("many", count >= MANY);
    element("digits").classList.toggle("most", count >= MOST);
    element("digits").replaceChildren(
      ...lines.map((groups) => {
        const parts = groups.map(({ characters }) =>
          make("div", {}, ...characters.map((one) => this.button(one, count < MOST))),
        );
        return make("div", { className: "line" }, ...parts);
      }),
    );
  }

  showTables(tables) {
    element("tables").replaceChildren(
      ...tables.map(({ rows }, number) => {
        const body = rows.map((row) => make("tr", {}, ...row.map((cell) => this.cell(cell))));
        const which = tables.length > 1 ? `Table ${number + 1}` : "Table";
        const sides = [counted(rows.length, "row"), counted(rows[0].length, "column")];
        const caption = make("caption", { textContent: `${which}: ${sides.join(", ")}` });
        return make("table", {}, caption, make("tbody", {}, ...body));
      }),
    );
  }

  cell({ text, sure, confidence, groups }) {
    const parts = groups.map(({ characters }) =>
      make("span", { className: "number" }, ...characters.map((one) => this.button(one, false))),
    );
    return make(
      "td",
      { className: sure ? "" : "unsure", title: text ? percent(confidence) : "" },
      ...(parts.length ? parts : [text]),
    );
  }

  // whole: with what was seen of it, and how sure that is.
  button({ text, sure, confidence, mark, place }, whole) {
    const button = make(
      "button",
      { type: "button", className: sure ? (mark ?? "") : "unsure" },
      make("span", { className: "digit", textContent: text }),
    );
    const told = sure ? mark : "unsure";
    if (whole) {
      const share = make("span", { className: "share", textContent: percent(confidence) });
      button.append(this.picture(place), ...(mark ? [] : [share]));
      if (told) button.append(make("span", { className: "mark", textContent: told }));
    } else {
      button.setAttribute("aria-label", told ? `${text}, ${told}` : text);
    }
    button.dataset.place = place;
    button.setAttribute("aria-pressed", place === this.chosen);
    button.addEventListener("click", () => this.choose(place));
    return button;
  }

  picture(place) {
    return make("img", {
      src: `data:image/png;base64,${this.answer.images[place]}`,
      width: 56,
      height: 56,
      alt: "What the network saw",
    });
  }

  // Probabilities of the chosen character, and what else it may be.
  showOne(one) {
    const several = this.characters.length > 1;
    element("bars-title").textContent =
      `Probabilities${several ? ` of the ${ordinal(this.chosen)} character` : ""}`;
    this.choices.show(one);
    element("one").replaceChildren(...(one && several ? [this.picture(one.place)] : []));
    const shares = one?.probabilities, best = shares ? shares.indexOf(Math.max(...shares)) : -1;
    this.rows.forEach(({ row, bar, figure }, place) => {
      const share = shares?.[place] ?? 0;
      row.hidden = place >= DIGITS && share < SHOWN;
      row.classList.toggle("best", place === best);
      bar.style.setProperty("--share", `${100 * share}%`);
      figure.textContent = shares ? percent(share) : "–";
    });
  }

  showBoxes(answer) {
    const svg = element("boxes");
    svg.setAttribute("viewBox", `0 0 ${answer?.width ?? 1} ${answer?.height ?? 1}`);
    svg.replaceChildren(
      ...[
        ...this.characters,
        ...(answer?.left_out ?? []).map((box) => ({ box, sure: false })),
      ].map(({ box: [left, top, right, bottom], sure, place }) => {
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

const counted = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;
