// Elements: making parts of a page.

export const element = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

export function percent(share) {
  if (share > 0.9995) return share === 1 ? "100 %" : ">99.9 %";
  return share < 0.0005 ? "0 %" : `${(100 * share).toFixed(1)} %`;
}

export function complain(message) {
  element("trouble").hidden = !message;
  if (element("trouble").textContent !== message) element("trouble").textContent = message;
}
