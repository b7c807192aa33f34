// The image that the pointer is on, shared between the map and the grid.

const listeners = [];
let last = null;

/** Says that the pointer is on an image, or on none. */
export function hover(id) {
  const next = id ?? null;
  if (next === last) return;
  last = next;
  for (const listener of listeners) listener(next);
}

/** Calls `listener(id or null)` whenever the pointer comes to another image. */
export function onHover(listener) {
  listeners.push(listener);
}
