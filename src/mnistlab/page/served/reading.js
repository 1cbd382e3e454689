// Reading: what the page asks of the server.

import { models as ask, send } from "./asking_server.js";

export { about } from "./asking_server.js";
export { prepare } from "./picture.js";

let names = [];

export async function models() {
  const told = await ask();
  names = told.found.map((model) => model.name);
  return told;
}

export function read(picture) {
  const query = new URLSearchParams(names.map((name) => ["model", name]));
  query.append("images", "true");
  return send(`api/read?${query}`, picture);
}
