// Keeps the banner true: the page is fetched anew each minute, and one that cannot be had stays with its time on it.
"use strict";
(() => {
  const EVERY_MS = 60000, SPREAD_MS = 5000;
  const later = () => setTimeout(look, EVERY_MS + Math.random() * SPREAD_MS);

  async function look() {
    try {
      const answer = await fetch(location.href, { cache: "no-cache", credentials: "omit" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("banner");
      if (answer.ok && fresh) document.getElementById("banner").replaceChildren(...fresh.childNodes);
    } catch { /* offline */ }
    later();
  }
  later();
})();
