// Offers the browser's own time zone; without scripts the list has it too.
const list = document.querySelector("select[name=zone]");
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const button = document.querySelector("#own-zone");
if (own && [...list.options].some((option) => option.value === own)) {
  button.hidden = false;
  button.textContent = `Use this browser's: ${own}`;
  button.addEventListener("click", () => { list.value = own; });
}
