// Unpacking: the files that the page holds, as they were before page/files.py compressed them.

/**
 * Decompress what a model holds.
 * @param {object} model its bytes are gzip's
 * @returns {Promise<object>} the same with the files' own bytes
 */
export async function unpack(model) {
  const parts = Object.entries(model).map(async ([name, held]) => [
    name,
    held instanceof Uint8Array ? await decompress(held) : held,
  ]);
  return Object.fromEntries(await Promise.all(parts));
}

async function decompress(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
