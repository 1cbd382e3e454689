// Side by side: what each of several models reads.

import { element, make, percent } from "./elements.js";

const charactersOf = ({ lines }) =>
  lines.flatMap(({ groups }) => groups.flatMap(({ characters }) => characters));

export class SideBySide {
  // models: see `Showing`.
  expect(models) {
    this.models = models;
    element("models-section").hidden = models.length < 2;
  }

  // text: what counts as right; chosen: the place of the character to compare.
  show(answer, text, chosen) {
    const readings = answer ? [answer, ...answer.also] : [];
    element("models").replaceChildren(
      ...(this.models ?? []).map(({ name, about }) => {
        const reading = readings.find((one) => one.model === name);
        const cells = reading?.text
          ? told(reading, text, chosen)
          : ["–", "–", "–"].map((dash) => make("td", {}, dash));
        const { title, test, data } = about ?? {};
        const head = make("th", { scope: "row" }, title ?? name);
        const where = !data || data.name.toLowerCase() === "mnist" ? "MNIST" : data.name;
        if (test)
          head.append(make("small", {}, ` ${(100 * test.accuracy).toFixed(2)} % on ${where}`));
        return make("tr", {}, head, ...cells);
      }),
    );
  }
}

function told(reading, text, chosen) {
  const reads = make(
    "td",
    { className: "reads" },
    ...[...reading.text].map((character, place) =>
      character === text[place]
        ? character
        : make("span", { className: "other", textContent: character }),
    ),
  );
  const one = charactersOf(reading)[chosen];
  return [
    reads,
    make("td", {}, percent(reading.confidence)),
    make("td", {}, one ? `${one.text}: ${percent(one.confidence)}` : "–"),
  ];
}
