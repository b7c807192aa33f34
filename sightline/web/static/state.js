// The address bar is the state of the page: the path is the view, the query everything else.

export const root = document.querySelector("meta[name=root]").content;
export const VIEWS = ["images", "map", "run"];
const RANKED = ["q", "like", "image"];
const NOT_SELECTING = new Set(["open", "sort"]);

const listeners = [];

/** Returns the state that an address stands for. */
export function read(address = location) {
  const name = address.pathname.slice(root.length).split("/").filter(Boolean)[0];
  return {
    view: VIEWS.includes(name) ? name : VIEWS[0],
    params: new URLSearchParams(address.search),
  };
}

/** Returns the address of a state, with commas and colons as people write them. */
export function address({ view, params }) {
  const query = params.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%3B", ";");
  return `${root}/${view}${query ? `?${query}` : ""}`;
}

/** Returns a state with other parameters: a text, a list of texts, or null for none. */
export function changed(state, changes) {
  const params = new URLSearchParams(state.params);
  for (const [name, value] of Object.entries(changes)) {
    params.delete(name);
    const values = Array.isArray(value) ? value : value === null ? [] : [value];
    for (const text of values) params.append(name, text);
  }
  return { view: state.view, params };
}

/** Returns the same selection in another view. */
export function inView(state, view) {
  return changed({ view, params: state.params }, { open: null });
}

/** Returns a state that searches by one thing, which replaces any other search. */
export function searching(state, name, value) {
  const none = Object.fromEntries(RANKED.map((other) => [other, null]));
  return changed(state, { ...none, open: null, ...(value ? { [name]: value } : {}) });
}

/** Returns a state with a value of a facet added, or removed if it was there. */
export function toggled(state, facet, value) {
  const name = `f.${facet}`;
  const values = state.params.getAll(name);
  const others = values.filter((other) => other !== value);
  return changed(state, { [name]: others.length < values.length ? others : [...values, value] });
}

/** Returns a state without any filter and search, in the same view. */
export function cleared(state) {
  const sort = state.params.get("sort");
  return { view: state.view, params: new URLSearchParams(sort ? { sort } : {}) };
}

/** Returns the query of the selection alone: two states with the same one show the same images. */
export function selection(state, { sorted = false } = {}) {
  const kept = [...state.params].filter(
    ([name]) => !NOT_SELECTING.has(name) || (sorted && name === "sort"),
  );
  return new URLSearchParams(kept).toString();
}

/** Whether images are ranked by a search rather than sorted. */
export function isRanked(state) {
  return RANKED.some((name) => state.params.has(name));
}

/** Calls `listener(state)` after each change of the state. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Goes to a state: a new entry of the history, or in place of the present one. */
export function go(state, { replace = false } = {}) {
  const to = address(state);
  if (to === address(read())) return;
  const opens = state.params.has("open") && (!replace || Boolean(history.state?.opened));
  if (replace) history.replaceState({ opened: opens }, "", to);
  else history.pushState({ opened: opens && !read().params.has("open") }, "", to);
  tell();
}

/** Closes the open image: goes back if it was opened from here, so that Back does not open it. */
export function closeOpened() {
  if (history.state?.opened) history.back();
  else go(changed(read(), { open: null }), { replace: true });
}

/** Tells all listeners the present state. */
export function tell() {
  const state = read();
  for (const listener of listeners) listener(state);
}

addEventListener("popstate", tell);

/** Lets links with `data-state` change the state instead of loading a page. */
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-state]");
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go(read(new URL(link.href)));
});
