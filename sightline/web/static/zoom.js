// A picture that can be enlarged and moved by pointer, wheel and keys, with a box drawn on it.

import { h } from "./dom.js";

const MOST = 16;
const STEP = 1.4;

/** A stage that shows one picture at a time. */
export class ZoomStage {
  constructor() {
    this.picture = h("img", { class: "stage-picture", draggable: "false" });
    this.box = h("div", { class: "stage-box", "aria-hidden": "true", hidden: true });
    this.paper = h("div", { class: "stage-paper" }, this.picture, this.box);
    this.note = h("p", { class: "stage-note", role: "status" });
    this.element = h(
      "div",
      { class: "stage", tabindex: "0", role: "group", "aria-label": "Picture: plus and minus zoom, 0 fits, Shift and arrows move" },
      this.paper,
      this.note,
    );
    this.pointers = new Map();
    const listeners = { wheel: "wheeled", pointerdown: "pressed", pointermove: "dragged", pointerup: "released", pointercancel: "released", dblclick: "doubled" };
    for (const [event, name] of Object.entries(listeners)) {
      this.element.addEventListener(event, (happened) => this[name](happened), { passive: false });
    }
    this.picture.addEventListener("load", () => this.loaded());
    new ResizeObserver(() => this.fit()).observe(this.element);
  }

  /** Shows a picture; `box` is in pixels of an image of the size `size`, if that is known. */
  show(url, { alt, box, size }) {
    this.bounds = box;
    this.size = size;
    this.box.hidden = true;
    this.paper.hidden = true;
    this.say("Loading…");
    this.picture.alt = alt;
    this.picture.src = url;
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  failed(text) {
    this.paper.hidden = true;
    this.say(text);
  }

  loaded() {
    this.paper.hidden = false;
    this.say("");
    this.fit();
    const [width, height] = this.size ?? [this.picture.naturalWidth, this.picture.naturalHeight];
    if (!this.bounds || !width) return;
    const { x_min: left, y_min: top, x_max: right, y_max: bottom } = this.bounds;
    const share = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(this.box.style, {
      left: share(left, width),
      top: share(top, height),
      width: share(right - left, width),
      height: share(bottom - top, height),
    });
    this.box.hidden = false;
  }

  /** Shows the whole picture. */
  fit() {
    const { naturalWidth: width, naturalHeight: height } = this.picture;
    if (!width) return;
    const { clientWidth, clientHeight } = this.element;
    this.base = Math.min(clientWidth / width, clientHeight / height, 3);
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.paper.style.width = `${width * this.base}px`;
    this.paper.style.height = `${height * this.base}px`;
    this.place();
  }

  place() {
    const room = (inner, outer) => Math.max(0, (inner * this.scale - outer) / 2);
    const across = room(this.paper.offsetWidth, this.element.clientWidth);
    const down = room(this.paper.offsetHeight, this.element.clientHeight);
    this.x = Math.min(Math.max(this.x, -across), across);
    this.y = Math.min(Math.max(this.y, -down), down);
    this.paper.style.transform = `translate(-50%, -50%) translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.paper.style.setProperty("--scale", this.scale);
    this.element.classList.toggle("zoomed", this.scale > 1);
  }

  /** Enlarges by a factor, and keeps a point of the stage, from its centre, where it is. */
  zoom(factor, x = 0, y = 0) {
    const scale = Math.min(Math.max(this.scale * factor, 1), MOST);
    const change = scale / this.scale;
    this.x = x - (x - this.x) * change;
    this.y = y - (y - this.y) * change;
    this.scale = scale;
    this.place();
  }

  larger = () => this.zoom(STEP);
  smaller = () => this.zoom(1 / STEP);

  move(x, y) {
    this.x += x;
    this.y += y;
    this.place();
  }

  fromCentre(event) {
    const frame = this.element.getBoundingClientRect();
    return [event.clientX - frame.left - frame.width / 2, event.clientY - frame.top - frame.height / 2];
  }

  wheeled(event) {
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 400), ...this.fromCentre(event));
  }

  pressed(event) {
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
  }

  dragged(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.pointers.values()].filter((other) => other.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (!others.length) {
      this.move(event.clientX - before.clientX, event.clientY - before.clientY);
      return;
    }
    const away = (pointer) => Math.hypot(pointer.clientX - others[0].clientX, pointer.clientY - others[0].clientY);
    this.zoom(away(event) / Math.max(1, away(before)), ...this.fromCentre(event));
  }

  released(event) {
    this.pointers.delete(event.pointerId);
  }

  doubled(event) {
    if (this.scale > 1) this.fit();
    else this.zoom(3, ...this.fromCentre(event));
  }

  /** Handles a key, and returns whether it meant anything. */
  keyed(event) {
    const far = 60;
    const moves = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] };
    if (event.key === "+" || event.key === "=") this.larger();
    else if (event.key === "-") this.smaller();
    else if (event.key === "0") this.fit();
    else if (event.shiftKey && moves[event.key]) this.move(...moves[event.key]);
    else return false;
    return true;
  }
}
