// The code of a link stands behind its #, which no browser sends: it goes into the form, and out of the address. Where
// that only looks (data-at-once), nobody has to press anything.
const form = document.querySelector("[data-code]")?.form;
const OPENED = "yobikake-opened"; // the end of the code that was used last: enough to know it again

function take() {
  if (location.hash.length < 2 || !form) return;
  const code = decodeURIComponent(location.hash.slice(1));
  form.elements.code.value = code;
  history.replaceState(null, "", location.pathname);
  if ("atOnce" in form.dataset) form.requestSubmit();
  else if ("kept" in document.documentElement.dataset && end(code) === remembered()) location.replace(form.dataset.opens);
}

function end(code) {
  return code.normalize("NFKC").toUpperCase().slice(-4);
}

function remembered() {
  try {
    return localStorage.getItem(OPENED);
  } catch {
    return null;
  }
}

form?.addEventListener("submit", () => {
  try {
    if (form.dataset.opens) localStorage.setItem(OPENED, end(form.elements.code.value));
  } catch {
    // a browser that keeps nothing opens nothing without a line
  }
});
window.addEventListener("hashchange", take);
take();
