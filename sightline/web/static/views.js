// Saved views: named addresses, kept in the project for everybody who opens it.

import * as api from "./api.js";
import { openDialog } from "./dialog.js";
import { h, iconButton, replaceKeepingFocus } from "./dom.js";
import * as state from "./state.js";

const present = () => state.address(state.changed(state.read(), { open: null })).slice(state.root.length + 1);

/** Opens the dialog of saved views; `maySave` says whether the visitor may change them. */
export async function open({ maySave }) {
  const list = h("ul", { class: "saved-views" });
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const close = openDialog("Saved views", [maySave ? form(() => draw()) : null, problem, list].filter(Boolean));

  async function attempt(action) {
    problem.hidden = true;
    try {
      await action();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  }

  function form(saved) {
    const name = h("input", { type: "text", name: "name", required: true, maxlength: 80, "aria-label": "Name of the view", placeholder: "Name" });
    const save = (event) => {
      event.preventDefault();
      attempt(async () => {
        await api.saveView(name.value.trim(), present());
        name.value = "";
        await saved();
      });
    };
    return h("form", { class: "form-row", on: { submit: save } }, name, h("button", { class: "button primary" }, "Save this view"));
  }

  async function draw() {
    const { views } = await api.savedViews();
    const items = views.map((view) => item(view, { close, remove: maySave ? () => attempt(() => removed(view)) : null }));
    replaceKeepingFocus(list, ...(items.length ? items : [h("li", { class: "quiet" }, "No view is saved yet.")]));
  }

  async function removed(view) {
    await api.deleteView(view.name);
    await draw();
  }

  await attempt(draw);
}

function item(view, { close, remove }) {
  const target = `${state.root}/${view.state}`;
  return h(
    "li",
    {},
    h("a", { href: target, data: { state: "" }, on: { click: close } }, h("bdi", {}, view.name)),
    remove ? iconButton("close", `Delete ${view.name}`, remove) : null,
  );
}
