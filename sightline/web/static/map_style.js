// How the map is drawn: the base map that ships or the tiles of a setting, points, arrows, cells.

import { landOutlines } from "./api.js";
import { colour } from "./theme.js";

const ARROW = 48;

/** Returns the style of the base map; `tiles` is a URL with `{z}`, `{x}` and `{y}`, or null. */
export function style(tiles) {
  const land = { type: "geojson", data: new URL(landOutlines(), location.href).href, tolerance: 0.2, attribution: "Natural Earth" };
  const sources = { land };
  const drawn = [
    { id: "sea", type: "background", paint: { "background-color": colour("--map-sea") } },
    { id: "land", type: "fill", source: "land", paint: { "fill-color": colour("--map-land") } },
  ];
  if (tiles) {
    sources.tiles = { type: "raster", tiles: [tiles], tileSize: 256 };
    drawn.push({ id: "tiles", type: "raster", source: "tiles" });
  }
  return { version: 8, sources, layers: drawn };
}

/** Returns the sources of what is drawn on the base map. */
export function sources() {
  const empty = () => ({ type: "geojson", data: { type: "FeatureCollection", features: [] } });
  return { cells: empty(), points: empty(), hovered: empty(), outline: empty() };
}

/** Returns the layers of what is drawn on the base map, in the present theme. */
export function layers() {
  const accent = colour("--accent");
  const ground = colour("--ground");
  return [
    {
      id: "outline-area",
      type: "fill",
      source: "outline",
      paint: { "fill-color": accent, "fill-opacity": 0.1 },
    },
    {
      id: "outline-line",
      type: "line",
      source: "outline",
      paint: { "line-color": accent, "line-width": 2 },
    },
    {
      id: "cells",
      type: "circle",
      source: "cells",
      paint: {
        "circle-color": accent,
        "circle-opacity": 0.75,
        "circle-stroke-color": ground,
        "circle-stroke-width": 1,
        "circle-radius": ["interpolate", ["linear"], ["get", "share"], 0, 3, 1, 22],
      },
    },
    {
      id: "arrows",
      type: "symbol",
      source: "points",
      minzoom: 13,
      filter: ["has", "heading"],
      layout: {
        "icon-image": "arrow",
        "icon-rotate": ["get", "heading"],
        "icon-rotation-alignment": "map",
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
    {
      id: "points",
      type: "circle",
      source: "points",
      paint: {
        "circle-color": accent,
        "circle-stroke-color": ground,
        "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 8, 0.5, 15, 1.5],
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 8, sized(2.5), 15, sized(5), 19, sized(8)],
      },
    },
    {
      id: "hovered",
      type: "circle",
      source: "hovered",
      paint: {
        "circle-color": colour("--marked"),
        "circle-stroke-color": ground,
        "circle-stroke-width": 2,
        "circle-radius": 10,
      },
    },
  ];
}

function sized(radius) {
  return ["*", radius, ["get", "size"]];
}

/** Draws the arrow of a camera's direction, which points north, for the present theme. */
export function addImages(map) {
  const canvas = document.createElement("canvas");
  canvas.width = ARROW;
  canvas.height = ARROW;
  const pen = canvas.getContext("2d");
  const gradient = pen.createLinearGradient(0, 0, 0, ARROW / 2);
  const accent = colour("--accent");
  gradient.addColorStop(0, accent.replace("rgb", "rgba").replace(")", ", 0)"));
  gradient.addColorStop(1, accent);
  pen.fillStyle = gradient;
  pen.beginPath();
  pen.moveTo(ARROW / 2, ARROW / 2);
  pen.arc(ARROW / 2, ARROW / 2, ARROW / 2, -0.75 * Math.PI, -0.25 * Math.PI);
  pen.fill();
  if (map.hasImage("arrow")) map.removeImage("arrow");
  map.addImage("arrow", pen.getImageData(0, 0, ARROW, ARROW), { pixelRatio: 1 });
}
