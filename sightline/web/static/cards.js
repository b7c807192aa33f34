// An image of the grid as a card: picture, score, what was answered, or why it was not.

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { answerParts, day, plain } from "./words.js";

const MOST_PARTS = 12;
const MOST_CHARACTERS = 200;

/** Returns a card; `picked` says whether the image is picked by hand. */
export function card(image, { index, picked }) {
  const type = plain(image.asset_type ?? "") || "Image";
  const parts = answersOf(image);
  const label = [type, parts.join(" · "), image.dead.map(plain).join(", ")].filter(Boolean).join(": ");
  return h(
    "figure",
    {
      class: "sightline-card card",
      role: "gridcell",
      tabindex: "-1",
      "aria-label": label,
      "aria-selected": String(picked),
      data: { key: `card:${image.id}`, id: image.id, index: String(index) },
    },
    pictureOf(image, label),
    h(
      "figcaption",
      {},
      h(
        "p",
        { class: "card-head" },
        h("bdi", { class: "card-type" }, type),
        h("span", { class: "quiet" }, day(image.captured)),
      ),
      parts.length ? h("p", { class: "card-answers" }, separated(parts)) : null,
      image.dead.length ? reasons(image) : null,
      !parts.length && !image.dead.length ? h("p", { class: "card-answers quiet" }, silence(image)) : null,
    ),
    h("span", { class: "card-pick", "aria-hidden": "true", data: { pick: "" } }, icon("check")),
  );
}

function answersOf(image) {
  const parts = Object.values(image.answers).flatMap(answerParts);
  return parts.slice(0, MOST_PARTS).map((part) => part.slice(0, MOST_CHARACTERS));
}

function silence(image) {
  return Object.keys(image.answers).length ? "Nothing is known" : "No answer yet";
}

/** Each part in an element of its own: the direction of one does not turn the others around. */
function separated(parts) {
  return parts.flatMap((part, index) => [index ? "\u00a0· " : null, h("bdi", {}, part)]);
}

function reasons(image) {
  return h("p", { class: "card-dead" }, icon("warning"), image.dead.map(plain).join(", "));
}

function pictureOf(image, label) {
  const frame = h("div", { class: "sightline-picture card-picture" });
  const url = api.thumbnail(image.id);
  const picture = h("img", { src: url, alt: label, decoding: "async", draggable: "false" });
  picture.addEventListener("load", () => frame.classList.add("loaded"));
  picture.addEventListener("error", async () => {
    const problem = await api.problemOf(url);
    const text = h("p", { class: "sightline-problem" }, h("bdi", {}, problem || "The image is gone."));
    frame.replaceChildren(text, ...badges(image));
  });
  frame.append(picture, ...badges(image));
  return frame;
}

function badges(image) {
  const score = image.score;
  return [
    score === null || score === undefined
      ? null
      : h("span", { class: "card-badge card-score", title: "Similarity to the search" }, score.toFixed(3)),
    image.licensed ? h("span", { class: "card-badge card-licence" }, "Imagery © Google") : null,
  ].filter(Boolean);
}
