// Colours: of pixels as the browser decodes them, without their transparency, as data/decode.py
// does it.

const WHITE = 255, BLACK = 0, MID_GREY = 128;

/** @typedef {{height: number, width: number, data: Uint8Array}} Colours RGB, three bytes a pixel */

/**
 * Lay pixels on white or black, whichever they stand out from: light strokes on nothing were drawn
 * on something dark.
 * @param {{height: number, width: number, data: Uint8ClampedArray}} pixels RGBA, not premultiplied
 * @returns {Colours}
 */
export function flatten(pixels) {
  const { data } = pixels;
  let alphas = 0, seen = 0;
  for (let i = 0; i < data.length; i += 4) {
    alphas += data[i + 3];
    seen += (data[i] + data[i + 1] + data[i + 2]) * data[i + 3];
  }
  const light = seen > 3 * MID_GREY * alphas && 4 * alphas < MID_GREY * data.length;
  return over(pixels, light ? BLACK : WHITE);
}

/** Lay pixels on a grey ground; white unless it is given. */
export function over({ height, width, data }, ground = WHITE) {
  const flat = new Uint8Array(height * width * 3);
  for (let i = 0, j = 0; i < data.length; i += 4, j += 3) {
    const alpha = data[i + 3];
    for (let c = 0; c < 3; c++)
      flat[j + c] = divide255(data[i + c] * alpha + ground * (255 - alpha));
  }
  return { height, width, data: flat };
}

function divide255(product) {
  const shifted = product + 128;
  return ((shifted >> 8) + shifted) >> 8;
}

/** Greys of RGB colours. */
export function toGrey({ height, width, data }) {
  const grey = new Uint8Array(height * width);
  for (let i = 0, j = 0; i < grey.length; i++, j += 3) {
    grey[i] = (data[j] * 19595 + data[j + 1] * 38470 + data[j + 2] * 7471 + 0x8000) >> 16;
  }
  return { height, width, data: grey };
}
