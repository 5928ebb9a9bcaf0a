// Gain and loss in blue and orange, for this browser, until the settings say it for the person.

const KEPT = "palette";
const root = document.documentElement;
const button = document.getElementById("palette");

function show() {
  const kept = localStorage.getItem(KEPT);
  if (kept) root.dataset.palette = kept;
  button?.setAttribute("aria-pressed", String(root.dataset.palette === "blue_orange"));
}

button?.addEventListener("click", () => {
  localStorage.setItem(KEPT, root.dataset.palette === "blue_orange" ? "green_red" : "blue_orange");
  show();
  document.dispatchEvent(new Event("palettechange"));
});
show();
