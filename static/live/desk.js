// The table of positions as a desk: which row is selected, which rows are shown, in which order, and its chart.

import { toast } from "./acting.js";
import { hide, show as draw } from "./chart.js";

const SORTS = {
  opened: (row) => Date.parse(row.dataset.since),
  symbol: (row) => row.querySelector('[data-cell="base"]').textContent,
  pnl: (row) => number(row, "pnl"),
  distance: (row) => number(row, "distance"),
  strategy: (row) => row.querySelector('[data-cell="strategy"]').textContent,
};
const DOWNWARDS = ["pnl"];
const body = document.getElementById("positions");
const filter = document.getElementById("filter");
const sort = document.getElementById("sort");
const panel = document.getElementById("picture");
const place = panel.nextElementSibling;
const phone = matchMedia("(width < 40rem)");
let selected = null;
let timeframe = "";

// on a phone the chart is under the card that was tapped, elsewhere under the table
function seat() {
  const row = phone.matches ? selectedRow() : null;
  if (row === panel.closest("tr")) return;
  panel.closest("td.under")?.remove();
  if (!row) return place.before(panel);
  const cell = row.insertCell();
  cell.className = "under";
  cell.append(panel);
}

function number(row, name) {
  const text = row.querySelector(`[data-cell="${name}"]`).textContent.replace("\u2212", "-").replace(/[^\d.-]/g, "");
  return text === "" ? Infinity : Number(text);
}

const shownRows = () => [...body.rows].filter((row) => !row.hidden);
export const selectedRow = () => body.querySelector(`tr[data-id="${selected}"]`);

const wordsOf = (row) => [...row.cells].filter((cell) => !cell.contains(panel)).map((cell) => cell.textContent).join(" ").toUpperCase();

export function arrange() {
  const wanted = (filter?.value ?? "").trim().toUpperCase();
  for (const row of body.rows) row.hidden = wanted !== "" && !wordsOf(row).includes(wanted);
  const value = SORTS[sort?.value] ?? SORTS.opened;
  const sign = DOWNWARDS.includes(sort?.value) ? -1 : 1;
  const rows = [...body.rows].sort((a, b) => sign * (value(a) > value(b) ? 1 : value(a) < value(b) ? -1 : 0));
  if (rows.some((row, index) => body.rows[index] !== row)) body.append(...rows);
  const hidden = body.rows.length - shownRows().length;
  document.getElementById("hidden-rows").textContent = hidden ? `${hidden} hidden by the filter` : "";
  if (!selectedRow()) select(shownRows()[0]?.dataset.id ?? null);
}

export function select(id) {
  if (id === selected) return;
  selected = id;
  for (const row of body.rows) row.toggleAttribute("data-selected", row.dataset.id === id);
  const row = selectedRow();
  seat();
  panel.hidden = !row;
  if (!row) return hide();
  document.getElementById("picture-of").textContent = ["base", "side"]
    .map((name) => row.querySelector(`[data-cell="${name}"]`).textContent).join(" ");
  document.getElementById("picture-page").href = `/positions/${id}/`;
  draw(picture());
}

const picture = () => `/positions/${selected}/chart.json${timeframe ? `?timeframe=${timeframe}` : ""}`;

export function setTimeframe(name) {
  timeframe = name;
  for (const button of document.querySelectorAll("[data-timeframe]"))
    button.setAttribute("aria-pressed", String(button.dataset.timeframe === name));
  if (selected) draw(picture());
}

export function step(by) {
  const rows = shownRows();
  const at = rows.findIndex((row) => row.dataset.id === selected);
  const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!row) return;
  select(row.dataset.id);
  row.scrollIntoView({ block: "nearest" });
  row.querySelector("a.whole").focus({ preventScroll: true });
}

// a card's own ground: not its links, and not the chart that may stand in it
function rowOf(event) {
  const isElsewhere = event.target.closest("a, button") || panel.contains(event.target);
  return isElsewhere ? null : event.target.closest("tr");
}

async function copy(cell) {
  const text = cell.textContent.replaceAll(",", "");
  if (!navigator.clipboard || !/\d/.test(text)) return;
  await navigator.clipboard.writeText(text);
  toast(`Copied ${text}`);
}

body.addEventListener("click", (event) => {
  const row = rowOf(event);
  if (!row) return;
  const copied = event.target.closest('[data-cell="entry"], [data-cell="stop"], [data-cell="mark"]');
  if (copied && !phone.matches) copy(copied).catch(() => {});
  select(row.dataset.id);
});
body.addEventListener("dblclick", (event) => {
  const row = rowOf(event);
  if (row) location.assign(row.querySelector("a.whole").href);
});
body.addEventListener("auxclick", (event) => {
  const row = event.button === 1 ? rowOf(event) : null;
  if (row) window.open(row.querySelector("a.whole").href, "_blank", "noopener");
});
phone.addEventListener("change", seat);
filter?.addEventListener("input", arrange);
sort?.addEventListener("change", () => {
  sessionStorage.setItem("sort", sort.value);
  arrange();
});
for (const button of document.querySelectorAll("[data-timeframe]"))
  button.addEventListener("click", () => setTimeframe(button.dataset.timeframe));
if (sort) sort.value = sessionStorage.getItem("sort") ?? sort.value;
document.addEventListener("acted", ({ detail }) => detail.position === selected && setTimeout(() => draw(picture()), 1500));
