// Decoding: the pixels of a picture's file, as the browser decodes it, and small images as files.

const MOST_PIXELS = 1 << 24; // of a picture; larger ones are reduced before they are looked at
const JPEG = [0xff, 0xd8, 0xff], MOST_HALVINGS = 3;

/**
 * Decode a picture, upright by its EXIF orientation.
 * @param {Blob} file
 * @param {number} longest pixels of the longer side; the sides of a JPEG are halved as long as
 *   there are more left, as Pillow's `draft` does
 * @returns {Promise<{width: number, height: number, data: Uint8ClampedArray, size: [number,
 *   number]}>} RGBA, not premultiplied, perhaps reduced; and width and height of the picture itself
 * @throws if the browser cannot decode it
 */
export async function decode(file, longest = Infinity) {
  const options = {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  };
  // Browsers that do not know an option refuse them all.
  const bitmap = await createImageBitmap(file, options).catch(() => createImageBitmap(file));
  try {
    const size = [bitmap.width, bitmap.height];
    const [width, height] = await reduced(size, file, longest);
    const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    return { width, height, data: context.getImageData(0, 0, width, height).data, size };
  } finally {
    bitmap.close();
  }
}

async function reduced(size, file, longest) {
  const head = new Uint8Array(await file.slice(0, JPEG.length).arrayBuffer());
  const halvings = Math.floor(Math.log2(Math.max(...size) / longest));
  if (halvings > 0 && JPEG.every((byte, i) => head[i] === byte)) {
    return size.map((side) => Math.ceil(side / 2 ** Math.min(halvings, MOST_HALVINGS)));
  }
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (size[0] * size[1])));
  return size.map((side) => Math.max(1, Math.floor(side * scale)));
}

/**
 * Make a PNG file, in base64.
 * @param {{height: number, width: number, data: Uint8Array}} image one byte a pixel if grey, or
 *   three planes
 */
export function encode({ height, width, data }) {
  const canvas = canvasOf(width, height), image = new ImageData(width, height);
  const area = height * width;
  const at = data.length === area ? [0, 0, 0] : [0, area, 2 * area];
  for (let i = 0; i < area; i++)
    image.data.set([...at.map((start) => data[start + i]), 255], 4 * i);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}
