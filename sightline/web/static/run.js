// The live view of the runs: progress, throughput, what the limiters believe, cost, dead letters.

import * as api from "./api.js";
import { Chart } from "./chart.js";
import { h, replaceKeepingFocus } from "./dom.js";
import * as state from "./state.js";
import { count, dollars, plain } from "./words.js";

const PARTS = [
  ["written", "Written"],
  ["dead", "Dead letters"],
  ["cancelled", "Cancelled"],
  ["queued", "In the queue"],
  ["to_publish", "To publish"],
  ["lost", "Lost"],
];

/** The view of the runs in an element; it listens to the server only while it is shown. */
export class RunView {
  constructor(element) {
    this.chart = new Chart();
    this.live = h("p", { class: "run-live quiet", role: "status" }, "Connecting…");
    this.tiles = h("div", { class: "tiles" });
    this.runs = h("div", { class: "runs" });
    this.limiters = h("div", {});
    this.dead = h("div", {});
    element.replaceChildren(
      h("div", { class: "run-head" }, h("h1", {}, "Runs"), this.live),
      this.tiles,
      h("section", { class: "panel" }, h("h2", {}, "Throughput"), this.chart.element),
      this.runs,
      h("div", { class: "panels" }, this.limiters, this.dead),
    );
  }

  async show() {
    if (this.events) return;
    try {
      this.draw(await api.run());
    } catch (error) {
      this.live.textContent = error.message;
    }
    if (state.read().view !== "run" || this.events) return;
    this.events = api.runEvents();
    this.events.addEventListener("open", () => this.said("Live"));
    this.events.addEventListener("message", (event) => this.heard(JSON.parse(event.data)));
    this.events.addEventListener("error", () => this.said("The connection is lost; trying again…"));
  }

  hide() {
    this.events?.close();
    this.events = null;
  }

  heard(now) {
    this.said("Live");
    this.draw(now);
  }

  said(text) {
    if (this.live.textContent !== text) this.live.textContent = text;
  }

  draw(now) {
    if (now.error) {
      this.said(now.error);
      return;
    }
    this.chart.add(now.at, now.parts_per_s);
    this.tiles.replaceChildren(...tiles(now));
    const runs = now.runs.map(runSection);
    replaceKeepingFocus(this.runs, ...(runs.length ? runs : [nothing()]));
    this.limiters.replaceChildren(...limiters(now.limiters ?? []));
    this.dead.replaceChildren(...deadLetters(now.dead));
  }
}

function nothing() {
  const text = "No run yet. `sightline enqueue` starts one, and `sightline work` processes it; it then shows here.";
  return h("p", { class: "panel" }, text);
}

function tiles(now) {
  const perSecond = now.parts_per_s === null ? "–" : now.parts_per_s.toFixed(now.parts_per_s < 10 ? 1 : 0);
  return [
    tile("Parts per second", perSecond),
    tile("Parts left", count(now.left), now.eta_s ? `about ${inWords(now.eta_s)}` : ""),
    tile("In the queue", now.ready === null ? "–" : count(now.ready), now.leased ? `${count(now.leased)} leased` : ""),
    tile("Cost", dollars(now.cost_usd), [perHour(now), budget(now)].filter(Boolean).join(", ")),
  ];
}

function perHour(now) {
  return now.cost_usd_per_hour ? `${dollars(now.cost_usd_per_hour)} an hour` : "";
}

function budget(now) {
  const budgets = now.runs.map((run) => run.budget_usd).filter((limit) => limit !== null && limit !== undefined);
  return budgets.length ? `of ${dollars(budgets.reduce((sum, limit) => sum + limit, 0))}` : "";
}

function tile(label, content, more = "") {
  return h("div", { class: "tile" }, h("span", { class: "quiet" }, label), h("strong", {}, content), h("span", { class: "quiet" }, more));
}

function inWords(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function runSection(run) {
  const counts = PARTS.map(([name, label]) => [name, label, run[name] ?? 0]).filter(([, , number]) => number > 0);
  return h(
    "section",
    { class: "panel run" },
    h("h2", {}, h("bdi", {}, run.run), h("span", { class: "tag" }, plain(run.state))),
    bar(run, counts),
    h("ul", { class: "legend" }, counts.map(([name, label, number]) => h("li", { data: { part: name } }, `${label} `, h("strong", {}, count(number))))),
    run.budget_usd ? spent(run) : h("p", { class: "quiet" }, `${dollars(run.cost_usd)} spent, no budget`),
  );
}

function bar(run, counts) {
  const parts = counts.map(([name, , number]) => {
    const part = h("span", { data: { part: name } });
    part.style.width = `${(100 * number) / Math.max(1, run.parts)}%`;
    return part;
  });
  const label = `${count(run.written ?? 0)} of ${count(run.parts)} parts written`;
  return h("div", { class: "parts-bar", role: "img", "aria-label": label }, parts);
}

function spent(run) {
  const label = `${dollars(run.cost_usd)} of ${dollars(run.budget_usd)}`;
  const share = Math.min(1, run.cost_usd / run.budget_usd);
  const filled = h("span", { style: { width: `${100 * share}%` } });
  const classes = share > 0.9 ? "budget-bar nearly" : "budget-bar";
  return h("div", { class: "budget" }, h("div", { class: classes, role: "img", "aria-label": label }, filled), h("span", {}, label));
}

function limiters(all) {
  if (!all.length) return [];
  const rows = all.map((limiter) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("bdi", {}, limiter.model), limiter.kind === "embed" ? ", embeddings" : ", answers"),
      h("td", {}, count(limiter.workers)),
      h("td", {}, rate(limiter.rate_per_s)),
      h("td", {}, limiter.quota_per_s === null ? "not known" : rate(limiter.quota_per_s)),
      h("td", {}, limiter.share_refused === null ? "not known" : `${(100 * limiter.share_refused).toFixed(1)} %`),
    ),
  );
  const heads = ["Model", "Workers", "Rate", "Believed quota", "Refused"].map((text) => h("th", { scope: "col" }, text));
  const table = h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows));
  return [h("section", { class: "panel" }, h("h2", {}, "What the limiters believe"), table)];
}

const rate = (perSecond) => `${perSecond.toFixed(1)}/s`;

function deadLetters(byReason) {
  const reasons = Object.entries(byReason ?? {}).filter(([, number]) => number > 0);
  const rows = reasons.map(([reason, number]) => {
    const target = state.changed({ view: "images", params: new URLSearchParams() }, { "f.dead": reason });
    return h("li", {}, h("a", { href: state.address(target), data: { state: "" } }, plain(reason)), h("strong", {}, count(number)));
  });
  const content = rows.length ? h("ul", { class: "reasons" }, rows) : h("p", { class: "quiet" }, "None");
  return [h("section", { class: "panel" }, h("h2", {}, "Dead letters by reason"), content)];
}
