// Regions: connected pixels of a mask, and masks grown, shrunk and filled.

/** @typedef {import("./numbers.js").Plane<Uint8Array>} Mask */

/**
 * Number the connected regions of a mask, in the order in which their first pixels come.
 * @param {Mask} mask
 * @param {boolean} corners whether pixels that touch at a corner are connected
 * @returns {{labels: Int32Array, count: number, places: {top: number, bottom: number, left: number,
 *   right: number}[]}} region numbers from 1, 0 outside; the rectangle of each, ends outside
 */
export function label({ height, width, data }, corners = true) {
  const labels = new Int32Array(data.length), parents = [0];
  const root = (name) => {
    while (parents[name] !== name) name = parents[name] = parents[parents[name]];
    return name;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!data[i]) continue;
      let name = 0;
      const join = (j) => {
        if (!labels[j]) return;
        const other = root(labels[j]);
        if (!name) name = other;
        else if (other < name) parents[name] = name = other;
        else if (other > name) parents[other] = name;
      };
      if (x) join(i - 1);
      if (y) {
        join(i - width);
        if (corners && x) join(i - width - 1);
        if (corners && x + 1 < width) join(i - width + 1);
      }
      if (!name) parents.push((name = parents.length));
      labels[i] = name;
    }
  }
  return compact(labels, parents, root, width);
}

function compact(labels, parents, root, width) {
  const names = new Int32Array(parents.length);
  let count = 0;
  for (let name = 1; name < parents.length; name++)
    names[name] = root(name) === name ? ++count : names[root(name)];
  const places = Array.from({ length: count }, () => ({
    top: Infinity,
    bottom: 0,
    left: Infinity,
    right: 0,
  }));
  for (let i = 0; i < labels.length; i++) {
    if (!labels[i]) continue;
    const place = places[(labels[i] = names[labels[i]]) - 1], x = i % width, y = (i - x) / width;
    if (y < place.top) place.top = y;
    if (y >= place.bottom) place.bottom = y + 1;
    if (x < place.left) place.left = x;
    if (x >= place.right) place.right = x + 1;
  }
  return { labels, count, places };
}

/** Grow a mask by a pixel to each side, several times. */
export function dilate({ height, width, data }, times = 1) {
  let grown = data;
  for (let n = 0; n < times; n++) {
    const before = grown;
    grown = before.slice();
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (!before[i]) continue;
        if (x) grown[i - 1] = 1;
        if (x + 1 < width) grown[i + 1] = 1;
        if (y) grown[i - width] = 1;
        if (y + 1 < height) grown[i + width] = 1;
      }
    }
  }
  return { height, width, data: grown };
}

/**
 * Shrink a mask by a pixel from each side, several times; what lies beyond the picture is not in
 * it.
 */
export function erode({ height, width, data }, times = 1) {
  let shrunk = data;
  for (let n = 0; n < times; n++) {
    const before = shrunk;
    shrunk = before.slice();
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const inside =
          x && x + 1 < width && y && y + 1 < height &&
          before[i - 1] && before[i + 1] && before[i - width] && before[i + width];
        if (!inside) shrunk[i] = 0;
      }
    }
  }
  return { height, width, data: shrunk };
}

/** Keep what belongs to `run` pixels or more beside each other in a row. */
export function openAcross({ height, width, data }, run) {
  const opened = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; ) {
      if (!data[y * width + x]) {
        x++;
        continue;
      }
      const start = x;
      while (x < width && data[y * width + x]) x++;
      if (x - start >= run) opened.fill(1, y * width + start, y * width + x);
    }
  }
  return { height, width, data: opened };
}

/** Fill what is enclosed by a mask. */
export function fillHoles({ height, width, data }) {
  const filled = new Uint8Array(data.length).fill(1), open = [];
  const visit = (i) => {
    if (!data[i] && filled[i]) {
      filled[i] = 0;
      open.push(i);
    }
  };
  for (let x = 0; x < width; x++) [x, (height - 1) * width + x].forEach(visit);
  for (let y = 0; y < height; y++) [y * width, y * width + width - 1].forEach(visit);
  while (open.length) {
    const i = open.pop(), x = i % width;
    if (x) visit(i - 1);
    if (x + 1 < width) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i + width < data.length) visit(i + width);
  }
  return { height, width, data: filled };
}
