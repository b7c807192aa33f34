// What clicks and keys do in the grid: open, pick, and move from image to image.

import * as picks from "./picks.js";

/** Lets a grid answer to the pointer and to keys. */
export function listenTo(grid) {
  grid.space.addEventListener("click", (event) => clicked(grid, event));
  grid.space.addEventListener("keydown", (event) => keyed(grid, event));
}

function clicked(grid, event) {
  const cell = event.target.closest(".card");
  if (!cell) return;
  const index = Number(cell.dataset.index);
  const picksOne = event.target.closest("[data-pick]") || event.ctrlKey || event.metaKey;
  if (event.shiftKey) picks.extend(grid.images.map((image) => image.id), index);
  else if (picksOne) picks.toggle(cell.dataset.id, index);
  else grid.open(cell.dataset.id);
  grid.focus(index);
}

function keyed(grid, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const image = grid.images[grid.at];
  const step = steps(grid)[event.key];
  if (step !== undefined) grid.focus(grid.at + step);
  else if (event.key === "Enter" && image) grid.open(image.id);
  else if ((event.key === " " || event.key === "x") && image) picks.toggle(image.id, grid.at);
  else return;
  event.preventDefault();
}

function steps({ scroller, height, columns, images }) {
  const page = Math.max(1, Math.floor(scroller.clientHeight / height)) * columns;
  return {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -page,
    PageDown: page,
    Home: -images.length,
    End: images.length,
  };
}
