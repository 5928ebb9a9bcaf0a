// The close dialog. Without this file the same link leads to a page that asks the same question.

import { fill, mark } from "./rows.js";

const dialog = document.getElementById("close-dialog");
const part = (id) => document.getElementById(id);

export function toast(sentence) {
  const element = document.createElement("p");
  element.textContent = sentence;
  part("toasts").append(element);
  setTimeout(() => element.remove(), 8000);
}

function matches() {
  const base = dialog.querySelector("label [data-cell=base]").textContent;
  return part("close-symbol").value.trim().toUpperCase() === base.toUpperCase();
}

function copyRow(row) {
  const shown = {};
  for (const cell of row.querySelectorAll("[data-cell]")) shown[cell.dataset.cell] = cell.textContent;
  fill(dialog, shown);
  mark(dialog.querySelector(".facts"), { tone: row.dataset.tone });
}

function ask(row, href) {
  dialog.dataset.id = row.dataset.id;
  dialog.querySelector("form").action = href;
  part("close-symbol").value = part("close-refusal").textContent = "";
  part("close-send").disabled = true;
  copyRow(row);
  dialog.showModal();
}

// keeps the figures of an open dialog as live as the table's
export function follow(positions, state) {
  if (!dialog?.open) return;
  const row = positions.row(dialog.dataset.id);
  if (!row) return dialog.close();
  copyRow(row);
  part("dialog-age").hidden = state.link === "live";
  part("dialog-age").textContent = `${state.text}: these figures are old. Closing works all the same.`;
}

async function send(event) {
  event.preventDefault();
  if (!matches() || part("close-send").disabled) return;
  part("close-send").disabled = true;
  const form = event.target;
  try {
    const body = new FormData(form);
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    await read(answer);
  } catch {
    refuse("No answer: it is not known whether the request arrived. Sending it again cannot make a second order.");
  }
}

async function read(answer) {
  if (!answer.headers.get("Content-Type")?.startsWith("application/json"))
    return refuse(`Nothing was sent: the server answered ${answer.status}. You may be signed out, or may not close.`);
  const { sentence } = await answer.json();
  if (!answer.ok) return refuse(sentence);
  dialog.close();
  toast(sentence);
}

function refuse(sentence) {
  part("close-refusal").textContent = sentence;
  part("close-send").disabled = !matches();
}

if (dialog) {
  part("positions").addEventListener("click", (event) => {
    const link = event.target.closest("a.close");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    ask(link.closest("tr"), link.getAttribute("href"));
  });
  part("close-symbol").addEventListener("input", () => (part("close-send").disabled = !matches()));
  part("close-cancel").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.querySelector("form").addEventListener("submit", send);
}
