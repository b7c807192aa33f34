// Modal dialogs with a title, which close by Esc, their button, or a click beside them.

import { h, iconButton } from "./dom.js";

/** Opens a dialog, which removes itself when it is closed; returns a function that closes it. */
export function openDialog(title, content, { className = "" } = {}) {
  const dialog = h(
    "dialog",
    { class: `dialog ${className}`.trim(), "aria-label": title },
    h("header", { class: "dialog-head" }, h("h2", {}, title), iconButton("close", "Close (Esc)", () => dialog.close())),
    h("div", { class: "dialog-body" }, content),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}
