// One clock for all times: UTC, or the zone a person chose. Pages are written in UTC; this shows them otherwise.

const chosen = document.documentElement.dataset.zone;
const OWN = chosen && chosen !== "UTC" ? chosen : Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const KEPT = "times";

export const isUtc = () => (localStorage.getItem(KEPT) ?? (chosen && chosen !== "UTC" ? "own" : "utc")) === "utc";
export const zone = () => (isUtc() ? "UTC" : OWN);
export const zoneName = () => (isUtc() ? "UTC" : OWN.split("/").at(-1).replaceAll("_", " "));

const formats = new Map();
function parts(at) {
  const name = zone();
  if (!formats.has(name)) {
    const two = "2-digit";
    const asked = { timeZone: name, hourCycle: "h23", year: "numeric", month: two, day: two, hour: two, minute: two, second: two };
    formats.set(name, new Intl.DateTimeFormat("en", asked));
  }
  return Object.fromEntries(formats.get(name).formatToParts(at).map(({ type, value }) => [type, value]));
}

export function clock(at) {
  const { hour, minute, second } = parts(at);
  return `${hour}:${minute}:${second}`;
}

// as the logs have it: the time today, the day before that
export function logged(iso) {
  const then = parts(new Date(iso));
  const now = parts(new Date());
  const isToday = then.year === now.year && then.month === now.month && then.day === now.day;
  return isToday ? clock(new Date(iso)) : `${then.month}-${then.day} ${then.hour}:${then.minute}`;
}

export function short(iso) {
  const { month, day, hour, minute } = parts(new Date(iso));
  return `${month}-${day} ${hour}:${minute}`;
}

export function full(iso) {
  const { year, month, day, hour, minute, second } = parts(new Date(iso));
  return `${year}-${month}-${day} ${hour}:${minute}:${second} ${zoneName()}`;
}

const exact = (iso) => {
  const { year, month, day, hour, minute, second } = parts(new Date(iso));
  return `${year}-${month}-${day} ${hour}:${minute}:${second}.${iso.slice(-4, -1)}`;
};

const FORMS = { log: logged, short, full, exact, clock: (iso) => `${clock(new Date(iso))} ${zoneName()}` };

// a time amid a sentence becomes an element of its own, and then follows the zone like all others
const WRITTEN = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) UTC/;
const LEFT = "time, pre, code, script, style, textarea, template";

function findTimes(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { currentNode: node } = walker;
    if (WRITTEN.test(node.data) && !node.parentElement?.closest(LEFT)) found.push(node);
  }
  for (let node of found) for (let match; (match = WRITTEN.exec(node.data)); ) node = wrap(node, match);
}

function wrap(node, [text, day, clockTime]) {
  const written = node.splitText(node.data.indexOf(text));
  const rest = written.splitText(text.length);
  const element = document.createElement("time");
  element.dateTime = `${day}T${clockTime}Z`;
  element.textContent = text;
  written.replaceWith(element);
  return rest;
}

function showTitle(element) {
  element.dataset.utcTitle ??= element.title;
  element.title = isUtc() ? element.dataset.utcTitle
    : element.dataset.utcTitle.replace(new RegExp(WRITTEN, "g"), (_, day, clockTime) => full(`${day}T${clockTime}Z`));
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(root = document) {
  findTimes(root);
  for (const element of root.querySelectorAll("[data-utc-title], [title*=' UTC']")) showTitle(element);
  for (const element of root.querySelectorAll("time[datetime]")) {
    element.dataset.utc ??= element.textContent;
    put(element, isUtc() ? element.dataset.utc : FORMS[element.dataset.form || "full"](element.dateTime));
  }
  for (const element of root.querySelectorAll("[data-zone-name]")) put(element, zoneName());
}

export function toggle() {
  localStorage.setItem(KEPT, isUtc() ? "own" : "utc");
  show();
  document.dispatchEvent(new Event("zonechange"));
}

const button = document.getElementById("zone");
if (button) button.addEventListener("click", toggle);
show();
