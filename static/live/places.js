// `g` and a letter lead to a page, from every page; the menu of what is rare closes by itself.

const MEANT_MS = 1500;
let goes = false;

function isElsewhere(event) {
  const types = event.target.closest?.("input, textarea, select, [contenteditable]");
  return types || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
}

// before the keys of a page, which mean other things by the same letters
document.addEventListener("keydown", (event) => {
  if (isElsewhere(event) || (!goes && event.key !== "g")) return;
  event.stopImmediatePropagation();
  if (goes) document.querySelector(`.places-bar [data-key="${CSS.escape(event.key)}"]`)?.click();
  goes = !goes;
  if (goes) setTimeout(() => (goes = false), MEANT_MS);
}, true);

const menu = document.querySelector(".places-bar .menu");
document.addEventListener("click", (event) => { if (menu && !menu.contains(event.target)) menu.open = false; });
document.addEventListener("keydown", (event) => { if (menu && event.key === "Escape") menu.open = false; });
