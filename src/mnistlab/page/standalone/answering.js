// Answering: what a worker does, so that the page stays quick meanwhile.

// First comes { model }, of which `make` makes what answers; then for each question { id, question,
// given }, of which `question` is a method of that; it is answered with { id, told } or { id, wrong
// }.
export function answer(make) {
  let here;
  self.onmessage = ({ data: { model, id, question, given } }) => {
    if (model) {
      here = make(model);
      return;
    }
    try {
      self.postMessage({ id, told: here[question](given) });
    } catch (error) {
      self.postMessage({ id, wrong: error.message });
    }
  };
}
