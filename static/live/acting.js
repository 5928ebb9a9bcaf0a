// Sheets as dialogs: a link to an act opens its page's form here. Without this file the same link leads to that page.

import { fill, mark } from "./rows.js";
import { show as showTimes } from "./times.js";

const TOAST_MS = 9000;
const REFRESH_MS = 3000;
const DONE = ["filled", "canceled", "expired", "rejected", "denied"];
const UNKNOWN = "No answer: it is not known whether the request arrived. Sending it again cannot make a second order.";
const watched = new Map();
let dialog = null;

export function toast(sentence, kind = "") {
  const element = document.createElement("p");
  element.textContent = sentence;
  element.dataset.kind = kind;
  const place = document.getElementById("toasts") ?? document.body.appendChild(toasts());
  place.append(element);
  setTimeout(() => element.remove(), TOAST_MS);
}

function toasts() {
  const element = document.createElement("div");
  element.id = "toasts";
  element.setAttribute("role", "status");
  return element;
}

function made() {
  if (dialog) return dialog;
  dialog = document.createElement("dialog");
  dialog.id = "act-dialog";
  dialog.setAttribute("aria-labelledby", "sheet-title");
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("submit", submitted);
  dialog.addEventListener("input", () => allow());
  dialog.addEventListener("close", () => dialog.replaceChildren());
  return document.body.appendChild(dialog);
}

export async function open(href) {
  try {
    const answer = await fetch(href, { headers: { accept: "text/html" } });
    if (answer.redirected || !answer.ok) return location.assign(href);
    put(await answer.text());
  } catch {
    toast("The server does not answer, so nothing can be asked of it. What stands on the exchange stays.", "bad");
  }
}

function put(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  const sheet = page.getElementById("sheet");
  if (!sheet) return toast("There is nothing to do here any more.");
  made().replaceChildren(...sheet.childNodes);
  dialog.dataset.position = sheet.dataset.position ?? "";
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("[data-keep]"))?.focus();
  showTimes(dialog);
  allow();
  document.dispatchEvent(new Event("sheetopened"));
}

const send = () => dialog.querySelector("form[data-act] button");

// what was to be typed is typed: only then, and only once
function allow(isSending = false) {
  const typed = dialog.querySelector("[data-must]");
  const fits = !typed || typed.value.trim().toUpperCase() === typed.dataset.must.toUpperCase();
  if (send()) send().disabled = isSending || !fits;
}

