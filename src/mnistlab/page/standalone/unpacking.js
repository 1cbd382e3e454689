// Unpacking: the files that the page holds, as they were before page/files.py compressed them.

/**
 * Decompress what a model holds.
 * @param {object} model its bytes are gzip's
 * @returns {Promise<object>} the same with the files' own bytes
 */
export async function unpack(model) {
  const parts = Object.entries(model).map(async ([name, held]) => [
    name,
    held instanceof Uint8Array ? await decompress(name, held) : held,
  ]);
  return Object.fromEntries(await Promise.all(parts));
}

async function decompress(name, bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const whole = new Uint8Array(await new Response(stream).arrayBuffer());
  return name === "core" ? whole : interleave(whole);
}

// Of numbers, the even bytes come first.
function interleave(whole) {
  const half = Math.ceil(whole.length / 2);
  return whole.map((_, i) => whole[i % 2 ? half + (i - 1) / 2 : i / 2]);
}
