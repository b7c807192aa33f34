// The filters and the search in force, as chips, each of which can be taken away.

import * as api from "./api.js";
import { h, icon, replaceKeepingFocus } from "./dom.js";
import * as state from "./state.js";
import { count, day, month, plain } from "./words.js";

/** Shows a chip for each filter; `facets` gives names and values their titles. */
export function show(element, current, facets) {
  const chips = [...current.params].map(([name, value]) => chip(current, name, value, facets)).filter(Boolean);
  const clear = () => state.go(state.cleared(state.read()));
  element.hidden = chips.length === 0;
  replaceKeepingFocus(
    element,
    ...chips,
    chips.length > 1
      ? h("button", { type: "button", class: "link", data: { key: "clear" }, on: { click: clear } }, "Clear all")
      : "",
  );
}

function chip(current, name, value, facets) {
  const content = words(name, value, facets);
  if (!content) return null;
  const [label, text, picture] = content;
  const others = current.params.getAll(name).filter((other) => other !== value);
  const remove = () => state.go(state.changed(state.read(), { [name]: others, open: null }));
  return h(
    "span",
    { class: "chip", title: `${label}: ${text}` },
    picture ? h("img", { src: picture, alt: "", class: "chip-picture" }) : null,
    h("span", { class: "chip-label quiet" }, h("bdi", {}, label)),
    text ? h("bdi", { class: "chip-text" }, text) : null,
    h(
      "button",
      { type: "button", "aria-label": `Remove ${label}: ${text}`, data: { key: `chip:${name}:${value}` }, on: { click: remove } },
      icon("close"),
    ),
  );
}

function words(name, value, facets) {
  const fixed = {
    q: () => ["Search", `“${value}”`],
    like: () => ["Like this image", "", api.thumbnail(value, 64)],
    image: () => ["Like your image", ""],
    type: () => ["Type", plain(value)],
    from: () => ["Captured from", day(value) || value],
    until: () => ["Captured before", day(value) || value],
    box: () => ["Place", "in a rectangle"],
    near: () => ["Place", `within ${value.split(",")[2]} m of ${value.split(",").slice(0, 2).join(", ")}`],
    poly: () => ["Place", "in a drawn outline"],
    ids: () => ["Picked", count(value.split(",").length)],
  };
  if (Object.hasOwn(fixed, name)) return fixed[name]();
  if (!name.startsWith("f.")) return null;
  const facet = facets.find((other) => other.name === name.slice(2));
  const title = facet?.values.find((other) => other.value === value)?.title;
  return [facet?.title ?? plain(name.slice(2)), textOf(facet, value, title)];
}

function textOf(facet, value, title) {
  if (value === "") return "none";
  return facet?.kind === "month" ? month(value) : (title ?? plain(value));
}
