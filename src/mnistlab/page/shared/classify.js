// The page that classifies: picture, drawing or camera in, likeliest classes out.

import { Asking } from "./asking.js";
import { Camera } from "./camera.js";
import { Classes } from "./classes.js";
import { about, choose, classify, models, prepare } from "./classifying.js";
import { complain, element } from "./elements.js";
import { Stage } from "./stage.js";

const LARGEST_DRAWN = 64; // pixels of a side up to which grey images are likely to be drawings
const PEN = { share: 0.075, thinnest: 10, thickest: 40 };

const classes = new Classes();
const camera = new Camera(element("video"), (message) => {
  stop();
  complain(message);
});
const asking = new Asking(classify, answered, troubled);
let stage;

function answered(answer, settled) {
  complain("");
  classes.take(answer, settled);
  look();
}

function troubled(message) {
  complain(message);
  look();
}

// Each frame is asked for when the one before is answered.
function look() {
  if (camera.on) asking.ask(() => camera.frame());
}

function reset() {
  if (camera.on) stop();
  asking.forget();
  classes.empty();
  complain("");
}

async function start() {
  stage.clear();
  stage.live = true;
  stage.refresh();
  element("live").disabled = true;
  try {
    await camera.start();
    look();
  } catch (error) {
    stop();
    complain(error.message);
  }
  element("live").disabled = false;
  show();
}

function stop() {
  camera.stop();
  asking.forget();
  stage.live = false;
  stage.refresh();
  show();
}

// What was seen last stays, as a picture.
async function hold() {
  const frame = await camera.frame();
  stop();
  stage.take(frame);
}

function show() {
  element("live").textContent = camera.on ? "Stop the camera" : "Use the camera";
  element("live").setAttribute("aria-pressed", camera.on);
}

function draw() {
  const light = element("light").checked;
  asking.ask(() => stage.pad.picture(...(light ? ["#fff", "#000"] : [])));
}

function use(model) {
  choose(model);
  reset();
  classes.expect(model);
  const [channels, ...sides] = model.shape;
  const draws = channels === 1 && Math.max(...sides) <= LARGEST_DRAWN;
  if (!stage) {
    stage = new Stage({
      drawn: draw,
      taken: (file) => asking.ask(() => prepare(file), true),
      reset,
      draws,
      pen: PEN,
    });
  }
  stage.draws = draws;
  stage.hint = draws
    ? "Draw here, or choose, drop or paste a picture"
    : "Choose, drop or paste a picture";
  stage.clear();
  element("ground").hidden = !draws;
  // Which of the two a model was trained on, its images' mean tells: most of an image is ground.
  element("light").checked = (model.about.mean?.[0] ?? 0) < 0.5;
  element("view").style.setProperty("--ratio", sides[1] / sides[0]);
  // A drawing is all of the image.
  if (draws) element("pad").style.setProperty("--shape", `${sides[1]} / ${sides[0]}`);
  else element("pad").style.removeProperty("--shape");
}

async function begin() {
  const { found, trouble = "" } = await models();
  complain(trouble);
  if (!found.length) return;
  use(found[0]);
  element("model-choice").hidden = found.length < 2;
  element("chosen").append(
    ...found.map((model) => new Option(model.about.title ?? model.name, model.name)),
  );
  element("chosen").addEventListener("change", () => use(found[element("chosen").selectedIndex]));
  element("about").replaceChildren(...about());
}

element("live").addEventListener("click", () => (camera.on ? hold() : start()));
element("live").disabled = Boolean(Camera.absence);
element("no-camera").textContent = Camera.absence;
element("more").addEventListener("click", () => classes.toggle());
element("light").addEventListener("change", () => stage?.changed());
begin();
