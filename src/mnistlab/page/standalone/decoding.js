// Decoding: the pixels of a picture's file, as the browser decodes it, and small images as files.

const MOST_PIXELS = 16e6; // of a picture; larger ones are reduced before they are looked at

/**
 * Decode a picture, upright by its EXIF orientation.
 * @param {Blob} file
 * @returns {Promise<ImageData>} RGBA, not premultiplied
 * @throws if the browser cannot decode it
 */
export async function decode(file) {
  const options = {
    imageOrientation: "from-image",
    premultiplyAlpha: "none",
    colorSpaceConversion: "none",
  };
  // Browsers that do not know an option refuse them all.
  const bitmap = await createImageBitmap(file, options).catch(() => createImageBitmap(file));
  try {
    const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
    const width = Math.max(1, Math.floor(bitmap.width * scale));
    const height = Math.max(1, Math.floor(bitmap.height * scale));
    const context = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  } finally {
    bitmap.close();
  }
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
