// Answering: what a worker does, so that the page stays quick meanwhile.

import { unpack } from "./unpacking.js";

// First comes { model }, of which `make` promises what answers; then for each question { id,
// question, given }, of which `question` is a method of that; it is answered with { id, told } or
// { id, wrong }.
export function answer(make) {
  let here;
  self.onmessage = async ({ data: { model, id, question, given } }) => {
    if (model) {
      here = unpack(model).then(make);
      // Told to whoever asks.
      here.catch(() => {});
      return;
    }
    try {
      const maker = await here;
      self.postMessage({ id, told: await maker[question](given) });
    } catch (error) {
      self.postMessage({ id, wrong: error.message });
    }
  };
}
