// Keys of the live page. Off while somebody types; each has a way by mouse too.

import { open } from "./acting.js";
import { selectedRow, setTimeframe, step } from "./desk.js";

const FRAMES = { 1: "1m", 2: "5m", 3: "15m", 4: "1h" };
const help = document.getElementById("keys");

const follow = (selector) => selectedRow()?.querySelector(selector);
// one click, as by mouse: what is paused already is resumed by its sheet
function pause() {
  const form = document.getElementById("pause");
  if (form && !form.hidden) form.requestSubmit();
  else document.querySelector("#resume:not([hidden])")?.click();
}

const ACTS = {
  j: () => step(1),
  k: () => step(-1),
  Enter: () => follow("a.whole")?.click(),
  c: () => follow("a.close") && open(follow("a.close").getAttribute("href")),
  m: () => selectedRow() && document.querySelector("[data-may-act]") && open(`/positions/${selectedRow().dataset.id}/stop/`),
  "/": () => document.getElementById("filter")?.focus(),
  s: () => document.getElementById("sort")?.focus(),
  p: () => pause(),
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  const types = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "Escape" && types && !types.closest("dialog")) return types.blur();
  if (types || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && event.target.closest("a, button")) return;
  if (FRAMES[event.key]) return setTimeframe(FRAMES[event.key]);
  if (!ACTS[event.key]) return;
  event.preventDefault();
  ACTS[event.key]();
});

document.getElementById("show-keys")?.addEventListener("click", () => help.showModal());
