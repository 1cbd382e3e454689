// The page: drawing or picture in, reading out.

import { Asking } from "./asking.js";
import { Pad } from "./pad.js";
import { about, models, prepare, read } from "./reading.js";
import { Showing } from "./showing.js";

const element = (id) => document.getElementById(id);
const showing = new Showing();
const asking = new Asking(read, answered, complain);
const pad = new Pad(element("canvas"), drawn);
let picture = null; // the address of the picture shown, if one is

function answered(answer, settled) {
  complain("");
  showing.take(answer, settled);
  if (settled && !picture) describe(`Drawing, read as ${[...answer.digits].join(" ") || "no digit"}`);
}

function complain(message) {
  element("trouble").hidden = !message;
  if (element("trouble").textContent !== message) element("trouble").textContent = message;
}

function describe(text) {
  element("canvas").setAttribute("aria-label", `${text}. Without mouse, finger or pen, choose a picture instead.`);
}

function drawn() {
  refresh();
  if (picture) return;
  if (pad.empty) {
    reset();
    describe("Drawing area, empty");
  } else {
    asking.ask(() => pad.picture());
  }
}

function reset() {
  asking.forget();
  showing.empty();
  complain("");
}

function hint(text) {
  element("hint").textContent = text;
}

function refresh() {
  const nothing = pad.empty && !picture;
  element("undo").disabled = element("clear").disabled = nothing;
  hint(nothing ? "Draw a digit, or several in a row" : "");
  element("pad").classList.toggle("showing", Boolean(picture));
  pad.enabled = !picture;
}

async function take(file) {
  if (!file) return;
  remove();
  reset();
  picture = URL.createObjectURL(file);
  element("picture").src = picture;
  element("picture").alt = file.name ? `The picture ${file.name}` : "The picture";
  element("picture").hidden = false;
  element("canvas").hidden = true;
  refresh();
  asking.ask(() => prepare(file), true);
}

function remove() {
  if (!picture) return;
  URL.revokeObjectURL(picture);
  picture = null;
  element("picture").hidden = true;
  element("picture").removeAttribute("src");
  element("canvas").hidden = false;
}

function undo() {
  if (picture) {
    remove();
    reset();
    pad.changed();
  } else {
    pad.undo();
  }
}

function clear() {
  remove();
  pad.clear();
}

function firstPicture(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}

for (const id of ["file", "camera"]) {
  element(id).addEventListener("change", (event) => {
    take(event.target.files[0]);
    event.target.value = "";
  });
}
element("undo").addEventListener("click", undo);
element("clear").addEventListener("click", clear);
element("picture").addEventListener("error", () => {
  if (!picture) return;
  element("picture").hidden = true;
  hint("This picture cannot be shown here");
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
    event.preventDefault();
    undo();
  } else if (event.key === "Escape" || event.key === "Delete") {
    clear();
  }
});
document.addEventListener("paste", (event) => take(firstPicture(event.clipboardData)));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  take(firstPicture(event.dataTransfer));
});

async function start() {
  refresh();
  const { found, trouble = "" } = await models();
  complain(trouble);
  showing.expect(found);
  element("about").replaceChildren(...about(found));
}

start();
