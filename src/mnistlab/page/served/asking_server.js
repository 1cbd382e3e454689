// Asking the server: requests, and what their failures mean.

const UNREACHED = 3000; // milliseconds until the next try when the server cannot be reached

// Returns { found, trouble }: the models, the default one first, each with its name and what is
// known about it.
export async function models() {
  try {
    return { found: await (await fetch("api/models")).json() };
  } catch {
    return { found: [], trouble: "The server cannot be reached. Reload the page to try again." };
  }
}

// Returns { answer }, or { trouble, again }: what is wrong, and after how many milliseconds to try
// again, if it helps.
export async function send(address, picture) {
  let response, answer;
  try {
    response = await fetch(address, { method: "POST", body: picture });
    answer = await response.json();
  } catch {
    return { trouble: "The server cannot be reached. Trying again…", again: UNREACHED };
  }
  if (response.status === 503) {
    const again = 1000 * (Number(response.headers.get("Retry-After")) || 1);
    return { trouble: "The server is busy. Trying again…", again };
  }
  return response.ok ? { answer } : { trouble: answer.error };
}

// What the page says at its end.
export function about() {
  const link = Object.assign(document.createElement("a"), { href: "docs", textContent: "the API" });
  return ["Nothing leaves this server. For programs: ", link];
}
