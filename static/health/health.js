// The panels again each second, while somebody looks. What did not change is not touched: a selection stays.
import { clock, show, zoneName } from "../live/times.js";

const EVERY = 1000, OLD_AFTER = 5000;
const panels = document.getElementById("panels");
const asked = document.getElementById("asked");
let heardAt = Date.now();

function take(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  show(fresh);
  const parts = [...fresh.body.children];
  if (parts.length !== panels.children.length) panels.replaceChildren(...parts);
  else parts.forEach((part, at) => {
    const shown = panels.children[at];
    if (shown.outerHTML !== part.outerHTML) shown.replaceWith(part);
  });
  const at = panels.querySelector("[data-at]");
  asked.textContent = `Asked at ${clock(new Date(at.dataset.at))} ${zoneName()}`;
}

function showAge(words) {
  const old = Date.now() - heardAt > OLD_AFTER;
  panels.toggleAttribute("data-old", old);
  asked.toggleAttribute("data-old", old);
  if (old) asked.textContent = words;
}

async function ask() {
  let words = "No answer: what is below is old";
  try {
    const answer = await fetch(document.body.dataset.panels, { signal: AbortSignal.timeout(5000) });
    if (answer.redirected) words = "Signed out: what is below is old";
    else if (answer.ok) { heardAt = Date.now(); take(await answer.text()); }
  } catch { /* the next second asks again */ }
  showAge(words);
}

async function follow() {
  if (!document.hidden) await ask();
  setTimeout(follow, EVERY);
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
setTimeout(follow, EVERY);
