// What stands behind the # is sent in the form, and goes from the address before anybody reads it there.
const form = document.getElementById("login-link");
const word = location.hash.slice(1);
if (form && word) {
  history.replaceState(null, "", location.pathname);
  form.elements.word.value = word;
  form.requestSubmit();
}
