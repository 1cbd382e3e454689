// Picture: a file that someone chose, dropped, pasted or photographed, made small enough to send.

// Pixels; what is larger is reduced here, so that a phone's photo can be sent.
const LONGEST_SIDE = 2000;
const LARGEST_FILE = 4e6; // bytes; what is larger is written anew
const KEEPS_TRANSPARENCY = ["image/png", "image/webp", "image/gif"];

// Returns what to send: the file itself, or a smaller picture. What the browser cannot decode is
// left to the server.
export async function prepare(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  try {
    const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
    if (scale === 1 && file.size <= LARGEST_FILE) return file;
    return (await rewrite(bitmap, scale, file.type)) ?? file;
  } finally {
    bitmap.close();
  }
}

async function rewrite(bitmap, scale, type) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const encode = (kind) => new Promise((resolve) => canvas.toBlob(resolve, kind, 0.92));
  const lossless = KEEPS_TRANSPARENCY.includes(type) ? await encode("image/png") : null;
  return lossless && lossless.size <= LARGEST_FILE ? lossless : encode("image/jpeg");
}