// what loses nothing is asked for by one click, outside of any dialog
async function submittedAtOnce(event) {
  const form = event.target;
  if (!form.matches("form[data-at-once]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  try {
    const headers = { accept: "application/json" };
    await read(await fetch(form.action, { method: "POST", body: new FormData(form), headers }), form);
  } catch {
    toast(UNKNOWN, "bad");
  } finally {
    button.disabled = false;
  }
}

async function submitted(event) {
  event.preventDefault();
  const form = event.target;
  if (form.method === "get") return open(`${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`);
  if (!send() || send().disabled) return;
  allow(true);
  try {
    const body = new FormData(form);
    const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
    await read(answer, form);
  } catch {
    refuse(UNKNOWN);
  }
}

async function read(answer, form) {
  if (answer.redirected) return location.assign(answer.url);
  // whatever failed there, or on the way, may have failed after the deed
  if (answer.status >= 500) return refuse(UNKNOWN);
  if (!answer.headers.get("Content-Type")?.startsWith("application/json"))
    return refuse(`Nothing was sent: the server answered ${answer.status}. You may be signed out, or may not do this.`);
  const { sentence, key, order, where } = await answer.json();
  // the next click is another wish, the same one sent again is not
  if (key) form.elements.key.value = key;
  if (!answer.ok) return refuse(sentence);
  if (where) return location.assign(where);
  const position = dialog?.dataset.position;
  watch(form.dataset.act, position, order);
  dialog?.close();
  toast(sentence);
  document.dispatchEvent(new CustomEvent("acted", { detail: { position } }));
}

function refuse(sentence) {
  if (!dialog?.open) return toast(sentence, "bad");
  const place = dialog.querySelector("#refusal");
  place.textContent = sentence;
  allow();
}

// the figures of an open dialog are as live as the table's
export function follow(positions, state) {
  if (!dialog?.open || !dialog.dataset.position) return;
  const row = positions.row(dialog.dataset.position);
  if (!row) return toast("This position is over."), dialog.close();
  const shown = {};
  for (const cell of row.querySelectorAll("[data-cell]")) shown[cell.dataset.cell] = cell.textContent;
  fill(dialog, shown);
  const facts = dialog.querySelector(".facts");
  if (facts) mark(facts, { tone: row.dataset.tone });
  reckon(shown);
  const age = dialog.querySelector("[data-age]");
  if (!age) return;
  age.hidden = state.link === "live";
  age.textContent = `${state.text}: these figures are old. It works all the same.`;
}

const number = (text) => Number((text ?? "").replace("\u2212", "-").replace(/[^\d.-]/g, "") || NaN);
const decimals = Number(document.documentElement.dataset.decimals || 2);
const written = new Intl.NumberFormat("en", {
  minimumFractionDigits: decimals, maximumFractionDigits: decimals, signDisplay: "exceptZero",
});
const money = (value) => written.format(value).replace("-", "\u2212");

// what closing costs moves with the value of what is held
function reckon(shown) {
  const value = number(shown.mark) * number(shown.size);
  const costs = [...dialog.querySelectorAll("[data-share]")].map((cell) => {
    const cost = cell.dataset.share === "" ? NaN : -Number(cell.dataset.share) * value;
    if (Number.isFinite(cost)) cell.textContent = money(cost);
    return cost;
  });
  const net = dialog.querySelector("[data-net]");
  const left = costs.reduce((sum, cost) => sum + cost, number(shown.pnl));
  if (!net || !Number.isFinite(left)) return;
  net.textContent = money(left);
  mark(net.closest("[data-tone]"), { tone: left > 0 ? "up" : left < 0 ? "down" : "" });
}

// a page that hears no prices asks for the sheet's figures again while it is open
async function refresh() {
  if (!dialog?.open || !dialog.querySelector("[data-share]") || document.getElementById("positions") || document.hidden) return;
  const answer = await fetch(dialog.querySelector("form[data-act]").action, { headers: { accept: "text/html" } });
  if (answer.redirected || !answer.ok || !dialog.open) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#sheet .facts");
  if (fresh) dialog.querySelector(".facts")?.replaceWith(fresh);
}
setInterval(() => refresh().catch(() => {}), REFRESH_MS);

// the toast of what really became of it
function watch(act, position, order) {
  if (order) watched.set(order, { act });
  else if (act === "stop") watched.set(`stop ${position}`, { act, since: new Date(Date.now() - 5000).toISOString() });
}

export function hear(orders) {
  for (const order of orders) {
    const stop = watched.get(`stop ${order.position_id}`);
    const isNewStop = stop && order.purpose === "protect" && order.at >= stop.since;
    const ends = DONE.includes(order.status) && watched.has(order.id);
    if (!ends && !(isNewStop && ["accepted", "rejected", "denied"].includes(order.status))) continue;
    watched.delete(ends ? order.id : `stop ${order.position_id}`);
    const { symbol, what, quantity, price, status, why } = order.shown;
    const isGood = ["filled", "canceled", "accepted"].includes(order.status);
    toast(`${symbol}: ${what} ${quantity} at ${price} is ${status}${why ? `: ${why}` : ""}`, isGood ? "good" : "bad");
  }
}

document.addEventListener("submit", submittedAtOnce);
document.addEventListener("click", (event) => {
  const keep = event.target.closest("[data-keep]");
  if (keep && dialog?.open) return event.preventDefault(), dialog.close();
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  open(link.getAttribute("href"));
});
