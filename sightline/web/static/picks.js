// Images picked by hand; "show only these" makes them the selection.

import { h } from "./dom.js";
import * as state from "./state.js";
import { images } from "./words.js";

const picked = new Set();
const listeners = [];
let anchor = 0;

export const has = (id) => picked.has(id);

export function onChange(listener) {
  listeners.push(listener);
}

function tell() {
  for (const listener of listeners) listener();
}

/** Picks an image, or drops it; later ranges begin here. */
export function toggle(id, index) {
  if (!picked.delete(id)) picked.add(id);
  anchor = index;
  tell();
}

/** Picks all images between the last one picked and this one. */
export function extend(ids, index) {
  for (const id of ids.slice(Math.min(anchor, index), Math.max(anchor, index) + 1)) picked.add(id);
  tell();
}

export function clear() {
  picked.clear();
  tell();
}

/** Makes the picked images the selection. */
export function showOnly() {
  if (picked.size) state.go(state.changed(state.cleared(state.read()), { ids: [...picked].join(",") }));
  clear();
}

/** Keeps a bar with the number of picked images, and what can be done with them. */
export function bar(element) {
  onChange(() => {
    element.hidden = picked.size === 0;
    element.replaceChildren(
      h("span", { role: "status" }, `${images(picked.size)} picked`),
      h("button", { type: "button", class: "button primary", on: { click: showOnly } }, "Show only these"),
      h("button", { type: "button", class: "button", on: { click: clear } }, "Clear"),
    );
  });
}
