// Pad: the surface to draw on. Strokes are kept in units of its width, so they survive a change of
// size.

const SMALLEST_EXPORT = 700; // pixels wide, so that a phone's narrow pad is not coarse
// Its width: of the pad's height, and in CSS pixels.
const PEN = { share: 0.036, thinnest: 7, thickest: 15 };
const PEN_LIGHT = 0.6, PEN_RANGE = 0.8; // factor of the width by pressure

export class Pad {
  constructor(canvas, onChange, pen = PEN) {
    this.pen = pen;
    this.canvas = canvas;
    this.onChange = onChange;
    this.strokes = [];
    this.enabled = true;
    this.active = null;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.extend(event));
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
      canvas.addEventListener(end, (event) => this.finish(event));
    }
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  get empty() {
    return this.strokes.length === 0;
  }

  begin(event) {
    if (!this.enabled || this.active !== null || !event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    this.active = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push({ width: this.penWidth(), points: [this.locate(event)] });
    this.changed();
  }

  extend(event) {
    if (event.pointerId !== this.active) return;
    const events = event.getCoalescedEvents?.() ?? [];
    const points = this.strokes.at(-1).points;
    for (const each of events.length ? events : [event]) {
      const point = this.locate(each), last = points.at(-1);
      if (point.x !== last.x || point.y !== last.y) points.push(point);
    }
    this.changed();
  }

  finish(event) {
    if (event.pointerId === this.active) this.active = null;
  }

  undo() {
    this.active = null;
    this.strokes.pop();
    this.changed();
  }

  clear() {
    this.active = null;
    this.strokes = [];
    this.changed();
  }

  changed() {
    this.draw();
    this.onChange();
  }

  penWidth() {
    const box = this.canvas.getBoundingClientRect();
    const { share, thinnest, thickest } = this.pen;
    return Math.min(thickest, Math.max(thinnest, share * box.height)) / box.width;
  }

  locate(event) {
    const box = this.canvas.getBoundingClientRect();
    const pressure =
      event.pointerType === "pen" && event.pressure > 0
        ? PEN_LIGHT + PEN_RANGE * event.pressure
        : 1;
    return {
      x: (event.clientX - box.left) / box.width,
      y: (event.clientY - box.top) / box.width,
      pressure,
    };
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const dense = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * dense);
    this.canvas.height = Math.round(height * dense);
    this.paint(this.canvas, getComputedStyle(this.canvas).color);
  }

  // A PNG, by default of black ink on white, whatever the page's colours are.
  picture(ink = "#000", ground = "#fff") {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const scale = Math.max(1, SMALLEST_EXPORT / width);
    const paper = document.createElement("canvas");
    paper.width = Math.round(width * scale);
    paper.height = Math.round(height * scale);
    const context = paper.getContext("2d");
    context.fillStyle = ground;
    context.fillRect(0, 0, paper.width, paper.height);
    this.paint(paper, ink);
    // Not toBlob, which browsers put off until they are idle: up to a second.
    const [, encoded] = paper.toDataURL("image/png").split(",");
    return new Blob([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))], {
      type: "image/png",
    });
  }

  paint(canvas, colour) {
    const context = canvas.getContext("2d");
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = context.fillStyle = colour;
    // After a change of shape, such as a phone's being turned, all is made smaller if it would lie
    // outside.
    const lowest = Math.max(
      0,
      ...this.strokes.flatMap((stroke) => stroke.points.map((point) => point.y)),
    );
    const unit = Math.min(canvas.width, canvas.height / Math.max(lowest, 1e-6));
    for (const stroke of this.strokes) paintStroke(context, stroke, unit);
  }
}

function paintStroke(context, { width, points }, unit) {
  const at = (point) => [point.x * unit, point.y * unit];
  if (points.length === 1) {
    context.beginPath();
    context.arc(...at(points[0]), 0.5 * width * unit * points[0].pressure, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  // Curves from middle to middle of neighbouring points, bent towards the points themselves.
  const middle = (a, b) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  let from = points[0];
  for (let place = 1; place < points.length; place++) {
    const last = place === points.length - 1;
    const to = last ? points[place] : middle(points[place], points[place + 1]);
    context.lineWidth = width * unit * points[place].pressure;
    context.beginPath();
    context.moveTo(...at(from));
    context.quadraticCurveTo(...at(points[place]), ...at(to));
    context.stroke();
    from = to;
  }
}
