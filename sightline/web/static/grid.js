// The virtual grid: rows of one height, of which only those in sight exist; pages by key.

import * as api from "./api.js";
import { card } from "./cards.js";
import { h } from "./dom.js";
import { listenTo } from "./grid_input.js";
import { hover, onHover } from "./hover.js";
import * as picks from "./picks.js";
import * as state from "./state.js";

const PAGE = 60;
const SPARE_ROWS = 2;
const PRINTED = { columns: 4, images: 120 };
const GAP = 12;
const CAPTION = 86;
const NARROW = { card: 236, caption: 106 };

/** A grid of the selected images in a scrolling element. */
export class Grid {
  constructor(scroller, { onCount, onPage }) {
    this.scroller = scroller;
    this.space = h("div", { class: "grid-space", role: "grid", "aria-label": "Images", "aria-multiselectable": "true" });
    this.message = h("div", { class: "grid-message", role: "status" });
    scroller.replaceChildren(this.space, this.message);
    this.onCount = onCount;
    this.onPage = onPage;
    this.reset();
    scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.lay()).observe(scroller);
    listenTo(this);
    this.space.addEventListener("pointerover", (event) => hover(event.target.closest(".card")?.dataset.id));
    this.space.addEventListener("pointerleave", () => hover(null));
    this.space.addEventListener("focusin", (event) => {
      const focused = event.target.closest(".card");
      if (focused) this.at = Number(focused.dataset.index);
    });
    onHover((id) => this.mark(id));
    picks.onChange(() => this.redraw());
    addEventListener("beforeprint", () => this.forPaper(true));
    addEventListener("afterprint", () => this.forPaper(false));
  }

  reset() {
    this.loading?.abort();
    this.images = [];
    this.next = undefined;
    this.rows = new Map();
    this.at = 0;
    this.space.replaceChildren();
  }

  /** Shows the images of a state from the first on, unless they are shown already. */
  async show(current) {
    const query = state.selection(current, { sorted: true });
    if (query === this.query) return;
    this.query = query;
    this.reset();
    this.scroller.scrollTop = 0;
    this.say("Loading…");
    await this.load();
  }

  /** Asks for the first images again, since what is known about them may have changed. */
  async refresh() {
    const query = this.query;
    const page = await api.images(query, { size: PAGE });
    if (query !== this.query) return;
    this.loading?.abort();
    this.loading = null;
    [this.images, this.next] = [page.images, page.next];
    this.sayHowMany();
    this.onPage(page);
    this.redraw();
  }

  async load() {
    if (this.next === null || (this.loading && !this.loading.signal.aborted)) return;
    const loading = new AbortController();
    this.loading = loading;
    try {
      const page = await api.images(this.query, { after: this.next, size: PAGE, signal: loading.signal });
      if (loading.signal.aborted) return;
      this.images.push(...page.images);
      this.next = page.next;
      this.onPage(page);
      this.sayHowMany();
      this.loading = null;
      this.lay();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.loading = null;
      this.failed(error);
    }
  }

  sayHowMany() {
    const isFiltered = Boolean(this.query.replace(/^sort=\w+$/, ""));
    const none = isFiltered
      ? "No image matches. Remove a filter, or search for other words."
      : "No images yet. `sightline import` and `sightline enqueue` bring them in.";
    this.say(this.images.length ? "" : none);
  }

  say(text) {
    this.message.replaceChildren(text ? h("p", {}, text) : "");
  }

  failed(error) {
    const again = () => {
      this.say("Loading…");
      this.load();
    };
    this.message.replaceChildren(
      h("p", { class: "problem", role: "alert" }, h("bdi", {}, error.message)),
      h("button", { type: "button", class: "button", on: { click: again } }, "Try again"),
    );
  }

  /** Computes the columns and the height of a row from the width, and draws. */
  lay() {
    const width = this.scroller.clientWidth - 2 * GAP;
    if (width <= 0) return;
    const least = width < 520 ? 150 : 220;
    const fitting = Math.floor((width + GAP) / (least + GAP));
    this.columns = this.printing ? PRINTED.columns : Math.max(1, fitting);
    const card = (width + GAP) / this.columns - GAP;
    const caption = card < NARROW.card ? NARROW.caption : CAPTION;
    this.height = Math.round((card * 3) / 4) + caption + GAP;
    this.space.style.setProperty("--caption", `${caption - 2}px`);
    this.redraw();
  }

  forPaper(printing) {
    this.printing = printing;
    this.lay();
  }

  /** Prints the first images, once their pictures are there. */
  async print() {
    this.forPaper(true);
    const pictures = [...this.space.querySelectorAll("img")];
    await Promise.allSettled(pictures.map((picture) => picture.decode()));
    print();
  }

  redraw() {
    const focused = this.space.contains(document.activeElement);
    this.space.replaceChildren();
    this.rows.clear();
    this.draw();
    if (focused) this.focus(this.at);
  }

  draw() {
    if (!this.columns) return;
    const rows = Math.ceil(this.images.length / this.columns);
    this.space.style.height = this.printing ? "auto" : `${rows * this.height + GAP}px`;
    this.space.style.setProperty("--columns", this.columns);
    this.space.style.setProperty("--row-height", `${this.height - GAP}px`);
    this.space.setAttribute("aria-rowcount", this.next === null ? rows : -1);
    let first = Math.max(0, Math.floor(this.scroller.scrollTop / this.height) - SPARE_ROWS);
    let last = Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / this.height) + SPARE_ROWS;
    if (this.printing) [first, last] = [0, PRINTED.images / PRINTED.columns];
    last = Math.min(last, rows);
    for (const [index, row] of this.rows) {
      const kept = (index >= first && index < last) || row.contains(document.activeElement);
      if (!kept) this.drop(index, row);
    }
    for (let index = first; index < last; index += 1) if (!this.rows.has(index)) this.add(index);
    this.tabStop();
    if (last >= rows - 2 && this.images.length) this.load();
  }

  drop(index, row) {
    for (const picture of row.querySelectorAll("img")) picture.removeAttribute("src");
    row.remove();
    this.rows.delete(index);
  }

  add(index) {
    const start = index * this.columns;
    const cells = this.images
      .slice(start, start + this.columns)
      .map((image, offset) => card(image, { index: start + offset, picked: picks.has(image.id) }));
    const row = h("div", { class: "grid-row", role: "row", "aria-rowindex": index + 1 }, cells);
    row.style.transform = `translateY(${index * this.height + GAP}px)`;
    this.rows.set(index, row);
    const after = [...this.rows.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    this.space.insertBefore(row, after === undefined ? null : this.rows.get(after));
  }

  tabStop() {
    for (const cell of this.space.querySelectorAll(".card")) cell.tabIndex = -1;
    const stop = this.cell(this.at) ?? this.space.querySelector(".card");
    if (stop) stop.tabIndex = 0;
  }

  cell(index) {
    return this.space.querySelector(`.card[data-index="${index}"]`);
  }

  mark(id) {
    for (const cell of this.space.querySelectorAll(".card")) {
      cell.classList.toggle("hovered", cell.dataset.id === id);
    }
  }

  open(id) {
    state.go(state.changed(state.read(), { open: id }));
  }

  /** Moves the focus to an image, and it into sight. */
  focus(index) {
    if (!this.images.length) return;
    this.at = Math.min(Math.max(index, 0), this.images.length - 1);
    const top = Math.floor(this.at / this.columns) * this.height;
    const bottom = top + this.height + GAP;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    const below = bottom - this.scroller.clientHeight;
    if (below > this.scroller.scrollTop) this.scroller.scrollTop = below;
    this.draw();
    this.cell(this.at)?.focus({ preventScroll: true });
    this.tabStop();
  }

  /** Returns the id of the image some steps from another, if it is loaded. */
  beside(id, steps) {
    const index = this.images.findIndex((image) => image.id === id);
    if (index + steps >= this.images.length - 1) this.load();
    return index < 0 ? undefined : this.images[index + steps]?.id;
  }

  /** Gives the focus to an image that was looked at. */
  returnTo(id) {
    const index = this.images.findIndex((image) => image.id === id);
    this.focus(index < 0 ? this.at : index);
  }
}
