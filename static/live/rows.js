// Puts finished texts into cells. Everything goes in as text: nothing a sender wrote becomes markup.

import { full, isUtc, logged, show as showTimes } from "./times.js";

const NEWEST = 50;

// what was put there last: a time in it may be shown in another zone since
const told = new WeakMap();

export function fill(element, shown) {
  for (const cell of element.querySelectorAll("[data-cell]")) {
    const text = shown[cell.dataset.cell];
    if (text === undefined || (told.get(cell) ?? cell.textContent) === text) continue;
    cell.textContent = text;
    told.set(cell, text);
    if (text.includes(" UTC")) showTimes(cell);
  }
}

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

export function mark(element, values) {
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) element.dataset[camel(name)] = value ?? "";
}

function fresh(templateId) {
  return document.getElementById(templateId).content.firstElementChild.cloneNode(true);
}

export class Log {
  constructor(id, templateId) {
    this.body = document.getElementById(id);
    this.templateId = templateId;
    const scroll = this.body.closest(".scroll");
    const pill = scroll?.parentElement.querySelector(".pill");
    pill?.addEventListener("click", () => (scroll.scrollTop = 0));
    scroll?.addEventListener("scroll", () => {
      if (scroll.scrollTop >= 8) return;
      pill.hidden = true;
      pill.dataset.count = 0;
    });
  }

  row(id) {
    return this.body.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  show(rows, isNews = false) {
    // oldest first, so that each new one ends up on top
    for (const row of [...rows].sort((a, b) => (a.at < b.at ? -1 : 1))) this.put(row, isNews);
    while (this.body.rows.length > NEWEST) this.body.lastElementChild.remove();
  }

  // whoever has scrolled down reads on, and is told what came meanwhile
  keepPlace(element) {
    const scroll = this.body.closest(".scroll");
    const pill = scroll?.parentElement.querySelector(".pill");
    if (!pill || scroll.scrollTop < 8) return;
    scroll.scrollTop += element.offsetHeight;
    const count = Number(pill.dataset.count ?? 0) + 1;
    pill.dataset.count = count;
    pill.textContent = `${count} new`;
    pill.hidden = false;
  }

  put(row, isNews) {
    const known = this.row(row.id);
    const element = known ?? fresh(this.templateId);
    mark(element, { id: row.id, at: row.at, tone: row.tone });
    element.querySelector(".time").title = row.client_order_id ? `${full(row.at)} ${row.client_order_id}` : full(row.at);
    fill(element, isUtc() ? row.shown : { ...row.shown, time: logged(row.at) });
    if (row.position_id) element.querySelector("a.whole").href = `/positions/${row.position_id}/`;
    const cancel = element.querySelector(".cancel");
    if (cancel) cancel.href = `/orders/${row.id}/cancel/`;
    if (cancel) cancel.hidden = !row.may_cancel;
    for (const clamped of element.querySelectorAll(".message")) clamped.title = row.shown.message;
    if (known) return;
    const after = [...this.body.rows].find((other) => other.dataset.at <= row.at);
    this.body.insertBefore(element, after ?? null);
    if (!isNews) return;
    flash(element, "new", 1200);
    this.keepPlace(element);
  }
}

export class Positions {
  constructor() {
    this.body = document.getElementById("positions");
  }

  row(id) {
    return this.body.querySelector(`[data-id="${id}"]`);
  }

  replaceAll(rows) {
    const live = new Set(rows.map((row) => String(row.id)));
    for (const element of [...this.body.rows]) if (!live.has(element.dataset.id)) element.remove();
    for (const row of rows) this.put(row);
  }

