// The parts of a page as tabs. Without this file they stand below each other, and the same links lead to them.

const links = [...document.querySelectorAll("nav.tabs a")];
const parts = [...document.querySelectorAll("[data-tab]")];
const names = links.map((link) => link.hash.slice(1));

function show() {
  const asked = location.hash.slice(1);
  const name = names.includes(asked) ? asked : asked === "fills" ? "orders" : names[0];
  for (const part of parts) part.hidden = part.dataset.tab !== name;
  for (const link of links) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.dispatchEvent(new CustomEvent("tabshown", { detail: name }));
}

function move(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const next = links[(links.indexOf(event.target) + by + links.length) % links.length];
  next.focus();
  next.click();
}

for (const link of links) {
  link.addEventListener("keydown", move);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    history.replaceState(null, "", link.hash);
    show();
  });
}
addEventListener("hashchange", show);
show();
