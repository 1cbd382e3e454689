// Showing: what is read, as elements of the page.

import { element, make, percent } from "./elements.js";

const MANY = 6; // digits from which they are shown smaller
const ORDINALS = ["1st", "2nd", "3rd"];

const ordinal = (place) => ORDINALS[place] ?? `${place + 1}th`;

export class Showing {
  constructor() {
    this.answer = null;
    this.chosen = 0;
    this.names = [];
    this.rows = [...Array(10).keys()].map((digit) => {
      const figure = make("span", { className: "figure" });
      const bar = make("span", { className: "bar" });
      const track = make("span", { className: "track" }, bar);
      track.setAttribute("aria-hidden", "true");
      const row = make(
        "tr",
        {},
        make("th", { scope: "row", textContent: digit }),
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
    this.chosen = 0;
    this.show();
    element("said").textContent = "";
  }

  // settled: whether nothing newer is on its way, so that it is worth saying aloud.
  take(answer, settled) {
    this.answer = answer;
    this.chosen = Math.min(this.chosen, Math.max(0, answer.digits.length - 1));
    this.show();
    if (settled) element("said").textContent = this.sentence();
  }

  choose(place) {
    this.chosen = place;
    this.show();
  }

  sentence() {
    const { digits, unsure } = this.answer;
    if (!digits) return "Read: no digit";
    return `Read: ${[...digits].join(" ")}${unsure.length ? `. ${this.doubt()}` : ""}`;
  }

  doubt() {
    const { digits, unsure } = this.answer;
    if (!unsure.length) return "";
    if (digits.length === 1) return "Unsure of it.";
    return `Unsure of the ${unsure.map(ordinal).join(", ")}.`;
  }

  show() {
    const { answer } = this;
    const some = Boolean(answer?.digits);
    element("nothing").hidden = some;
    element("nothing").textContent = answer ? "no digit" : "–";
    element("digits").hidden = !some;
    element("doubt").textContent = some ? this.doubt() : "";
    this.showDigits(some ? answer : null);
    this.showBars(some ? answer.probabilities[this.chosen] : null);
    this.showModels();
    this.showBoxes(some ? answer : null);
  }

  showDigits(answer) {
    const group = element("digits");
    const held = [...group.children].indexOf(document.activeElement);
    group.classList.toggle("many", (answer?.digits.length ?? 0) >= MANY);
    group.replaceChildren(
      ...[...(answer?.digits ?? "")].map((digit, place) => {
        const unsure = answer.unsure.includes(place);
        const share = percent(Math.max(...answer.probabilities[place]));
        const seen = make("img", {
          src: `data:image/png;base64,${answer.images[place]}`,
          width: 56,
          height: 56,
        });
        seen.alt = "What the network saw";
        const button = make(
          "button",
          { type: "button", className: unsure ? "unsure" : "" },
          make("span", { className: "digit", textContent: digit }),
          seen,
          make("span", { className: "share", textContent: share }),
        );
        if (unsure) button.append(make("span", { className: "mark", textContent: "unsure" }));
        button.setAttribute("aria-pressed", place === this.chosen);
        button.addEventListener("click", () => this.choose(place));
        return button;
      }),
    );
    if (held >= 0) group.children[Math.min(held, group.children.length - 1)]?.focus();
  }

  showBars(probabilities) {
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    const several = (this.answer?.digits.length ?? 0) > 1;
    element("bars-title").textContent =
      `Probabilities${several ? ` of the ${ordinal(this.chosen)} digit` : ""}`;
    element("one").textContent = several ? `${ordinal(this.chosen)} digit` : "Digit";
    this.rows.forEach(({ row, bar, figure }, digit) => {
      const share = probabilities?.[digit] ?? 0;
      row.classList.toggle("best", digit === best);
      bar.style.setProperty("--share", `${100 * share}%`);
      figure.textContent = probabilities ? percent(share) : "–";
    });
  }

  showModels() {
    const readings = this.answer ? [this.answer, ...this.answer.also] : [];
    element("models").replaceChildren(
      ...this.names.map((name) => {
        const reading = readings.find((one) => one.model === name);
        const cells = reading?.digits
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
    const reads = make(
      "td",
      { className: "reads" },
      ...[...reading.digits].map((digit, place) =>
        digit === this.answer.digits[place]
          ? digit
          : make("span", { className: "other", textContent: digit }),
      ),
    );
    const digit = reading.digits[this.chosen];
    return [
      reads,
      make("td", {}, percent(reading.confidence)),
      make(
        "td",
        {},
        digit === undefined
          ? "–"
          : `${digit}: ${percent(reading.probabilities[this.chosen][digit])}`,
      ),
    ];
  }

  showBoxes(answer) {
    const svg = element("boxes");
    svg.setAttribute("viewBox", `0 0 ${answer?.width ?? 1} ${answer?.height ?? 1}`);
    svg.replaceChildren(
      ...(answer?.boxes ?? []).map(([left, top, right, bottom], place) => {
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
        rect.classList.toggle("unsure", answer.unsure.includes(place));
        rect.classList.toggle("chosen", place === this.chosen && answer.digits.length > 1);
        return rect;
      }),
    );
  }
}
