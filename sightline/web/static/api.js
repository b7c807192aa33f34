// Asks the server: one function a question, and errors that are the server's own sentences.

import { root } from "./state.js";

const csrf = document.querySelector("meta[name=csrf-token]").content;

/** An answer other than the one asked for, with the sentence that explains it. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function answered(response) {
  if (response.ok) return response;
  let message = `The server answered ${response.status}. Reload the page.`;
  if (response.headers.get("content-type")?.includes("json")) {
    message = (await response.json()).error ?? message;
  }
  throw new ApiError(message, response.status);
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(`${root}${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Check that `sightline gallery` still runs.", 0);
  }
  return answered(response);
}

async function get(path, signal) {
  return (await request(path, { signal })).json();
}

async function write(method, path, body, type = "application/json") {
  const headers = { "X-CSRF-Token": csrf };
  if (body !== undefined) headers["Content-Type"] = type;
  const response = await request(path, { method, headers, body });
  return response.status === 204 ? null : response.json();
}

/** Returns the role of the visitor, the version and the settings of the page. */
export const me = () => get("/api/me");
export const images = (query, { after, size = 60, signal }) =>
  get(`/api/images?${joined(query, { size, after })}`, signal);
export const facets = (query, signal) => get(`/api/facets?${query}`, signal);
export const places = (query, within, zoom, signal) =>
  get(`/api/places?${joined(query, { within: within.join(","), zoom: zoom.toFixed(2) })}`, signal);
export const details = (id, signal) => get(`/api/images/${encodeURIComponent(id)}`, signal);
export const neighbours = (id, signal) =>
  get(`/api/images/${encodeURIComponent(id)}/neighbours`, signal);
export const run = (signal) => get("/api/run", signal);
export const runEvents = () => new EventSource(`${root}/api/run/events`);

export const thumbnail = (id, size = 320) =>
  `${root}/thumbnails/${encodeURIComponent(id)}?size=${size}`;
export const picture = (id) => `${root}/pictures/${encodeURIComponent(id)}`;
export const sheet = (query) => `${root}/sheet?${query}`;
export const landOutlines = () => `${root}/static/vendor/world-atlas/land.json`;

/** Returns why a picture could not be shown; an empty text if it can be by now. */
export async function problemOf(url) {
  try {
    await answered(await fetch(url));
    return "";
  } catch (error) {
    return error instanceof ApiError ? error.message : "The server does not answer.";
  }
}

export const uploadQueryImage = (file) =>
  write("POST", "/api/query-images", file, file.type || "application/octet-stream");
export const replay = (id) => write("POST", "/api/dead-letters/replay", JSON.stringify({ id }));

export const savedViews = () => get("/api/views");
export const saveView = (name, state) =>
  write("PUT", `/api/views/${encodeURIComponent(name)}`, JSON.stringify({ state }));
export const deleteView = (name) => write("DELETE", `/api/views/${encodeURIComponent(name)}`);

export const exports = () => get("/api/exports");
export const startExport = (wanted) => write("POST", "/api/exports", JSON.stringify(wanted));
export const deleteExport = (id) => write("DELETE", `/api/exports/${encodeURIComponent(id)}`);
export const exportFile = (id) => `${root}/api/exports/${encodeURIComponent(id)}/file`;

function joined(query, more) {
  const params = new URLSearchParams(query);
  for (const [name, value] of Object.entries(more)) {
    if (value !== undefined && value !== null) params.set(name, value);
  }
  return params;
}
