// The page of one shelter, for when there is no line: that page, the door that a scanned code leads to, and the files
// they name, of this version (KEPT, FILES, PAGE, DOOR and OUT stand above, from the hub). The page's copy is kept for as
// long as the hub allows, and goes when somebody leaves, when a code is used, and when the hub no longer opens the page.
const UNTIL = "Yobikake-Kept-Until";

self.addEventListener("install", (event) => event.waitUntil(prepare().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(tidy().then(() => self.clients.claim())));

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname, search } = new URL(url);
  if (origin !== self.location.origin) return;
  const opens = method === "GET" && mode === "navigate";
  if (opens && pathname === PAGE) event.respondWith(page(event, search));
  else if (opens && pathname === DOOR) event.respondWith(door(event.request));
  else if (method === "GET" && FILES.includes(pathname)) event.respondWith(file(event.request));
  else if (method === "POST" && [DOOR, OUT].includes(pathname)) event.waitUntil(forget());
});

async function prepare() {
  await (await caches.open(KEPT)).addAll([...FILES, DOOR]);
  await keep(await fetch(PAGE));
}

async function tidy() {
  for (const name of await caches.keys()) if (name.startsWith("here-") && name !== KEPT) await caches.delete(name);
}

async function page(event, search) {
  const answer = await reached(event.request);
  if (!answer) return (await copied()) ?? fetch(event.request);
  event.waitUntil(search ? fetch(PAGE).then(keep) : keep(answer.clone()));
  return answer;
}

async function door(request) {
  const answer = await reached(request);
  if (answer) return answer;
  const copy = await kept(DOOR);
  return copy ? marked(copy) : fetch(request);
}

async function file(request) {
  return (await kept(request)) ?? fetch(request);
}

// What the hub itself says. A proxy that does not find it says nothing of the page.
async function reached(request) {
  try {
    const answer = await fetch(request);
    return answer.status < 500 ? answer : undefined;
  } catch {
    return undefined;
  }
}

async function kept(what) {
  return (await caches.open(KEPT)).match(what);
}

async function keep(answer) {
  if (answer.ok && answer.headers.has(UNTIL)) await (await caches.open(KEPT)).put(PAGE, answer);
  else if (answer.status < 500) await forget();
}

async function copied() {
  const copy = await kept(PAGE);
  if (copy && Date.now() < Date.parse(copy.headers.get(UNTIL))) return marked(copy);
  await forget();
  return undefined;
}

// The page knows by the mark that it is a copy.
async function marked(copy) {
  return new Response((await copy.text()).replace("<html", "<html data-kept"), { headers: copy.headers });
}

async function forget() {
  await (await caches.open(KEPT)).delete(PAGE);
}
