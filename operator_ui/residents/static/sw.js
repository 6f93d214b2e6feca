// Keeps the last copy of the pages that were read, for when there is no network. The page says how old it is.
"use strict";
const KEPT = "kept-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const page = event.request.mode === "navigate" || url.pathname.startsWith("/static/");
  if (event.request.method === "GET" && url.origin === self.location.origin && page)
    event.respondWith(fromNetwork(event.request));
});

async function fromNetwork(request) {
  const kept = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await kept.put(request, answer.clone());
    return answer;
  } catch (lost) {
    const copy = await kept.match(request, { ignoreVary: true });
    if (copy) return copy;
    throw lost;
  }
}
