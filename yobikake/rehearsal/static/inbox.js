// Shows what comes as it comes: an event says that something changed, and the page is fetched anew.
"use strict";
(() => {
  const part = () => document.getElementById("part");
  if (!part()) return;
  const events = new EventSource("/events/" + part().dataset.subject);
  events.addEventListener("version", async (event) => {
    if (event.data === part().dataset.version) return;
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("part");
    part().replaceWith(document.adoptNode(fresh));
  });
})();
