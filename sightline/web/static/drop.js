// An image that is dropped on the page, pasted or chosen becomes the search.

import * as api from "./api.js";
import { h } from "./dom.js";
import { notify } from "./notice.js";
import * as state from "./state.js";

/** Searches by an image file. */
export async function searchBy(file) {
  if (!file.type.startsWith("image/")) {
    notify(`${file.name || "This"} is no image. Give a JPEG, PNG or WebP.`, { problem: true });
    return;
  }
  const done = notify("Reading the image…", { stays: true });
  try {
    const { image } = await api.uploadQueryImage(file);
    done();
    const current = state.read();
    const view = current.view === "run" ? "images" : current.view;
    state.go(state.searching({ ...current, view }, "image", image));
  } catch (error) {
    done();
    notify(error.message, { problem: true });
  }
}

/** Opens the file chooser. */
export function choose() {
  const input = h("input", { type: "file", accept: "image/*" });
  input.addEventListener("change", () => input.files[0] && searchBy(input.files[0]));
  input.click();
}

const fileOf = (transfer) => [...(transfer?.files ?? [])][0];
const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Lets files be dropped anywhere on the page, and pasted. */
export function listen() {
  const veil = h("div", { class: "drop-veil", hidden: true }, h("p", {}, "Drop the image to search for similar ones"));
  document.body.append(veil);
  document.addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!hasFile(event)) return;
    event.preventDefault();
    if (fileOf(event.dataTransfer)) searchBy(fileOf(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    const file = fileOf(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    searchBy(file);
  });
}
