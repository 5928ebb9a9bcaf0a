// Upgrades of the list pages: copying, and telling what came in since the page was made. Without it all else works.

import { show as showTimes } from "../live/times.js";

const LOOK_EVERY_MS = 5000;
const MOST_TOLD = 99;
const SAID_MS = 1500;

function showCopyButtons(root) {
  for (const button of root.querySelectorAll("button.copy[hidden]")) button.hidden = !navigator.clipboard;
}

async function copy(button) {
  const words = button.dataset.words ?? (button.dataset.words = button.textContent);
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = words), SAID_MS);
}

// what a person reads or holds open is not moved away under their eyes
function isBeingRead() {
  const isScrolled = window.scrollY > 60;
  const held = document.querySelector("#list details[open], #list :focus");
  return isScrolled || held !== null || String(window.getSelection()) !== "";
}

async function lookForNewer() {
  const place = document.getElementById("newer");
  if (!place || document.hidden || place.dataset.isFirst !== "true") return;
  const asked = new URL(place.dataset.url, location.href);
  asked.searchParams.set("top", place.dataset.top);
  const answer = await fetch(asked, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) return;
  tell(document.getElementById("newer"), (await answer.json()).count);
}

function tell(place, count) {
  const pill = place?.querySelector(".pill");
  if (!pill || !count) return;
  if (!isBeingRead()) return pill.click();
  const words = `${count > MOST_TOLD ? `${MOST_TOLD}+` : count} new`;
  if (pill.textContent !== words) pill.textContent = words;
  pill.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button.copy");
  if (button) copy(button);
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("#list .more details[open]");
  if (open) open.open = false;
});
function upgrade() {
  showCopyButtons(document);
  showTimes();
}
new MutationObserver(upgrade).observe(document.body, { childList: true, subtree: true });
showCopyButtons(document);
if (document.getElementById("newer")) setInterval(() => lookForNewer().catch(() => {}), LOOK_EVERY_MS);
