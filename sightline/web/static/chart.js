// The chart of throughput over time, drawn by uPlot in the colours of the theme.

import { h } from "./dom.js";
import { colour } from "./theme.js";
import uPlot from "./vendor/uplot/uPlot.esm.js";

const KEPT = 600;
const HEIGHT = 180;
const LEAST_S = 60;
const STEPS_S = [1, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** A line of parts per second, which grows to the right. */
export class Chart {
  constructor() {
    this.times = [];
    this.rates = [];
    this.canvas = h("div", { class: "chart-canvas" });
    this.text = h("p", { class: "quiet" }, "Waiting for the first measurements…");
    this.element = h("div", { class: "chart", role: "img", "aria-label": "Parts per second over time" }, this.text, this.canvas);
    new ResizeObserver(() => this.resize()).observe(this.element);
    addEventListener("theme", () => this.dress());
  }

  /** Adds a measurement; a rate of `null` is unknown, and leaves a gap. */
  add(iso, rate) {
    const time = Date.parse(iso) / 1000;
    if (!(time > (this.times.at(-1) ?? 0))) return;
    this.times.push(time);
    this.rates.push(rate);
    if (this.times.length > KEPT) {
      this.times.shift();
      this.rates.shift();
    }
    this.draw();
  }

  draw() {
    const enough = this.rates.filter((rate) => rate !== null).length > 1;
    this.text.hidden = enough;
    if (!enough || !this.element.clientWidth) return;
    this.plot ??= new uPlot(this.options(), [this.times, this.rates], this.canvas);
    this.plot.setData([this.times, this.rates]);
  }

  options() {
    const [line, quiet, grid] = ["--accent", "--quiet", "--line"].map(colour);
    const axis = { stroke: quiet, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const times = { space: 96, size: 32, incrs: STEPS_S, values: (_, seconds) => seconds.map((time) => CLOCK.format(time * 1000)) };
    return {
      width: this.element.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false },
      scales: { x: { range: (_, first, last) => [Math.min(first, last - LEAST_S), last] }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
      series: [{}, { label: "parts per second", stroke: line, width: 2, points: { show: false } }],
      axes: [{ ...axis, ...times }, { ...axis, size: 44 }],
    };
  }

  dress() {
    this.plot?.destroy();
    this.plot = null;
    this.draw();
  }

  resize() {
    if (this.plot) this.plot.setSize({ width: this.element.clientWidth, height: HEIGHT });
    else this.draw();
  }
}
