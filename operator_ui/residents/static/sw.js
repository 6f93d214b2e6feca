// Keeps the last copy of the pages that were read, for when there is no network: the page says how old it is.
// Shows what the city pushes (channels/webpush/message.py).
"use strict";
const KEPT = "kept-2", CHOICES = "push-1", REGISTERED = ["/push", "/push/device"];
const PATIENCE_MS = 4000, MOST_KEPT = 60;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

// What a worker of an earlier release kept goes.
async function takeOver() {
  const others = (await caches.keys()).filter((name) => ![KEPT, CHOICES].includes(name));
  await Promise.all(others.map((name) => caches.delete(name)));
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const page = event.request.mode === "navigate" || url.pathname.startsWith("/static/");
  if (event.request.method === "GET" && url.origin === self.location.origin && page)
    event.respondWith(newest(event, url));
  if (event.request.mode === "navigate") event.waitUntil(keepRegistered());
});

// The network's answer; or the copy where there is no network, or one so bad that nothing came within PATIENCE_MS.
async function newest(event, url) {
  const answer = fromNetwork(event.request, url);
  event.waitUntil(answer.catch(() => {}));
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  const soon = await Promise.race([answer.catch(() => {}), patience]);
  return soon || await caches.match(event.request, { cacheName: KEPT, ignoreVary: true }) || answer;
}

// A page that is somebody's own, or was asked something, is kept nowhere.
async function fromNetwork(request, url) {
  const answer = await fetch(request);
  const own = url.search && request.mode === "navigate" || /no-store/.test(answer.headers.get("Cache-Control"));
  if (answer.ok && !own) await keep(request, answer.clone());
  return answer;
}

async function keep(request, answer) {
  const kept = await caches.open(KEPT);
  await kept.put(request, answer);
  const oldestFirst = await kept.keys();
  await Promise.all(oldestFirst.slice(0, -MOST_KEPT).map((each) => kept.delete(each)));
}

self.addEventListener("push", (event) => event.waitUntil(receive(read(event.data))));

// A test message, which only the city's own device gets (hub/canary_device.py), is reported once it is shown.
async function receive(said) {
  await show(said);
  if (said.proof) await send("/push/received", { key: said.proof });
}

// A message that cannot be read is still a call to look.
function read(data) {
  try {
    return data.json();
  } catch {
    return { title: "緊急情報 / Emergency information", body: "", url: "/", topic: "unread", id: "", sent: "", stays: true };
  }
}

// What is shown of an event is its newest message: an older one that comes late changes nothing, and neither does the
// same again; both without a sound, since something has to be shown.
async function show(said) {
  const before = (await self.registration.getNotifications({ tag: said.topic }))[0];
  const older = before && before.data.sent > said.sent;
  const now = older ? before.data : said;
  await self.registration.showNotification(now.title, {
    body: now.body, lang: now.language, tag: now.topic, data: now, requireInteraction: now.stays,
    timestamp: Date.parse(now.sent) || Date.now(), icon: "/favicon.ico",
    ...(now.proof || (before && before.data.id === now.id) ? { silent: true } : { renotify: true }),
  });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage(event.notification.data.url));
});

async function openPage(address) {
  const url = new URL(new URL(address, self.location.origin).pathname, self.location.origin).href;
  const windows = await self.clients.matchAll({ type: "window" });
  const there = windows.find((each) => each.url === url);
  return there ? there.focus() : self.clients.openWindow(url);
}

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

// The push service gave this browser another address: the city is told, with what was chosen before.
async function renew(event) {
  for (const [path, kept] of await chosen()) {
    const wanted = { userVisibleOnly: true, applicationServerKey: kept.key };
    await tell(path, kept, event.newSubscription || await self.registration.pushManager.subscribe(wanted));
  }
}

// When that could not be told, the next page that is opened tells it.
async function keepRegistered() {
  const all = self.PushManager ? await chosen() : [];
  const subscription = all.length && await self.registration.pushManager.getSubscription();
  for (const [path, kept] of subscription ? all : [])
    if (subscription.endpoint !== kept.subscription.endpoint) await tell(path, kept, subscription).catch(() => {});
}

// As a resident's, and as the city's own device: one browser may be both.
async function chosen() {
  const choices = await caches.open(CHOICES), found = [];
  for (const path of REGISTERED) {
    const kept = await choices.match(`${path}/choice`);
    if (kept) found.push([path, await kept.json()]);
  }
  return found;
}

async function tell(path, kept, fresh) {
  const { key, subscription: before, ...choice } = kept, subscription = fresh.toJSON();
  const answer = await send(path, { ...choice, subscription, before });
  if (!answer.ok) return;
  const told = new Response(JSON.stringify({ ...choice, key, subscription }));
  await (await caches.open(CHOICES)).put(`${path}/choice`, told);
}

const send = (path, body) => fetch(path, {
  method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});
