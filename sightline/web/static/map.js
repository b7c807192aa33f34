// The map of the selection: points with the direction of the camera, or cells if there are many.

import * as api from "./api.js";
import { debounced, h } from "./dom.js";
import { hover, onHover } from "./hover.js";
import { Lasso } from "./lasso.js";
import { addImages, layers, sources, style } from "./map_style.js";
import * as state from "./state.js";
import { colour } from "./theme.js";
import { images, plain } from "./words.js";

const MOST_POSITIONS = 400;
const DENSE = 2000;
const WORLD = [-180, -85, 180, 85];

/** A map in an element; MapLibre is loaded when the map is first shown. */
export class MapView {
  constructor(element, { tiles, onCount }) {
    this.element = element;
    this.tiles = tiles;
    this.onCount = onCount;
    this.frame = h("div", { class: "map-frame", role: "region", "aria-label": "Map of the selected images" });
    this.note = h("p", { class: "map-note", role: "status" });
    this.follow = h("input", { type: "checkbox", on: { change: () => this.followed() } });
    element.replaceChildren(
      this.frame,
      h("div", { class: "map-tools" }, h("label", { class: "button" }, this.follow, "Only what the map shows")),
      this.note,
    );
    onHover((id) => this.mark(id));
  }

  /** Shows the places of a state's selection. */
  async show(current) {
    this.follow.checked = current.params.has("box");
    this.query = state.selection(current);
    try {
      await (this.ready ??= this.start());
    } catch (error) {
      this.ready = undefined;
      this.say(`The map cannot be drawn: ${error.message}. Use a browser with WebGL.`);
      return;
    }
    this.map.resize();
    this.lasso.show(current.params.get("poly"));
    if (this.query === this.shown) return;
    const unframed = this.shown === undefined || !current.params.has("box");
    this.shown = this.query;
    await this.load({ frame: unframed });
  }

  async start() {
    const maplibre = await import("./vendor/maplibre-gl/maplibre-gl.mjs");
    const map = new maplibre.Map({
      container: this.frame,
      style: style(this.tiles),
      attributionControl: { compact: true },
      dragRotate: false,
      pitchWithRotate: false,
      canvasContextAttributes: { preserveDrawingBuffer: true },
    });
    map.touchZoomRotate.disableRotation();
    map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
    map.addControl(new maplibre.ScaleControl({ maxWidth: 120 }), "bottom-left");
    map.on("error", (event) => this.say(event.error?.message ?? "A part of the map is missing."));
    await new Promise((resolve) => map.once("load", resolve));
    this.map = map;
    this.lasso = new Lasso(map, this.element.querySelector(".map-tools"), (outline) => this.drawn(outline));
    this.dress();
    this.listen();
    new ResizeObserver(() => map.resize()).observe(this.frame);
    addEventListener("theme", () => this.dress());
  }

  dress() {
    addImages(this.map);
    for (const [id, source] of Object.entries(sources())) {
      if (!this.map.getSource(id)) this.map.addSource(id, source);
    }
    for (const layer of layers()) {
      if (!this.map.getLayer(layer.id)) this.map.addLayer(layer);
      for (const [name, content] of Object.entries(layer.paint ?? {})) this.map.setPaintProperty(layer.id, name, content);
    }
    this.map.setPaintProperty("sea", "background-color", colour("--map-sea"));
    this.map.setPaintProperty("land", "fill-color", colour("--map-land"));
    this.lasso?.dress();
  }

