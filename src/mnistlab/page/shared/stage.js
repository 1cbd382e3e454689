// Stage: what is looked at: a drawing, or a picture that is chosen, dropped, pasted or
// photographed.

import { element } from "./elements.js";
import { Pad } from "./pad.js";

export class Stage {
  // hint: what an empty stage says; drawn(), taken(file), reset(): what to do when the drawing has
  // changed, when there is a picture, and when what was there has gone; draws: whether one can
  // draw; pen: see pad.js.
  constructor({ hint = "", drawn, taken, reset, draws = true, pen }) {
    Object.assign(this, { hint, drawn, taken, reset, draws });
    this.picture = null; // the address of the picture shown, if one is
    this.live = false; // whether a camera is shown instead
    this.pad = new Pad(element("canvas"), () => this.changed(), pen);
    this.listen();
    this.refresh();
  }

  // What the drawing is, for those who do not see it.
  describe(text) {
    element("canvas").setAttribute("aria-label", text);
  }

  changed() {
    this.refresh();
    if (this.picture || this.live) return;
    if (this.pad.empty) this.reset();
    else this.drawn();
  }

  refresh() {
    const nothing = this.pad.empty && !this.picture && !this.live;
    element("undo").disabled = element("clear").disabled = nothing;
    element("undo").hidden = !this.draws;
    element("hint").textContent = nothing ? this.hint : "";
    element("pad").classList.toggle("showing", Boolean(this.picture) || this.live || !this.draws);
    element("canvas").hidden = Boolean(this.picture) || this.live || !this.draws;
    this.pad.enabled = this.draws && !this.picture && !this.live;
  }

  take(file) {
    if (!file) return;
    this.remove();
    this.reset();
    this.picture = URL.createObjectURL(file);
    element("picture").src = this.picture;
    element("picture").alt = file.name ? `The picture ${file.name}` : "The picture";
    element("picture").hidden = false;
    this.refresh();
    this.taken(file);
  }

  remove() {
    if (!this.picture) return;
    URL.revokeObjectURL(this.picture);
    this.picture = null;
    element("picture").hidden = true;
    element("picture").removeAttribute("src");
    element("canvas").hidden = !this.draws;
  }

  undo() {
    if (this.picture) {
      this.remove();
      this.reset();
      this.pad.changed();
    } else {
      this.pad.undo();
    }
  }

  clear() {
    this.remove();
    this.reset();
    this.pad.clear();
  }

  listen() {
    for (const id of ["file", "camera"]) {
      element(id).addEventListener("change", (event) => {
        this.take(event.target.files[0]);
        event.target.value = "";
      });
    }
    element("undo").addEventListener("click", () => this.undo());
    element("clear").addEventListener("click", () => this.clear());
    element("picture").addEventListener("error", () => {
      if (!this.picture) return;
      element("picture").hidden = true;
      element("hint").textContent = "This picture cannot be shown here";
    });
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z") {
        event.preventDefault();
        this.undo();
      } else if (event.key === "Escape" || event.key === "Delete") {
        this.clear();
      }
    });
    document.addEventListener("paste", (event) => this.take(firstPicture(event.clipboardData)));
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
      this.take(firstPicture(event.dataTransfer));
    });
  }
}

function firstPicture(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0] ?? null;
}
