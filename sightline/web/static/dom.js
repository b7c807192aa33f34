// Builds elements: text enters the page as text nodes only, never as markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  search: "M10.5 4a6.5 6.5 0 1 0 4 11.6L20 21M10.5 4a6.5 6.5 0 0 1 5 10.6",
  close: "M6 6l12 12M18 6L6 18",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  down: "M6 9l6 6 6-6",
  filter: "M4 6h16M7 12h10M10 18h4",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  map: "M9 4L3 6.5v13L9 17l6 3 6-2.5v-13L15 7zM9 4v13M15 7v13",
  run: "M3 12h4l3-8 4 16 3-8h4",
  export: "M12 3v12M7 10l5 5 5-5M4 20h16",
  saved: "M6 4h12v17l-6-4-6 4z",
  theme: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  command: "M5 7l5 5-5 5M12 18h7",
  similar: "M4 4h9v9H4zM11 16v4h9v-9h-4",
  warning: "M12 4L2.5 20h19zM12 10v4.5M12 17.5h.01",
  lasso: "M7 16c-3-1-4-3-4-5 0-4 4-7 9-7s9 3 9 7-4 7-9 7c-2 0-4 0-5-1zm0 0a2 2 0 1 0 1 3c0 1 0 2-1 3",
  check: "M5 12.5l4.5 4.5L19 7.5",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  replay: "M4 12a8 8 0 1 0 3-6.2M4 4v4h4",
};

/**
 * Returns an element. `properties` are attributes, except `on` (listeners by event), `data`
 * (data attributes) and `style` (CSS properties, which a content security policy lets scripts set).
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") listen(element, value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") setStyle(element, value);
    else if (name === "value" || name === "checked") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function listen(element, listeners) {
  for (const [event, listener] of Object.entries(listeners)) {
    element.addEventListener(event, listener);
  }
}

function setStyle(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
}

/** Returns a line icon, hidden from screen readers. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/** Returns a button with an icon, whose name is its label and its tooltip. */
export function iconButton(name, label, onclick, properties = {}) {
  const classes = `button icon-button ${properties.class ?? ""}`.trim();
  const attributes = { type: "button", "aria-label": label, title: label, ...properties };
  return h("button", { ...attributes, class: classes, on: { click: onclick } }, icon(name));
}

/** Replaces the children, and gives the focus back to the element with the same `data-key`. */
export function replaceKeepingFocus(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.dataset.key;
  const scrolled = parent.scrollTop;
  parent.replaceChildren(...children);
  parent.scrollTop = scrolled;
  if (key) find(parent, key)?.focus({ preventScroll: true });
}

function find(parent, key) {
  return [...parent.querySelectorAll("[data-key]")].find((element) => element.dataset.key === key);
}

/** Returns a function that calls `action` once nothing has called it for `delay` milliseconds. */
export function debounced(action, delay) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...values), delay);
  };
}
