// Shows of a plan what counts: a field that the chosen kind does not have is hidden, one with a fault never is.
let form = null;
const boxOf = (field) => field.closest(".fieldBox") ?? field.closest(".form-row");
const chosen = (name) => {
  const controls = [...form.querySelectorAll(`[name="${name}"]`)];
  const radio = controls.find((one) => one.type === "radio");
  return radio ? controls.find((one) => one.checked)?.value ?? "" : controls[0]?.value ?? "";
};
const byFields = () => chosen("plan_by") !== "json";

function counts(field) {
  const by = field.dataset.shownBy;
  return !by || field.dataset.shownWhen.split(" ").includes(chosen(by));
}

function show() {
  for (const field of form.querySelectorAll("[data-shown-by]")) {
    const box = boxOf(field);
    const faulty = (box.closest(".form-row") ?? box).querySelector(".errorlist") !== null;
    const parent = field.dataset.shownBy.endsWith("_after_type") ? form.elements[field.dataset.shownBy] : null;
    box.hidden = !faulty && !(counts(field) && (!parent || counts(parent)));
  }
  for (const set of form.querySelectorAll("fieldset.plan")) set.hidden = !byFields() && !set.querySelector(".errorlist");
  let empty = 0;
  for (let number = 1; number <= 10; number += 1) {
    const row = form.elements[`level${number}_type`]?.closest(".form-row");
    if (!row) break;
    if (!chosen(`level${number}_type`)) empty += 1;
    row.hidden = !chosen(`level${number}_type`) && empty > 1;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  form = document.querySelector("#strategy_form");
  form?.addEventListener("change", show);
  if (form) show();
});
// Django's list with two columns names its picture of a lens without saying that it is one
addEventListener("load", () => requestAnimationFrame(() => {
  for (const icon of document.querySelectorAll("span.search-label-icon")) icon.setAttribute("role", "img");
}));
