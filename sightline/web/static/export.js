// Exports of the selection: started here, done by the server in the background.

import * as api from "./api.js";
import { openDialog } from "./dialog.js";
import { h, iconButton, replaceKeepingFocus } from "./dom.js";
import * as state from "./state.js";
import { count, images, moment, plain } from "./words.js";

const ASK_AGAIN_MS = 1000;

/** Opens the dialog of exports; `total` is the number of selected images. */
export async function open(total) {
  const query = state.selection(state.read());
  const form = h("div", {}, h("p", { class: "quiet", role: "status" }, "Loading…"));
  const list = h("div", { class: "exports" });
  openDialog("Export", [form, list], { className: "export-dialog" });
  try {
    const answer = await api.exports();
    form.replaceChildren(...wanted(answer, query, total, list));
    watch(list, answer);
  } catch (error) {
    form.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
  }
}

function wanted({ formats, tasks }, query, total, list) {
  const format = h("select", { id: "export-format" }, formats.map((choice) => h("option", { value: choice.name }, choice.title ?? choice.name)));
  const task = h("select", { id: "export-task" }, tasks.map((name) => h("option", { value: name }, plain(name))));
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const start = async () => {
    problem.hidden = true;
    try {
      await api.startExport({ format: format.value, task: task.value || null, state: query });
      watch(list, await api.exports());
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    }
  };
  return [
    h("p", {}, total === null ? "The selected images, with their answers." : `${images(total)}, with their answers.`),
    h(
      "div",
      { class: "form-row" },
      h("label", { for: "export-format" }, "Format"),
      format,
      h("label", { for: "export-task" }, "Answers of"),
      task,
      h("button", { type: "button", class: "button primary", on: { click: start } }, "Export"),
    ),
    problem,
    h("p", {}, h("a", { href: api.sheet(query), target: "_blank", rel: "noopener" }, "Contact sheet"), h("span", { class: "quiet" }, ": one HTML page with the pictures, for print and mail")),
  ];
}

function watch(list, { exports }) {
  replaceKeepingFocus(list, ...exports.map((job) => row(job, list)));
  if (exports.some((job) => job.state === "running")) {
    setTimeout(async () => list.isConnected && watch(list, await api.exports()), ASK_AGAIN_MS);
  }
}

function row(job, list) {
  const remove = async () => {
    await api.deleteExport(job.id);
    watch(list, await api.exports());
  };
  const what = [job.format, job.task ? plain(job.task) : null, moment(job.at)].filter(Boolean).join(" · ");
  return h(
    "section",
    { class: "export-row", data: { state: job.state } },
    h("span", { class: "export-what" }, h("bdi", {}, what)),
    status(job),
    iconButton("close", job.state === "running" ? "Stop this export" : "Remove this export", remove, { "data-key": `export:${job.id}` }),
  );
}

function status(job) {
  if (job.state === "done") return h("a", { class: "button", href: api.exportFile(job.id), download: "" }, "Download");
  if (job.state === "failed") return h("span", { class: "problem", role: "alert" }, h("bdi", {}, job.error ?? "It failed. Export again."));
  const label = `${count(job.done ?? 0)} of ${job.total === null ? "?" : count(job.total)}`;
  return h("span", { class: "export-progress" }, h("progress", { max: job.total || 1, value: job.done ?? 0, "aria-label": label }), label);
}
