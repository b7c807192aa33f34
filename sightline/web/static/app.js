// The page: builds its frame once, and shows each state of the address bar in it.

import { actions } from "./actions.js";
import * as api from "./api.js";
import * as drop from "./drop.js";
import { h, icon, iconButton } from "./dom.js";
import * as exporting from "./export.js";
import * as facets from "./facets.js";
import * as filters from "./filters.js";
import { Grid } from "./grid.js";
import { showKeys } from "./keys.js";
import { Lightbox } from "./lightbox.js";
import { MapView } from "./map.js";
import { notify } from "./notice.js";
import * as palette from "./palette.js";
import * as picks from "./picks.js";
import { RunView } from "./run.js";
import * as state from "./state.js";
import * as themes from "./theme.js";
import * as views from "./views.js";
import { count, images } from "./words.js";

const TITLES = { images: "Images", map: "Map", run: "Run" };
const REFRESH_MS = 3000;
const SORTS = { newest: "Newest first", oldest: "Oldest first", asset: "By asset" };

class Page {
  constructor(me) {
    this.me = me;
    this.total = null;
    this.facets = [];
    this.maySave = me.role !== "viewer";
    this.build();
    this.grid = new Grid(this.gridArea, { onPage: (page) => this.paged(page) });
    this.map = new MapView(this.mapArea, { tiles: me.tiles });
    this.run = new RunView(this.runArea);
    this.lightbox = new Lightbox(this.grid, me);
    picks.bar(this.pickBar);
    drop.listen();
    document.addEventListener("keydown", (event) => this.keyed(event));
    state.onChange((current) => this.show(current));
  }

  build() {
    this.search = h("input", { type: "search", name: "q", placeholder: "Search by words, or paste an image", "aria-label": "Search for images by words", autocomplete: "off", enterkeyhint: "search" });
    this.tabs = h("nav", { class: "tabs", "aria-label": "Views" });
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Filters in force" });
    this.count = h("p", { class: "count", role: "status" });
    this.sort = h("select", { "aria-label": "Order", on: { change: () => this.sorted() } }, Object.entries(SORTS).map(([value, title]) => h("option", { value }, title)));
    this.remarks = h("div", { class: "remarks" });
    this.rail = h("aside", { class: "rail", id: "rail", "aria-label": "Filters", tabindex: "-1" });
    this.gridArea = h("div", { class: "grid-area", tabindex: "-1" });
    this.mapArea = h("div", { class: "map-area" });
    this.runArea = h("div", { class: "run-area", tabindex: "0" });
    this.pickBar = h("div", { class: "pick-bar", hidden: true });
    this.railButton = iconButton("filter", "Filters", () => this.toggleRail(), { class: "rail-button", "aria-controls": "rail", "aria-expanded": "false" });
    this.heading = h("h1", { class: "sr-only" });
    const line = h("div", { class: "selection-line" }, this.heading, this.railButton, this.count, this.chips, h("span", { class: "sort" }, this.sort));
    const panes = h("div", { class: "panes" }, this.mapArea, this.gridArea);
    const main = h("main", { id: "main" }, line, this.remarks, panes, this.runArea, this.pickBar);
    document.getElementById("app").replaceChildren(this.head(), h("div", { class: "body" }, this.rail, main));
  }

  head() {
    const searchForm = h(
      "form",
      { class: "search", role: "search", on: { submit: (event) => this.submitted(event) } },
      icon("search"),
      this.search,
      iconButton("image", "Search by an image", drop.choose),
    );
    return h(
      "header",
      { class: "head" },
      h("a", { class: "brand", href: state.address(state.cleared({ view: "images", params: new URLSearchParams() })), data: { state: "" } }, "Sightline"),
      searchForm,
      this.tabs,
      h(
        "div",
        { class: "head-tools" },
        iconButton("saved", "Saved views", () => this.openViews()),
        iconButton("export", "Export", () => this.openExports()),
        iconButton("theme", "Light or dark", () => this.switchTheme()),
        iconButton("command", "All actions (/)", () => this.openPalette()),
      ),
    );
  }

  show(current) {
    const { view, params } = current;
    document.body.dataset.view = view;
    document.title = `${TITLES[view]} · Sightline`;
    this.heading.textContent = TITLES[view];
    this.drawTabs(current);
    if (document.activeElement !== this.search) this.search.value = params.get("q") ?? "";
    this.sort.value = SORTS[params.get("sort")] ? params.get("sort") : "newest";
    this.sort.disabled = state.isRanked(current);
    this.sort.options[0].textContent = state.isRanked(current) ? "Best match first" : SORTS.newest;
    if (view === "run") this.run.show();
    else {
      this.run.hide();
      filters.show(this.chips, current, this.facets);
      this.showFacets(current);
      this.grid.lay();
      this.grid.show(current);
    }
    if (view === "map") this.map.show(current);
    this.lightbox.show(current);
  }

