// Worker: a reader beside the page, so that the page stays quick while a picture is read.

import { Reader } from "./reader.js";

let reader;

// First comes { model }, then for each question { id, ask, given }; it is answered with { id, told } or { id, wrong }.
self.onmessage = ({ data: { model, id, ask, given } }) => {
  if (model) {
    reader = new Reader(model);
    return;
  }
  try {
    self.postMessage({ id, told: reader[ask](given) });
  } catch (error) {
    self.postMessage({ id, wrong: String(error) });
  }
};
