// Short messages at the edge of the page, read out by screen readers.

import { h, iconButton } from "./dom.js";

const SHOWN_MS = 6000;
const list = h("div", { class: "notices", role: "status", "aria-live": "polite" });

/** Shows a message, and returns a function that takes it away. */
export function notify(text, { problem = false, stays = false, action = null } = {}) {
  if (!list.isConnected) document.body.append(list);
  const notice = h(
    "div",
    { class: problem ? "notice problem" : "notice" },
    h("bdi", {}, text),
    action,
    iconButton("close", "Close the message", () => notice.remove()),
  );
  list.append(notice);
  if (!stays && !problem) setTimeout(() => notice.remove(), SHOWN_MS);
  return () => notice.remove();
}
