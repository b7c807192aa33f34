// The open image: a modal with the picture, what is recorded about it, and its neighbours.

import * as api from "./api.js";
import { neighbourStrips, panel } from "./details.js";
import { h, iconButton } from "./dom.js";
import * as state from "./state.js";
import { plain } from "./words.js";
import { ZoomStage } from "./zoom.js";

/** A lightbox over the images of a grid. */
export class Lightbox {
  constructor(grid, { role }) {
    this.grid = grid;
    this.mayReplay = role === "owner";
    this.stage = new ZoomStage();
    this.facts = h("div", { class: "lightbox-facts" });
    this.beside = h("div", { class: "lightbox-beside" });
    this.licence = h("p", { class: "stage-licence", hidden: true }, "Imagery © Google");
    this.stage.element.append(this.licence);
    this.dialog = h(
      "dialog",
      { class: "lightbox", "aria-label": "Image" },
      h("div", { class: "lightbox-stage" }, this.stage.element, this.tools()),
      h("div", { class: "lightbox-panel", tabindex: "0", role: "region", "aria-label": "About the image" }, this.facts, this.beside),
    );
    document.body.append(this.dialog);
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      state.closeOpened();
    });
    this.dialog.addEventListener("keydown", (event) => this.keyed(event));
    this.stage.picture.addEventListener("error", () => this.explain());
  }

  tools() {
    return h(
      "div",
      { class: "stage-tools", role: "toolbar", "aria-label": "Picture" },
      iconButton("left", "Previous image (left arrow)", () => this.step(-1)),
      iconButton("right", "Next image (right arrow)", () => this.step(1)),
      iconButton("minus", "Smaller (-)", this.stage.smaller),
      iconButton("plus", "Larger (+)", this.stage.larger),
      iconButton("fit", "Whole picture (0)", () => this.stage.fit()),
      iconButton("close", "Close (Esc)", () => state.closeOpened(), { class: "stage-close" }),
    );
  }

  /** Shows the open image of a state, or nothing. */
  async show(current) {
    const id = current.params.get("open");
    if (!id) {
      this.hide();
      return;
    }
    if (!this.dialog.open) this.dialog.showModal();
    if (id === this.id) return;
    this.id = id;
    this.loading?.abort();
    this.loading = new AbortController();
    this.stage.say("Loading…");
    this.beside.replaceChildren();
    await this.load(id, this.loading.signal);
  }

  hide() {
    if (!this.dialog.open) return;
    this.loading?.abort();
    this.dialog.close();
    this.stage.picture.removeAttribute("src");
    this.grid.returnTo(this.id);
    this.id = null;
  }

  async load(id, signal) {
    try {
      const image = await api.details(id, signal);
      this.image = image;
      this.licence.hidden = !image.licensed;
      const size = image.width ? [image.width, image.height] : null;
      this.stage.show(api.picture(id), { alt: plain(image.asset_type ?? "image"), box: image.bbox, size });
      this.draw();
      const near = await api.neighbours(id, signal);
      this.beside.replaceChildren(...neighbourStrips(near, image));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.stage.failed(error.message);
      if (this.image?.id !== id) this.facts.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    }
  }

  draw() {
    const onReplayed = () => this.grid.refresh();
    this.facts.replaceChildren(...panel(this.image, { mayReplay: this.mayReplay, onReplayed }));
  }

  async explain() {
    const id = this.id;
    if (!id || !this.stage.picture.hasAttribute("src")) return;
    const problem = await api.problemOf(api.picture(id));
    if (this.id === id) this.stage.failed(problem || "The picture cannot be shown. Open the image again.");
  }

  step(steps) {
    const id = this.grid.beside(this.id, steps);
    if (id) state.go(state.changed(state.read(), { open: id }), { replace: true });
  }

  keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.stage.keyed(event)) event.preventDefault();
    else if (event.target.closest(".lightbox-panel") && /^Arrow(Up|Down)$/.test(event.key)) return;
    else if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
  }
}
