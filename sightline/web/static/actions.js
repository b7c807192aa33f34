// Every action of the page by its name: what the palette offers.

import * as api from "./api.js";
import * as drop from "./drop.js";
import { showKeys } from "./keys.js";
import { notify } from "./notice.js";
import * as picks from "./picks.js";
import * as state from "./state.js";
import { plain } from "./words.js";

/** Returns the actions `{title, keys, run}` of a page with these views and orders. */
export function actions(page, titles, sorts) {
  const to = (view) => () => state.go(state.inView(state.read(), view));
  const order = (sort) => () => state.go(state.changed(state.read(), { sort: sort === "newest" ? null : sort }));
  return [
    { title: "Search by words", run: () => page.search.focus() },
    { title: "Search by an image", run: drop.choose },
    ...state.VIEWS.map((view, index) => ({ title: `Go to ${titles[view]}`, keys: String(index + 1), run: to(view) })),
    { title: "Remove all filters", run: () => state.go(state.cleared(state.read())) },
    { title: "Show or hide the filters", keys: "f", run: () => page.toggleRail() },
    ...Object.entries(sorts).map(([sort, title]) => ({ title: `Order: ${title.toLowerCase()}`, run: order(sort) })),
    { title: "Show only the picked images", run: picks.showOnly },
    { title: "Saved views", run: () => page.openViews() },
    { title: "Export the selection", keys: "e", run: () => page.openExports() },
    { title: "Contact sheet of the selection", run: () => open(api.sheet(state.selection(state.read()))) },
    { title: "Copy the link to this view", run: copyLink },
    { title: "Light or dark", run: () => page.switchTheme() },
    { title: "Print", run: () => page.grid.print() },
    { title: "Keys", keys: "?", run: showKeys },
    ...page.facets.map((facet) => ({ title: `Filter by ${facetTitle(facet)}`, run: () => page.openFacet(facet) })),
  ];
}

function facetTitle(facet) {
  return facet.task ? `${facet.title} (${plain(facet.task).toLowerCase()})` : facet.title;
}

async function copyLink() {
  await navigator.clipboard.writeText(location.href);
  notify("The link is copied.");
}
