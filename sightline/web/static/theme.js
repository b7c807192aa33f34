// Light, dark, or as the system has it; remembered in this browser.

const KEY = "sightline-theme";
const NEXT = { system: "light", light: "dark", dark: "system" };

/** Returns "system", "light" or "dark". */
export function theme() {
  return NEXT[localStorage.getItem(KEY)] ? localStorage.getItem(KEY) : "system";
}

/** Puts the remembered theme on the page. */
export function apply() {
  if (theme() === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme();
  dispatchEvent(new Event("theme"));
}

/** Goes from system to light to dark, and returns the new one. */
export function next() {
  localStorage.setItem(KEY, NEXT[theme()]);
  apply();
  return theme();
}

/** Returns the value of a CSS colour variable in the present theme, as canvases read it. */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
