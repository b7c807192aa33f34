// What is recorded about an image: answers with their origin, dead letters, neighbours.

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import * as state from "./state.js";
import { count, day, dollars, duration, heading, metres, moment, plain, value } from "./words.js";

const LONG = 600;

/** Returns the facts, the answers and the dead letters of an image. */
export function panel(image, { mayReplay, onReplayed }) {
  return [
    h("h2", {}, plain(image.asset_type ?? "") || "Image"),
    actions(image),
    ...image.dead.map((letter) => deadLetter(image, letter, { mayReplay, onReplayed })),
    ...image.answers.map(answerSection),
    image.answers.length || image.dead.length ? null : h("p", { class: "quiet" }, "No answer yet."),
    h("h3", {}, "Image"),
    facts(imageFacts(image)),
  ].filter(Boolean);
}

function actions(image) {
  const like = state.searching({ ...state.read(), view: "images" }, "like", image.id);
  const asset = state.changed(state.cleared(state.read()), { sort: "oldest", near: null });
  const links = [];
  if (image.embedded_by.length) links.push(link(like, "similar", "More like this"));
  if (image.latitude !== null && image.longitude !== null) {
    const near = `${image.latitude.toFixed(5)},${image.longitude.toFixed(5)},50`;
    links.push(link(state.changed(asset, { near, open: null }), "map", "All within 50 m"));
  }
  return links.length ? h("p", { class: "actions" }, links) : null;
}

function link(target, picture, text) {
  return h("a", { class: "button", href: state.address(target), data: { state: "" } }, icon(picture), text);
}

function facts(rows) {
  const shown = rows.filter(([, content]) => content !== null && content !== undefined && content !== "");
  return h(
    "dl",
    { class: "facts" },
    shown.flatMap(([label, content]) => [h("dt", {}, h("bdi", {}, label)), h("dd", {}, text(content))]),
  );
}

function text(content) {
  if (content.length <= LONG) return h("bdi", {}, content);
  const beginning = h("bdi", {}, `${content.slice(0, LONG / 2)}…`);
  return h("details", { class: "long" }, h("summary", {}, beginning), h("bdi", {}, content));
}

function answerSection(answer) {
  const rows = Object.entries(answer.answer).map(([field, content]) => [
    answer.titles?.[field] ?? plain(field),
    value(content) || "unknown",
  ]);
  const tokens = answer.input_tokens === null ? null : `${count(answer.input_tokens)} in, ${count(answer.output_tokens ?? 0)} out`;
  return h(
    "section",
    { class: answer.current ? "answer" : "answer earlier" },
    h("h3", {}, h("bdi", {}, answer.title ?? plain(answer.task)), answer.current ? null : h("span", { class: "tag" }, "earlier")),
    facts(rows),
    h(
      "details",
      { class: "origin" },
      h("summary", {}, h("bdi", {}, answer.model), ` · ${dollars(answer.cost_usd)} · ${duration(answer.latency_ms)}`),
      facts([
        ["Model", answer.model],
        ["Prompt version", answer.prompt_version],
        ["Cost", dollars(answer.cost_usd)],
        ["Latency", duration(answer.latency_ms)],
        ["Tokens", tokens],
        ["Attempt", answer.attempt === null ? null : String(answer.attempt)],
        ["About", answer.by_asset ? "all images of the asset" : null],
        ["Run", answer.run],
        ["Written", moment(answer.written_at)],
      ]),
    ),
  );
}

function deadLetter(image, letter, { mayReplay, onReplayed }) {
  const outcome = h("p", { role: "status" });
  const replay = async (event) => {
    event.currentTarget.disabled = true;
    outcome.textContent = "Sending it again…";
    try {
      await api.replay(image.id);
      outcome.textContent = "It is in the queue again.";
      onReplayed();
    } catch (error) {
      outcome.textContent = error.message;
    }
  };
  return h(
    "section",
    { class: "dead-letter" },
    h("h3", {}, icon("warning"), plain(letter.reason)),
    h("p", {}, h("bdi", {}, `${letter.part}: ${letter.sentence}.`)),
    letter.detail ? h("p", { class: "quiet" }, h("bdi", {}, letter.detail)) : null,
    letter.replayable && mayReplay
      ? h("button", { type: "button", class: "button", on: { click: replay } }, icon("replay"), "Replay")
      : null,
    outcome,
  );
}

function imageFacts(image) {
  const pose = image.camera_pose;
  const hasPosition = image.latitude !== null && image.longitude !== null;
  return [
    ["Captured", moment(image.captured)],
    ["Position", hasPosition ? `${image.latitude.toFixed(5)}, ${image.longitude.toFixed(5)}` : null],
    ["Camera", pose?.heading === null || pose?.heading === undefined ? null : `towards ${heading(pose.heading)}`],
    ["Size", image.width ? `${count(image.width)} × ${count(image.height)} pixels` : null],
    ["Snapshot", image.snapshot],
    ["Asset", image.asset_id],
    ["Observation", image.id],
    ["File", image.uri],
    ["Embedded by", image.embedded_by.join(", ")],
    ["Licence", image.licensed ? "Imagery © Google: not to be shared outside your organisation" : null],
  ];
}

/** Returns strips of the images that are near in time and in space. */
export function neighbourStrips(answer, { licensed }) {
  const same = answer.same_asset.map((image) => small(image, day(image.captured)));
  const near = answer.nearest.map((image) => small(image, metres(image.distance_m)));
  return [
    ...strip("Same asset, by time", same),
    ...strip("Nearest images", near),
    licensed ? h("p", { class: "quiet" }, "Imagery © Google") : null,
  ].filter(Boolean);
}

function strip(title, items) {
  return items.length ? [h("h3", {}, title), h("ul", { class: "strip" }, items)] : [];
}

function small(image, text) {
  const target = state.address(state.changed(state.read(), { open: image.id }));
  const label = `${plain(image.asset_type ?? "") || "Image"}, ${text}`;
  return h(
    "li",
    {},
    h(
      "a",
      { href: target, data: { state: "" }, title: label },
      h("img", { src: api.thumbnail(image.id, 160), alt: label, loading: "lazy" }),
      h("span", { "aria-hidden": "true" }, text),
    ),
  );
}
