// Classes: what a picture was classified as, as elements of the page.

import { element, make, percent } from "./elements.js";

export const FEW = 5; // classes shown at first
export const MANY = 20; // and at most

export class Classes {
  constructor() {
    this.most = FEW;
    this.said = ""; // the class last said aloud
    this.empty();
  }

  // model: the one that classifies, as `models` gives it.
  expect(model) {
    const many = model.classes.length > FEW;
    element("more").hidden = !many;
    element("known").textContent = `${model.about?.title ?? model.name}: ${told(model.classes)}`;
    this.total = model.classes.length;
    this.show();
  }

  empty() {
    this.answer = null;
    this.said = "";
    element("said").textContent = "";
    this.show();
  }

  // settled: whether nothing newer is on its way, so that it is worth saying aloud.
  take(answer, settled) {
    this.answer = answer;
    this.show();
    const sentence = `${answer.sure ? "" : "Unsure: "}${answer.label}`;
    if (!settled || sentence === this.said) return;
    this.said = sentence;
    element("said").textContent = `${sentence}, ${percent(answer.probability)}`;
  }

  toggle() {
    this.most = this.most === FEW ? MANY : FEW;
    this.show();
  }

  show() {
    const { answer } = this;
    element("nothing").hidden = Boolean(answer);
    element("class").hidden = element("seen").hidden = !answer;
    element("label").textContent = answer?.label ?? "";
    element("share").textContent = answer ? percent(answer.probability) : "";
    element("class").classList.toggle("unsure", answer?.sure === false);
    element("doubt").textContent =
      answer?.sure === false ? `Unsure: below the threshold of ${percent(answer.threshold)}` : "";
    if (answer) element("view").src = `data:image/png;base64,${answer.image}`;
    const shown = Math.min(MANY, this.total ?? 0);
    element("more").textContent =
      this.most === FEW
        ? `Show ${shown} of ${(this.total ?? 0).toLocaleString("en")} classes`
        : "Show fewer";
    element("more").setAttribute("aria-expanded", this.most !== FEW);
    element("bars").replaceChildren(...(answer?.top ?? []).slice(0, this.most).map(bar));
    element("bars").hidden = !answer;
    element("no-bars").hidden = Boolean(answer);
  }
}

function bar({ label, probability }, place) {
  const fill = make("span", { className: "bar" });
  const track = make("span", { className: "track" }, fill);
  track.setAttribute("aria-hidden", "true");
  fill.style.setProperty("--share", `${100 * probability}%`);
  const name = make("span", { className: "name", textContent: label, dir: "auto" });
  const figure = make("span", { className: "figure", textContent: percent(probability) });
  return make("li", { className: place ? "" : "best" }, name, " ", figure, track);
}

function told(classes) {
  const first = classes.slice(0, FEW).join(", ");
  const left = classes.length - FEW;
  return left > 0 ? `${first} and ${left.toLocaleString("en")} more classes` : first;
}
