// The list of keys.

import { openDialog } from "./dialog.js";
import { h } from "./dom.js";

const KEYS = {
  Everywhere: [
    ["/ or Ctrl K", "All actions, and search"],
    ["1 2 3", "Images, Map, Run"],
    ["f", "Filters"],
    ["e", "Export"],
    ["Esc", "Close"],
    ["?", "These keys"],
  ],
  "In the grid": [
    ["Arrows, Page Up, Page Down", "Move"],
    ["Enter", "Open the image"],
    ["Space or x", "Pick the image"],
    ["Shift and click", "Pick all up to here"],
  ],
  "In an open image": [
    ["Left, Right", "Previous, next"],
    ["+ - 0", "Larger, smaller, whole picture"],
    ["Shift and arrows", "Move the picture"],
  ],
};

/** Opens the list of keys. */
export function showKeys() {
  const groups = Object.entries(KEYS).map(([title, rows]) => [
    h("h3", {}, title),
    h("dl", { class: "facts keys" }, rows.map(([keys, meaning]) => [h("dt", {}, h("kbd", {}, keys)), h("dd", {}, meaning)]).flat()),
  ]);
  openDialog("Keys", groups.flat());
}
