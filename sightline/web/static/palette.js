// The command palette: every action by its name, found by typing.

import { h } from "./dom.js";
import { openDialog } from "./dialog.js";

let isOpen = false;

/** Opens the palette over actions `{title, keys, run}`; words that match none become a search. */
export function open(actions, searchWords) {
  if (isOpen) return;
  isOpen = true;
  let matches = [];
  let at = 0;
  const input = h("input", {
    type: "text",
    class: "palette-input",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    "aria-label": "Search for images, or type the name of an action",
    placeholder: "Search for images, or an action",
    autocomplete: "off",
    spellcheck: "false",
  });
  const list = h("ul", { id: "palette-list", class: "palette-list", role: "listbox", "aria-label": "Actions" });
  const close = openDialog("Actions", [input, list], { className: "palette" });
  input.closest("dialog").addEventListener("close", () => {
    isOpen = false;
  });

  const choose = (action) => {
    close();
    action.run();
  };

  const draw = () => {
    const words = input.value.trim();
    const search = { title: `Search images for “${words}”`, run: () => searchWords(words) };
    const named = actions.filter((action) => fits(action.title, words));
    matches = words ? [...(named.length ? named : []), search] : named;
    at = Math.min(at, matches.length - 1);
    list.replaceChildren(...matches.map((action, index) => row(action, index, index === at, () => choose(action))));
    input.setAttribute("aria-activedescendant", `palette-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };

  input.addEventListener("input", () => {
    at = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) at = (at + step + matches.length) % matches.length;
    else if (event.key === "Enter" && matches[at]) choose(matches[at]);
    else return;
    event.preventDefault();
    draw();
  });
  input.focus();
  draw();
}

function fits(title, words) {
  const inTitle = title.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => inTitle.includes(word));
}

function row(action, index, isAt, onclick) {
  return h(
    "li",
    { id: `palette-${index}`, role: "option", "aria-selected": String(isAt), class: "palette-row", on: { click: onclick } },
    h("bdi", {}, action.title),
    action.keys ? h("kbd", {}, action.keys) : null,
  );
}
