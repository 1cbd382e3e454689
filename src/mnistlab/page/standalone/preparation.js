// Preparation: a picture made an image of the data set's size and channels, as training did it with
// each.

import { over, toGrey } from "./colours.js";
import { resize, round } from "./scaling.js";

/**
 * Prepare a picture.
 * @param {{height: number, width: number, data: Uint8ClampedArray}} picture RGBA, upright
 * @param {{channels: number, image: [number, number], fit: string}} model what its images are
 * @returns {Uint8Array} row by row, one channel after the other
 * @throws if it is of another size, and the model's `fit` is `none`
 */
export function prepare(picture, { channels, image: [height, width], fit }) {
  if (fit === "none" && (picture.height !== height || picture.width !== width)) {
    const found = `${picture.height}x${picture.width}`, taken = `${height}x${width}`;
    throw new Error(`The picture has ${found} pixels; this model takes ${taken} and no others.`);
  }
  const colours = over(picture), own = channels === 1 ? toGrey(colours) : colours;
  const { scaled, top, left } = place([picture.height, picture.width], [height, width], fit);
  const { data } = resize(own, scaled[1], scaled[0], channels);
  const result = new Uint8Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let y = Math.max(0, top); y < Math.min(height, top + scaled[0]); y++) {
      for (let x = Math.max(0, left); x < Math.min(width, left + scaled[1]); x++) {
        result[(c * height + y) * width + x] =
          data[((y - top) * scaled[1] + x - left) * channels + c];
      }
    }
  }
  return result;
}

/** How an image is brought to a size; see `mnistlab.fit.place`. */
function place([height, width], [rows, columns], fit) {
  let scaled = [height, width];
  if (fit === "resize") {
    scaled = [rows, columns];
  } else if (fit !== "none") {
    const ratios = [rows / height, columns / width];
    const factor = fit === "crop" ? Math.max(...ratios) : Math.min(1, ...ratios);
    if (factor !== 1) scaled = [height, width].map((side) => Math.max(1, round(side * factor)));
  }
  return {
    scaled,
    top: Math.trunc((rows - scaled[0]) / 2),
    left: Math.trunc((columns - scaled[1]) / 2),
  };
}
