// Transcript: what is read in a picture, and what someone corrected of it.

const SAME = 0.6; // of two boxes' area: of one character, in two readings of a drawing
const NARROWEST = 0.35; // of a box's longer side: a stroke's box moves by much of its width

export class Transcript {
  // answer: see `ModelReading` in server/answer.py; before: a transcript whose corrections hold
  // where its characters are.
  constructor(answer, before = null) {
    Object.assign(this, structuredClone({ lines: answer.lines, tables: answer.tables }));
    this.groups = this.lines.flatMap(({ groups }) => groups);
    this.characters = this.groups.flatMap(({ characters }) => characters);
    this.characters.forEach((one, place) => Object.assign(one, { place, read: one.text }));
    this.cells = this.tables.flatMap(({ rows }) => rows.flat());
    for (const cell of this.cells) cell.groups = [];
    for (const group of this.groups) cellOf(group, this.cells)?.groups.push(group);
    for (const cell of this.cells) {
      // Ink that was left out makes a cell unsure, whatever its characters are.
      cell.incomplete = !cell.sure && cell.groups.every(({ sure }) => sure);
    }
    for (const old of before?.characters ?? []) {
      const same = this.characters.find(({ box }) => overlap(box, old.box) > SAME);
      if (same && old.mark) this.correct(same.place, old.text);
    }
  }

  // What someone says of a character is sure.
  correct(place, text) {
    const one = this.characters[place];
    const mark = text === one.read ? "confirmed" : "corrected";
    Object.assign(one, { text, mark, sure: true, confidence: 1 });
    for (const group of this.groups) renew(group, group.characters, "");
    for (const line of this.lines) renew(line, line.groups, " ");
    for (const cell of this.cells.filter(({ groups }) => groups.length)) {
      renew(cell, cell.groups, " ");
      cell.sure &&= !cell.incomplete;
    }
  }

  get text() {
    return this.lines.map(({ text }) => text).join("\n");
  }

  // Rows of comma-separated values as `mnistlab predict --table` writes them, with a question mark
  // behind what is unsure: of the tables; if there are none, of the lines.
  get csv() {
    const rows = ({ rows }) => rows.map(csvRow).join("");
    if (this.tables.length) return this.tables.map(rows).join("\r\n");
    return this.lines.map(({ groups }) => csvRow(groups)).join("");
  }

  // The lines without what stands in a table.
  get loose() {
    const tabled = new Set(this.cells.flatMap(({ groups }) => groups));
    return this.lines
      .map(({ groups }) => groups.filter((group) => !tabled.has(group)))
      .filter((groups) => groups.length);
  }
}

// Parts in reading order make a whole.
function renew(whole, parts, between) {
  whole.text = parts.map(({ text }) => text).join(between);
  whole.sure = parts.every(({ sure }) => sure);
  whole.confidence = parts.reduce((product, { confidence }) => product * confidence, 1);
}

// The cell in which a group stands: an answer only tells their boxes and texts.
function cellOf(group, cells) {
  const middle = [0, 1].map((side) => (group.box[side] + group.box[side + 2]) / 2);
  const far = ({ box }) =>
    Math.hypot(...middle.map((at, side) => at - (box[side] + box[side + 2]) / 2));
  const inside = ({ box }) => middle.every((at, side) => box[side] <= at && at < box[side + 2]);
  return cells
    .filter((cell) => cell.text.split(" ").includes(group.text) && inside(cell))
    .sort((one, other) => far(one) - far(other))[0];
}

function overlap(one, other) {
  const [a, b] = [one, other].map(widened);
  const shared = [0, 1].map((side) =>
    Math.max(0, Math.min(a[side + 2], b[side + 2]) - Math.max(a[side], b[side])),
  );
  const both = shared[0] * shared[1];
  const areas = [a, b].map(([left, top, right, bottom]) => (right - left) * (bottom - top));
  return both / (areas[0] + areas[1] - both);
}

function widened([left, top, right, bottom]) {
  const least = NARROWEST * Math.max(right - left, bottom - top);
  const [x, y] = [least - right + left, least - bottom + top].map(
    (spare) => Math.max(spare, 0) / 2,
  );
  return [left - x, top - y, right + x, bottom + y];
}

const csvRow = (cells) => `${cells.map(csvCell).join(",")}\r\n`;

// What starts like a formula and is no number gets an apostrophe, as `csv_row` in text.py does it.
function csvCell({ text, sure }) {
  const marked = sure ? text : `${text}?`;
  const number = /^[-+]?\d[\d,]*(\.\d+)?( ?%)?$/.test(marked);
  const formula = /^[-+]./.test(marked) && !number;
  return formula || marked.includes(",") ? `"${formula ? "'" : ""}${marked}"` : marked;
}
