// Drawing an outline on the map, which becomes a filter.

import { h, icon } from "./dom.js";

const LEAST_PIXELS = 4;

/** A button that lets a person draw; `onDrawn` receives the positions, none if it was cleared. */
export class Lasso {
  constructor(map, tools, onDrawn) {
    this.map = map;
    this.onDrawn = onDrawn;
    this.drawing = false;
    this.button = h(
      "button",
      { type: "button", class: "button", "aria-pressed": "false", title: "Draw around images (hold the button down)", on: { click: () => this.arm(!this.drawing) } },
      icon("lasso"),
      "Draw around",
    );
    this.clear = h("button", { type: "button", class: "button", hidden: true, on: { click: () => onDrawn([]) } }, icon("close"), "Remove outline");
    tools.prepend(this.button, this.clear);
    this.sheet = h("div", { class: "lasso-sheet", hidden: true, "aria-hidden": "true" });
    map.getContainer().append(this.sheet);
    this.sheet.addEventListener("pointerdown", (event) => this.begin(event));
    this.sheet.addEventListener("pointermove", (event) => this.extend(event));
    this.sheet.addEventListener("pointerup", () => this.end());
    map.getContainer().addEventListener("keydown", (event) => event.key === "Escape" && this.arm(false));
  }

  arm(drawing) {
    this.drawing = drawing;
    this.sheet.hidden = !drawing;
    this.button.setAttribute("aria-pressed", String(drawing));
    this.positions = null;
  }

  begin(event) {
    this.sheet.setPointerCapture(event.pointerId);
    this.positions = [];
    this.extend(event);
  }

  extend(event) {
    if (!this.positions) return;
    const frame = this.sheet.getBoundingClientRect();
    const point = [event.clientX - frame.left, event.clientY - frame.top];
    if (this.last && this.positions.length && Math.hypot(point[0] - this.last[0], point[1] - this.last[1]) < LEAST_PIXELS) return;
    this.last = point;
    this.positions.push(this.map.unproject(point).toArray());
    this.paint(this.positions);
  }

  end() {
    const positions = this.positions ?? [];
    this.arm(false);
    if (positions.length >= 3) this.onDrawn(positions);
    else this.show(this.text);
  }

  /** Shows the outline of an address, or none. */
  show(text) {
    this.text = text;
    this.clear.hidden = !text;
    this.paint(text ? text.split(";").map((pair) => pair.split(",").map(Number)) : []);
  }

  dress() {
    this.show(this.text);
  }

  paint(positions) {
    const ring = positions.length >= 3 ? [[...positions, positions[0]]] : [];
    const geometry = ring.length ? { type: "Polygon", coordinates: ring } : { type: "LineString", coordinates: positions };
    const features = positions.length >= 2 ? [{ type: "Feature", geometry, properties: {} }] : [];
    this.map.getSource("outline").setData({ type: "FeatureCollection", features });
  }
}
