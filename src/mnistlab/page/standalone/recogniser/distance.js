// Distance: from each pixel of a mask to the nearest one outside it.

/** @typedef {import("./numbers.js").Plane<Uint8Array>} Mask */

const FAR = 1e9;

/**
 * Euclidean distances (Felzenszwalb and Huttenlocher, 2012); 0 outside the mask. If nothing is
 * outside, distances are those from a pixel above the first, as SciPy has them.
 * @param {Mask} mask
 * @returns {Float64Array}
 */
export function distance(mask) {
  const { height, width } = mask, found = new Float64Array(height * width);
  eachNearest(mask, (i, squared) => (found[i] = Math.sqrt(squared)));
  return found;
}

/**
 * The place, row by row, of the pixel outside the mask that is nearest to each.
 * @param {Mask} mask something must be outside
 * @returns {Int32Array}
 */
export function nearest(mask) {
  const { height, width } = mask, found = new Int32Array(height * width);
  eachNearest(mask, (i, _, place) => (found[i] = place));
  return found;
}

/** Tell each pixel's squared distance to the nearest one outside, and that one's place. */
function eachNearest({ height, width, data }, tell) {
  const rows = nearestInColumn(data, height, width), squares = new Float64Array(width);
  const vertices = new Int32Array(width), bounds = new Float64Array(width + 1);
  for (let y = 0; y < height; y++) {
    const start = y * width;
    let last = -1;
    for (let x = 0; x < width; x++) {
      if (rows[start + x] < 0) continue;
      squares[x] = (rows[start + x] - y) ** 2;
      let from = -Infinity;
      while (last >= 0) {
        const before = vertices[last];
        from = (squares[x] + x * x - squares[before] - before * before) / (2 * (x - before));
        if (from > bounds[last]) break;
        last--;
        from = -Infinity;
      }
      vertices[++last] = x;
      bounds[last] = from;
      bounds[last + 1] = Infinity;
    }
    for (let x = 0; last < 0 && x < width; x++) tell(start + x, (y + 1) ** 2 + x * x, 0);
    if (last < 0) continue;
    for (let x = 0, k = 0; x < width; x++) {
      while (bounds[k + 1] < x) k++;
      const column = vertices[k];
      tell(start + x, (x - column) ** 2 + squares[column], rows[start + column] * width + column);
    }
  }
}

/** The row of the nearest pixel outside the mask in the same column; -1 if there is none. */
function nearestInColumn(data, height, width) {
  const rows = new Int32Array(data.length).fill(-1);
  for (let i = 0; i < data.length; i++) {
    if (!data[i]) rows[i] = (i - (i % width)) / width;
    else if (i >= width) rows[i] = rows[i - width];
  }
  for (let i = data.length - width - 1; i >= 0; i--) {
    const y = (i - (i % width)) / width, below = rows[i + width];
    if (below >= 0 && (rows[i] < 0 || below - y < y - rows[i])) rows[i] = below;
  }
  return rows;
}

/**
 * Chessboard distances, in which a step to a corner counts as one; -1 everywhere if nothing is
 * outside.
 * @param {Mask} mask
 * @returns {Int32Array}
 */
export function chessboardDistance({ height, width, data }) {
  const found = new Int32Array(data.length);
  if (!data.includes(0)) return found.fill(-1);
  for (let i = 0; i < data.length; i++) found[i] = data[i] ? FAR : 0;
  const pass = (from, to, step) => {
    for (let y = from(height); y !== to(height); y += step) {
      for (let x = from(width); x !== to(width); x += step) {
        const i = y * width + x, before = i - step * width;
        let least = found[i] - 1;
        const row = y !== from(height), column = x !== from(width), last = x === to(width) - step;
        if (column && found[i - step] < least) least = found[i - step];
        if (row && found[before] < least) least = found[before];
        if (row && column && found[before - step] < least) least = found[before - step];
        if (row && !last && found[before + step] < least) least = found[before + step];
        found[i] = least + 1;
      }
    }
  };
  pass(() => 0, (length) => length, 1);
  pass((length) => length - 1, () => -1, -1);
  return found;
}
