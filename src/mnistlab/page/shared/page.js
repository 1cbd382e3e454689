// The page that reads: drawing or picture in, numbers out.

import { Asking } from "./asking.js";
import { complain, element } from "./elements.js";
import { about, models, prepare, read } from "./reading.js";
import { Showing, spoken } from "./showing.js";
import { Stage } from "./stage.js";

const showing = new Showing();
const asking = new Asking(read, answered, complain);
const stage = new Stage({
  hint: "Write a number, or several",
  drawn: () => asking.ask(() => stage.pad.picture()),
  taken: (file) => asking.ask(() => prepare(file), true),
  reset,
});

function answered(answer, settled) {
  complain("");
  showing.take(answer, settled);
  if (settled && !stage.picture)
    describe(`Drawing, read as ${spoken(answer.text) || "no digit"}`);
}

function describe(text) {
  stage.describe(`${text}. Without mouse, finger or pen, choose a picture instead.`);
}

function reset() {
  asking.forget();
  showing.empty();
  complain("");
  describe("Drawing area, empty");
}

async function start() {
  const { found, trouble = "" } = await models();
  complain(trouble);
  showing.expect(found);
  element("about").replaceChildren(...about(found));
}

start();