  drawTabs(current) {
    const tabs = state.VIEWS.map((view) => {
      const target = state.inView(current, view);
      const here = view === current.view ? "page" : null;
      const number = view !== "run" && this.total !== null ? h("span", { class: "tab-count" }, count(this.total)) : null;
      return h("a", { href: state.address(target), data: { state: "" }, "aria-current": here, "aria-label": TITLES[view], title: TITLES[view] }, icon(view === "images" ? "image" : view), h("span", {}, TITLES[view]), number);
    });
    this.tabs.replaceChildren(...tabs);
  }

  async showFacets(current) {
    const query = state.selection(current);
    if (query === this.asked) return;
    this.asked = query;
    this.asking?.abort();
    this.asking = new AbortController();
    this.rail.setAttribute("aria-busy", "true");
    try {
      const answer = await api.facets(query, this.asking.signal);
      this.facets = answer.facets;
      this.total = answer.total;
      facets.show(this.rail, answer);
      filters.show(this.chips, state.read(), this.facets);
      this.drawTabs(state.read());
      this.drawCount();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.asked = undefined;
      this.rail.replaceChildren(h("p", { class: "problem", role: "alert" }, h("bdi", {}, error.message)));
    }
    this.rail.removeAttribute("aria-busy");
  }

  paged(page) {
    this.remarks.replaceChildren(...page.remarks.map((remark) => h("p", {}, h("bdi", {}, remark))));
    this.ranked = state.isRanked(state.read()) && page.total !== null ? page.total : null;
    this.drawCount();
    clearTimeout(this.refreshing);
    if (page.is_behind) this.refreshing = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  /** Shows later answers, unless somebody has gone on to further images. */
  async refresh() {
    if (state.read().view === "run" || this.gridArea.scrollTop > 0) return;
    this.asked = undefined;
    try {
      await Promise.all([this.showFacets(state.read()), this.grid.refresh()]);
    } catch (error) {
      notify(error.message, { problem: true });
    }
  }

  drawCount() {
    const best = this.ranked !== null && this.ranked !== undefined && this.ranked < (this.total ?? 0);
    if (best) this.count.textContent = `Best ${count(this.ranked)} of ${images(this.total)}`;
    else this.count.textContent = this.total === null ? "" : images(this.total);
  }

  submitted(event) {
    event.preventDefault();
    this.searchWords(this.search.value.trim());
    this.gridArea.querySelector(".card")?.focus();
  }

  searchWords(words) {
    const current = state.read();
    const view = current.view === "run" ? "images" : current.view;
    this.search.value = words;
    state.go(state.searching({ ...current, view }, "q", words));
  }

  sorted() {
    const sort = this.sort.value === "newest" ? null : this.sort.value;
    state.go(state.changed(state.read(), { sort }));
  }

  toggleRail() {
    const isOpen = document.body.classList.toggle("rail-open");
    this.railButton.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.rail.focus();
  }

  switchTheme() {
    notify(`Colours: ${{ system: "as the system has them", light: "light", dark: "dark" }[themes.next()]}`);
  }

  openExports() {
    exporting.open(this.total);
  }

  openViews() {
    views.open({ maySave: this.maySave });
  }

  openFacet(facet) {
    document.body.classList.add("rail-open");
    facets.reveal(this.rail, facet.name);
  }

  openPalette() {
    palette.open(actions(this, TITLES, SORTS), (words) => this.searchWords(words));
  }

  keyed(event) {
    const isPalette = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    const isTyping = event.target.closest?.("input:not([type=checkbox]), select, textarea");
    const isModal = document.querySelector("dialog[open]");
    if (isPalette || (event.key === "/" && !isTyping && !isModal)) this.openPalette();
    else if (isTyping || isModal || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "?") showKeys();
    else if (event.key === "f") this.toggleRail();
    else if (event.key === "e") this.openExports();
    else if ("123".includes(event.key)) state.go(state.inView(state.read(), state.VIEWS[Number(event.key) - 1]));
    else if (event.key === "Escape") document.body.classList.remove("rail-open");
    else return;
    event.preventDefault();
  }
}

themes.apply();
try {
  new Page(await api.me());
  state.tell();
} catch (error) {
  document.getElementById("app").replaceChildren(h("p", { class: "problem failed", role: "alert" }, error.message));
}
