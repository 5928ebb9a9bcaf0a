import { follow, hear, toast } from "./acting.js";
import { Connection } from "./connection.js";
import { Log, Positions, showFigures, showHealth, showNotices } from "./rows.js";
import { arrange } from "./desk.js";
import { clock, zoneName } from "./times.js";
import "./keys.js";

const STALE_AFTER = 5000;
const positions = new Positions();
const signals = new Log("signals", "signal-row");
const orders = new Log("orders", "order-row");
const SHORT = 3000; // nothing is said of what passes by itself
let turnedAt = Date.now();
let waiting = [];
let state = { link: "down", text: "Connecting…" };

const connection = new Connection(
  (message) => {
    if (message.type === "snapshot" || message.type === "hello") waiting = [];
    waiting.push(message);
    // nobody looks at a hidden tab: it asks for a snapshot when it comes back
    if (document.hidden) waiting = waiting.slice(-1);
    else if (waiting.length === 1) requestAnimationFrame(paint);
    if (message.ticks) connection.pricedAt = Date.now();
  },
  (now) => showState(now),
);

function paint() {
  const messages = waiting;
  waiting = [];
  for (const message of messages) message.snapshot ? paintPicture(message) : paintNews(message);
  connection.needsPrices = positions.body.rows.length > 0;
  document.title = positions.body.rows.length ? `(${positions.body.rows.length}) Control room` : "Control room";
  arrange();
  follow(positions, state);
}

function paintPicture({ type, snapshot }) {
  positions.replaceAll(snapshot.positions);
  signals.show(snapshot.signals);
  orders.show(snapshot.orders);
  showFigures(snapshot.figures);
  showNotices(snapshot.notices);
  showHealth(snapshot.health);
  const isPriced = snapshot.positions.some((row) => row.mark_price !== null);
  if (type === "hello" && isPriced) connection.pricedAt = Date.now();
}

function paintNews(news) {
  news.positions?.forEach((row) => positions.put(row));
  for (const { id, sentence } of news.gone ?? []) {
    if (positions.row(id)) toast(sentence);
    positions.remove(id);
  }
  if (news.signals) signals.show(news.signals, true);
  if (news.orders) {
    orders.show(news.orders, true);
    hear(news.orders);
  }
  if (news.notices) showNotices(news.notices);
  if (news.figures) showFigures(news.figures);
  if (news.open_pnl) showFigures(news.open_pnl);
  news.ticks?.forEach((tick) => positions.tick(tick));
}

function showState(now) {
  if (now.link !== state.link) turnedAt = Date.now();
  showSilence(now);
  if (now.link === state.link && now.text === state.text) return;
  const isTurn = now.link !== state.link;
  state = now;
  document.body.dataset.link = now.link;
  const text = document.getElementById("link-text");
  if (now.link === "out") text.replaceChildren(loginLink());
  else text.textContent = now.text;
  // a screen reader hears the turn, not every second of it
  document.getElementById("link").setAttribute("aria-live", isTurn ? "polite" : "off");
  document.getElementById("act-age").textContent =
    now.link === "live" ? "" : `${now.text}: buttons act on figures that are old`;
  follow(positions, state);
}

// what still protects while this page hears nothing, and what does not
function showSilence({ link, text }) {
  const place = document.getElementById("feed-notice");
  const isShort = Date.now() - turnedAt < SHORT;
  place.hidden = isShort || link === "live" || link === "out" || positions.body.rows.length === 0;
  if (place.hidden) return;
  const named = (isBare) => [...positions.body.rows].filter((row) => (row.dataset.unprotected === "true") === isBare)
    .map((row) => ["base", "side"].map((name) => row.querySelector(`[data-cell="${name}"]`).textContent).join(" ")).join(", ");
  const sentences = link === "stale" ? [
    `${text}: the figures below are old.`,
    named(false) && `What still protects: the stops on the exchange of ${named(false)}.`,
    named(true) && `Without a stop there: ${named(true)}.`,
    "What does not: trailing, breakeven and profit locks stand still until prices come, and nothing is opened by an old price.",
    "The feed is tried again by itself; closing works.",
  ] : [
    `${text} The figures below are old; the bot trades on without this page, and stops on the exchange stand.`,
    "It is tried again every few seconds.",
  ];
  const words = sentences.filter(Boolean).join(" ");
  if (place.textContent !== words) place.textContent = words;
}

function loginLink() {
  const link = document.createElement("a");
  link.href = `${document.body.dataset.login}?next=/`;
  link.textContent = "Signed out: sign in";
  return link;
}

setInterval(() => {
  document.getElementById("clock").textContent = `${clock(new Date())} ${zoneName()}`;
  positions.age(Date.now(), STALE_AFTER);
}, 1000);

document.getElementById("health-strip").open = !matchMedia("(width < 40rem)").matches;
document.addEventListener("sheetopened", () => follow(positions, state));
document.addEventListener("zonechange", () => connection.ask());
arrange();