  put(row) {
    let element = this.row(row.id);
    if (!element) {
      element = fresh("position-row");
      this.body.append(element);
    }
    const { id, status, tone, since, unprotected, position_side: side } = row;
    mark(element, { id, status, tone, since, unprotected, side });
    fill(element, row.shown);
    element.querySelector(".symbol").title = row.symbol;
    element.querySelector("a.whole").href = `/positions/${row.id}/`;
    element.querySelector('[data-cell="age"]').title = full(row.since);
    const stop = element.querySelector("a.move");
    if (stop) stop.href = `/positions/${row.id}/stop/`;
    const close = element.querySelector(".close");
    if (close) {
      close.href = `/positions/${row.id}/close/`;
      close.setAttribute("aria-label", `Close ${row.shown.base} ${row.shown.side}…`);
    }
  }

  tick(tick) {
    const element = this.row(tick.id);
    if (!element) return;
    const cell = element.querySelector(".mark");
    const before = Number(cell.dataset.value);
    const now = Number(tick.mark_price);
    cell.dataset.value = tick.mark_price;
    element.dataset.pricedAt = Date.now();
    mark(element, { tone: tick.tone });
    fill(element, tick.shown);
    if (before && now !== before) flash(cell, now > before ? "rose" : "fell", 80);
  }

  remove(id) {
    this.row(id)?.remove();
  }

  // every second: ages move, and a row whose own price stands still is dimmed
  age(now, staleAfter) {
    for (const element of this.body.rows) {
      fill(element, { age: age(now - Date.parse(element.dataset.since)) });
      const pricedAt = Number(element.dataset.pricedAt ?? 0);
      element.classList.toggle("old", pricedAt > 0 && now - pricedAt > staleAfter);
    }
  }
}

function flash(element, name, duration) {
  element.classList.add(name);
  setTimeout(() => element.classList.remove(name), duration);
}

export function age(milliseconds) {
  const total = Math.max(Math.floor(milliseconds / 1000), 0);
  const [days, hours, minutes, seconds] = [
    Math.floor(total / 86400), Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60,
  ];
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${days}d ${two(hours)}h`;
  return hours ? `${hours}h ${two(minutes)}m` : `${minutes}m ${two(seconds)}s`;
}

export function showFigures(figures) {
  const element = document.getElementById("figures");
  fill(element, figures);
  for (const part of element.querySelectorAll("[data-tone-of]")) {
    const tone = figures[`${part.dataset.toneOf}_tone`];
    if (tone !== undefined) part.dataset.tone = tone;
  }
  if (figures.accounts)
    replaceChildren("accounts", "account-row", figures.accounts.length > 1 ? figures.accounts : []);
  if (figures.watched !== undefined)
    document.querySelector('[data-figure="watched"]').textContent = figures.watched;
}

export function showNotices(notices) {
  const place = document.getElementById("notices");
  const opened = [...place.children].map((element) => element.querySelector("details").open);
  replaceChildren("notices", "notice-row", notices);
  [...place.children].forEach((element, index) => dress(element, notices[index], opened[index]));
  showTimes(place);
  const isPaused = notices.some(({ account }) => account === "Every account");
  for (const element of document.querySelectorAll("[data-when-paused]"))
    element.hidden = (element.dataset.whenPaused === "true") !== isPaused;
}

function dress(element, notice, isOpen) {
  mark(element, { kind: notice.state });
  const link = element.querySelector("a.todo");
  link.href = notice.href;
  link.toggleAttribute("data-dialog", notice.act === "Resume…");
  const details = element.querySelector("details");
  details.hidden = !notice.raw;
  details.open = Boolean(isOpen);
}

function replaceChildren(id, templateId, values) {
  const children = values.map((shown) => {
    const element = fresh(templateId);
    fill(element, shown);
    return element;
  });
  document.getElementById(id).replaceChildren(...children);
}

export function showHealth(chips) {
  const children = (chips ?? []).map((chip) => {
    const element = fresh("health-chip");
    element.dataset.state = chip.state;
    fill(element, chip);
    return element;
  });
  document.getElementById("health").replaceChildren(...children);
  const worst = ["bad", "warn", "unknown", "ok"].find((state) => (chips ?? []).some((chip) => chip.state === state));
  document.getElementById("health-strip").dataset.state = worst ?? "unknown";
}
