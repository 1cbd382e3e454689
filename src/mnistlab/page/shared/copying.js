// Copying: texts onto the clipboard.

// Tells whether it is there now.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

// Browsers give the clipboard to no page that came over plain http, but they let a user's own
// gesture copy what is selected.
function copyByHand(text) {
  const held = document.activeElement;
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  held?.focus();
  return done;
}
