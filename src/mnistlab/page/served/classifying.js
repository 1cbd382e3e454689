// Classifying: what the page asks of the server.

import { MANY } from "./classes.js";
import { send } from "./asking_server.js";

export { about, models } from "./asking_server.js";
export { prepare } from "./picture.js";

let name;

// Which of the models is to classify.
export function choose(model) {
  name = model.name;
}

export function classify(picture) {
  return send(
    `api/classify?${new URLSearchParams({ model: name, top: MANY, image: true })}`,
    picture,
  );
}
