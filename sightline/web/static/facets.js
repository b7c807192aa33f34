// The rail of facets: values with counts under the other filters, histograms, dates.

import { h, replaceKeepingFocus } from "./dom.js";
import * as state from "./state.js";
import { count, month, plain, shortCount } from "./words.js";

const FEW = 8;
const SEARCHED = 10;
const OPEN_AT_FIRST = 6;
const open = new Map();
const sought = new Map();
let answer = { facets: [] };

/** Shows the facets of an answer of the server in the rail. */
export function show(rail, facets) {
  answer = facets;
  draw(rail);
}

function draw(rail) {
  const groups = grouped(answer.facets);
  replaceKeepingFocus(rail, dates(), ...groups.map(([title, facets]) => group(title, facets, rail)));
}

function grouped(facets) {
  const groups = new Map();
  for (const facet of facets) {
    const title = facet.task ? plain(facet.task) : "";
    groups.set(title, [...(groups.get(title) ?? []), facet]);
  }
  return [...groups];
}

function group(title, facets, rail) {
  const sections = facets.map((facet) => section(facet, rail));
  if (!title) return h("div", { class: "facet-group" }, sections);
  return h("div", { class: "facet-group" }, h("h2", { class: "facet-task" }, h("bdi", {}, title)), sections);
}

function section(facet, rail) {
  const chosen = facet.values.filter((value) => value.chosen).length;
  const isOpen = open.get(facet.name) ?? (chosen > 0 || opensAtFirst(facet));
  const summary = h(
    "summary",
    { data: { key: `facet:${facet.name}` } },
    h("bdi", {}, facet.title),
    chosen ? h("span", { class: "facet-chosen", "aria-label": `${chosen} chosen` }, String(chosen)) : null,
  );
  const details = h("details", { class: "facet", open: isOpen }, summary);
  details.addEventListener("toggle", () => {
    open.set(facet.name, details.open);
    if (details.open && !details.querySelector(".facet-body")) details.append(body(facet, rail));
  });
  if (isOpen) details.append(body(facet, rail));
  return details;
}

function opensAtFirst(facet) {
  return answer.facets.indexOf(facet) < OPEN_AT_FIRST && facet.values.length > 1;
}

function body(facet, rail) {
  return facet.kind === "text" ? list(facet, rail) : histogram(facet);
}

function list(facet, rail) {
  const text = (sought.get(facet.name) ?? "").toLowerCase();
  const values = facet.values.filter((value) => titleOf(facet, value).toLowerCase().includes(text));
  const all = open.get(`all:${facet.name}`) || Boolean(text);
  const shown = values.filter((value, index) => all || index < FEW || value.chosen);
  const most = Math.max(...facet.values.map((value) => value.count), 1);
  return h(
    "div",
    { class: "facet-body" },
    facet.values.length > SEARCHED ? searchBox(facet, rail) : null,
    h("ul", { class: "facet-values" }, shown.map((value) => valueRow(facet, value, most))),
    values.length > shown.length ? moreButton(facet, values.length - shown.length, rail) : null,
    facet.others ? h("p", { class: "quiet" }, `${count(facet.others)} rarer values are not listed`) : null,
    text && !values.length ? h("p", { class: "quiet" }, "No value has this text") : null,
  );
}

function searchBox(facet, rail) {
  const redraw = (event) => {
    sought.set(facet.name, event.target.value);
    draw(rail);
  };
  return h("input", {
    type: "search",
    class: "facet-search",
    placeholder: `Find in ${count(facet.values.length)} values`,
    "aria-label": `Find a value of ${facet.title}`,
    value: sought.get(facet.name) ?? "",
    data: { key: `search:${facet.name}` },
    on: { input: redraw },
  });
}

function moreButton(facet, number, rail) {
  const more = () => {
    open.set(`all:${facet.name}`, true);
    draw(rail);
  };
  return h("button", { type: "button", class: "link", on: { click: more } }, `Show ${count(number)} more`);
}

function titleOf(facet, value) {
  if (value.value === "") return "None";
  return facet.kind === "month" ? month(value.value) : value.title;
}

function choose(facet, value) {
  state.go(state.changed(state.toggled(state.read(), facet.name, value.value), { open: null }));
}

function valueRow(facet, value, most) {
  const box = h("input", {
    type: "checkbox",
    checked: value.chosen,
    data: { key: `value:${facet.name}:${value.value}` },
    on: { change: () => choose(facet, value) },
  });
  const bar = h("span", { class: "facet-bar", "aria-hidden": "true" });
  bar.style.width = `${(100 * value.count) / most}%`;
  return h(
    "li",
    {},
    h(
      "label",
      { class: "facet-value", title: titleOf(facet, value) },
      box,
      h("bdi", { class: value.value === "" ? "facet-name quiet" : "facet-name" }, titleOf(facet, value)),
      h("span", { class: "facet-count" }, count(value.count)),
      bar,
    ),
  );
}

function histogram(facet) {
  const bins = facet.values.filter((value) => value.value !== "");
  const missing = facet.values.find((value) => value.value === "");
  const most = Math.max(...bins.map((value) => value.count), 1);
  const bars = bins.map((value) => {
    const label = `${titleOf(facet, value)}: ${count(value.count)}`;
    const bar = h("span", { class: "histogram-bar", "aria-hidden": "true" });
    bar.style.height = `${Math.max(value.count ? 4 : 0, (100 * value.count) / most)}%`;
    return h(
      "button",
      {
        type: "button",
        class: "histogram-bin",
        "aria-pressed": String(value.chosen),
        "aria-label": label,
        title: label,
        data: { key: `value:${facet.name}:${value.value}` },
        on: { click: () => choose(facet, value) },
      },
      bar,
    );
  });
  return h(
    "div",
    { class: "facet-body" },
    bins.length ? h("div", { class: "histogram", role: "group", "aria-label": facet.title }, bars) : null,
    bins.length ? ends(facet, bins, most) : null,
    missing ? h("ul", { class: "facet-values" }, valueRow(facet, missing, Math.max(most, missing.count))) : null,
  );
}

function ends(facet, bins, most) {
  const [first, last] = [bins[0], bins[bins.length - 1]].map((bin) => titleOf(facet, bin));
  return h(
    "p",
    { class: "histogram-ends quiet" },
    h("span", {}, first),
    h("span", {}, `up to ${shortCount(most)}`),
    h("span", {}, bins.length > 1 ? last : ""),
  );
}

function dates() {
  const { params } = state.read();
  const field = (name, label) =>
    h(
      "label",
      { class: "date-field" },
      h("span", {}, label),
      h("input", {
        type: "date",
        value: (params.get(name) ?? "").slice(0, 10),
        data: { key: `date:${name}` },
        on: { change: (event) => state.go(state.changed(state.read(), { [name]: event.target.value || null, open: null })) },
      }),
    );
  return h(
    "fieldset",
    { class: "dates" },
    h("legend", {}, "Captured"),
    field("from", "from"),
    field("until", "before"),
  );
}

/** Opens a facet in the rail, and moves the focus to it. */
export function reveal(rail, name) {
  open.set(name, true);
  draw(rail);
  const summary = [...rail.querySelectorAll("summary")].find((element) => element.dataset.key === `facet:${name}`);
  summary?.scrollIntoView({ block: "start" });
  summary?.focus();
}
