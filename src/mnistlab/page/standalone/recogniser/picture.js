// Picture: decoded pixels as colours one can look at: opaque, of a size to work with.

import { clamp, round } from "./numbers.js";
import { BICUBIC, BOX, resize } from "./scaling.js";

export const WORKING_SIDE = 1280;
export const SMALLEST_SIDE = 112;
const HIGHEST_ENLARGEMENT = 8;
const MID_GREY = 128;

/** @typedef {{height: number, width: number, data: Uint8Array}} Colours RGB, three bytes a pixel */

/**
 * @typedef {object} Picture
 * @property {Colours} colours
 * @property {[number, number]} size width and height of the picture itself
 * @property {number} scale pixels of `colours` for one pixel of the picture
 */

/**
 * Bring pixels to a size to work with; transparency is laid on what the ink stands out from.
 * @param {{height: number, width: number, data: Uint8Array|Uint8ClampedArray}} pixels RGBA,
 *   upright, not premultiplied
 * @returns {Picture}
 */
export function openPicture(pixels) {
  const { width, height } = pixels, flat = flatten(pixels);
  let factor = Math.min(1, WORKING_SIDE / Math.max(flat.width, flat.height));
  const shorter = Math.min(flat.width, flat.height), longer = Math.max(flat.width, flat.height);
  if (factor === 1 && shorter < SMALLEST_SIDE) {
    factor = Math.min(SMALLEST_SIDE / shorter, HIGHEST_ENLARGEMENT, WORKING_SIDE / longer);
  }
  const newWidth = Math.max(1, round(flat.width * factor));
  const newHeight = Math.max(1, round(flat.height * factor));
  const colours = resize(flat, newWidth, newHeight, factor < 1 ? BOX : BICUBIC, 3);
  return { colours, size: [width, height], scale: colours.width / width };
}

/** @returns {Colours} */
function flatten({ height, width, data }) {
  let alphas = 0, seen = 0;
  for (let i = 0; i < data.length; i += 4) alphas += data[i + 3];
  const pixels = width * height;
  if (alphas === 255 * pixels) return over({ height, width, data }, 255);
  const overlay = thumbnail({ height, width, data });
  alphas = 0;
  for (let i = 0; i < overlay.data.length; i += 4) {
    const [red, green, blue, alpha] = overlay.data.subarray(i, i + 4);
    alphas += alpha;
    seen += ((red + green + blue) / 3) * alpha;
  }
  // Light strokes on nothing were drawn on something dark.
  const light =
    alphas && seen / alphas > MID_GREY && alphas / (overlay.width * overlay.height) < MID_GREY;
  return over(overlay, light ? 0 : 255);
}

/** Reduce colours weighted by how opaque they are. */
function thumbnail(image) {
  const factor = WORKING_SIDE / Math.max(image.width, image.height);
  if (factor >= 1) return image;
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < data.length; i += 4) {
    const alpha = (data[i + 3] = image.data[i + 3]);
    for (let c = 0; c < 3; c++) data[i + c] = divide255(image.data[i + c] * alpha);
  }
  const size = [image.width, image.height].map((side) => Math.max(1, round(side * factor)));
  const small = resize({ ...image, data }, ...size, BOX, 4);
  for (let i = 0; i < small.data.length; i += 4) {
    const alpha = small.data[i + 3];
    for (let c = 0; alpha && c < 3; c++)
      small.data[i + c] = clamp(Math.trunc((255 * small.data[i + c]) / alpha), 0, 255);
  }
  return small;
}

function divide255(product) {
  const shifted = product + 128;
  return ((shifted >> 8) + shifted) >> 8;
}

/** Lay colours on a grey ground. */
export function over({ height, width, data }, ground) {
  const flat = new Uint8Array(height * width * 3);
  for (let i = 0, j = 0; i < data.length; i += 4, j += 3) {
    const alpha = data[i + 3];
    for (let c = 0; c < 3; c++)
      flat[j + c] = divide255(data[i + c] * alpha + ground * (255 - alpha));
  }
  return { height, width, data: flat };
}
