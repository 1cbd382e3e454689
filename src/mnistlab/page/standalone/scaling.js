// Scaling: Pillow's way to resize a picture by bilinear interpolation, to the bit: fixed-point
// arithmetic.

const BITS = 22; // of the fraction of a weight

/** Round to the nearest whole number, halves to the even one, as Python does. */
export function round(value) {
  const below = Math.floor(value), rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/**
 * Resize an image.
 * @param {{height: number, width: number, data: Uint8Array}} image
 * @param {number} width pixels wanted
 * @param {number} height
 * @param {number} channels numbers a pixel
 */
export function resize(image, width, height, channels = 1) {
  let result = image;
  if (width !== image.width) result = resizeAcross(result, width, channels);
  if (height !== image.height) result = resizeDown(result, height, channels);
  return result;
}

/**
 * Weights along one side: for each pixel wanted, the first pixel before, and the weights from it
 * on.
 */
function weights(before, after) {
  const scale = before / after, reach = Math.max(scale, 1);
  return Array.from({ length: after }, (_, pixel) => {
    const centre = (pixel + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(before, Math.trunc(centre + reach + 0.5));
    const row = new Float64Array(last - first).map((_, i) =>
      Math.max(0, 1 - Math.abs((i + first - centre + 0.5) * (1 / reach))),
    );
    let total = 0;
    for (const weight of row) total += weight;
    return { first, row: row.map((weight) => Math.trunc((weight / total) * (1 << BITS) + 0.5)) };
  });
}

const toByte = (sum) => Math.floor((sum + (1 << (BITS - 1))) / (1 << BITS));

function resizeAcross({ height, width, data }, after, channels) {
  const result = new Uint8Array(height * after * channels), all = weights(width, after);
  for (let y = 0, i = 0; y < height; y++) {
    for (const { first, row } of all) {
      for (let c = 0; c < channels; c++, i++) {
        let sum = 0;
        for (
          let k = 0, j = (y * width + first) * channels + c;
          k < row.length;
          k++, j += channels
        ) {
          sum += data[j] * row[k];
        }
        result[i] = toByte(sum);
      }
    }
  }
  return { height, width: after, data: result };
}

function resizeDown({ height, width, data }, after, channels) {
  const line = width * channels, sums = new Float64Array(line);
  const result = new Uint8Array(after * line);
  weights(height, after).forEach(({ first, row }, y) => {
    sums.fill(0);
    for (let k = 0, j = first * line; k < row.length; k++) {
      const weight = row[k];
      for (let i = 0; i < line; i++, j++) sums[i] += data[j] * weight;
    }
    for (let i = 0; i < line; i++) result[y * line + i] = toByte(sums[i]);
  });
  return { height: after, width, data: result };
}