  listen() {
    const load = debounced(() => this.moved(), 150);
    this.map.on("moveend", load);
    this.map.on("mousemove", "points", (event) => {
      this.map.getCanvas().style.cursor = "pointer";
      hover(event.features[0].properties.id);
    });
    this.map.on("mouseleave", "points", () => {
      this.map.getCanvas().style.cursor = "";
      hover(null);
    });
    this.map.on("click", "points", (event) => {
      if (this.lasso.drawing) return;
      state.go(state.changed(state.read(), { open: event.features[0].properties.id }));
    });
    this.map.on("mousemove", "cells", (event) => {
      this.frame.title = images(event.features[0].properties.count);
    });
    this.map.on("mouseleave", "cells", () => {
      this.frame.title = "";
    });
    this.map.on("click", "cells", (event) => {
      this.map.easeTo({ center: event.lngLat, zoom: this.map.getZoom() + 2 });
    });
  }

  moved() {
    if (state.read().view !== "map") return;
    if (this.follow.checked && !this.framing) this.followed();
    else this.load({ frame: false });
    this.framing = false;
  }

  /** Makes the visible extent a filter, or takes it away. */
  followed() {
    const box = this.follow.checked ? this.within().map((degrees) => degrees.toFixed(5)).join(",") : null;
    state.go(state.changed(state.read(), { box, open: null }), { replace: true });
  }

  drawn(outline) {
    const every = Math.ceil(outline.length / MOST_POSITIONS);
    const kept = outline.filter((_, index) => index % every === 0);
    const poly = kept.map((position) => position.map((degrees) => degrees.toFixed(6)).join(",")).join(";");
    state.go(state.changed(state.read(), { poly: poly || null, box: null, open: null }));
  }

  within() {
    if (!this.map) return WORLD;
    const bounds = this.map.getBounds();
    const [west, south, east, north] = bounds.toArray().flat();
    return [Math.max(west, -180), Math.max(south, -90), Math.min(east, 180), Math.min(north, 90)];
  }

  async load({ frame }) {
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    try {
      const within = frame ? WORLD : this.within();
      const answer = await api.places(this.query, within, this.map.getZoom(), signal);
      if (frame && answer.extent) this.frameTo(answer.extent);
      this.draw(answer);
    } catch (error) {
      if (error.name !== "AbortError") this.say(error.message);
    }
  }

  frameTo([west, south, east, north]) {
    this.framing = true;
    const bounds = [[west, south], [east, north]];
    this.map.fitBounds(bounds, { padding: 48, maxZoom: 17, animate: false });
  }

  draw({ points, cells, images: number, extent }) {
    const feature = (longitude, latitude, properties) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [longitude, latitude] },
      properties,
    });
    const collection = (features) => ({ type: "FeatureCollection", features });
    this.places = new Map(points.map((point) => [point[0], point]));
    const isDense = points.length > DENSE;
    const size = isDense ? 0.6 : 1;
    const drawn = points.map(([id, longitude, latitude, towards]) =>
      feature(longitude, latitude, { id, size, ...(towards === null ? {} : { heading: towards }) }),
    );
    this.map.setLayoutProperty("arrows", "visibility", isDense ? "none" : "visible");
    this.map.getSource("points").setData(collection(drawn));
    const most = Math.max(1, ...cells.map((cell) => cell[2]));
    const counted = cells.map(([longitude, latitude, count]) =>
      feature(longitude, latitude, { count, share: Math.sqrt(count / most) }),
    );
    this.map.getSource("cells").setData(collection(counted));
    this.element.dataset.points = points.length;
    this.element.dataset.cells = cells.length;
    this.say(sentence(number, cells.length, extent));
  }

  mark(id) {
    const place = this.places?.get(id);
    const source = this.map?.getSource("hovered");
    if (!source) return;
    const features = place
      ? [{ type: "Feature", geometry: { type: "Point", coordinates: [place[1], place[2]] }, properties: {} }]
      : [];
    source.setData({ type: "FeatureCollection", features });
    this.frame.title = place ? plain(place[4]) : "";
  }

  say(text) {
    this.note.textContent = text;
  }
}

function sentence(number, cells, extent) {
  if (!extent) return "No selected image has a position.";
  return cells ? `${images(number)} here, counted by cells. Zoom in for single images.` : `${images(number)} here`;
}
