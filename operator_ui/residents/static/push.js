// Registers this browser for notifications, changes what it is registered for, and takes it out again. On the page for
// staff (`data-device`) it becomes the one that shows the hub's test messages, by the pass behind the # of the link.
"use strict";
(() => {
  const page = document.getElementById("push"), form = document.getElementById("push-form");
  const device = "device" in page.dataset, path = device ? "/push/device" : "/push";
  const CHOICES = "push-1", CHOICE = `${path}/choice`; // as in sw.js, which needs them when a subscription is replaced

  const able = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

  function state(now) {
    for (const each of page.querySelectorAll("[data-state]"))
      each.hidden = !each.dataset.state.split(" ").includes(now);
  }

  function say(what) {
    for (const each of page.querySelectorAll("[data-said]")) each.hidden = each.dataset.said !== what;
  }

  async function registration() {
    await navigator.serviceWorker.register("/sw.js");
    return navigator.serviceWorker.ready;
  }

  const send = (path, body) => fetch(path, {
    method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });

  async function choice() {
    const kept = await (await caches.open(CHOICES)).match(CHOICE);
    return kept ? kept.json() : null;
  }

  async function look() {
    if (!able()) return state("unable");
    if (Notification.permission === "denied") return state("denied");
    const [subscription, chosen] = [await (await registration()).pushManager.getSubscription(), await choice()];
    if (!subscription || !chosen) return state("ready");
    if (device) return state("registered");
    form.town.value = chosen.town;
    form.language.value = chosen.language;
    form.drills.checked = chosen.drills;
    state("registered");
  }

  // A subscription of another key would never get anything: it is given up first.
  async function subscribed(manager) {
    const old = await manager.getSubscription(), wanted = page.dataset.key;
    const key = old && old.options.applicationServerKey;
    const same = key && btoa(String.fromCharCode(...new Uint8Array(key)))
      .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") === wanted;
    if (same) return old;
    if (old) await old.unsubscribe();
    return manager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
  }

  async function register() {
    if (await Notification.requestPermission() !== "granted") return look();
    const subscription = await subscribed((await registration()).pushManager);
    const before = (await choice())?.subscription ?? null;
    const wish = device ? {}
      : { town: form.town.value, language: form.language.value, drills: form.drills.checked };
    const chosen = { subscription: subscription.toJSON(), ...wish };
    const answer = await send(path, { ...chosen, before, ...device && { pass: location.hash.slice(1) } });
    if (!answer.ok) return say(await problem(answer));
    const kept = new Response(JSON.stringify({ ...chosen, key: page.dataset.key }));
    await (await caches.open(CHOICES)).put(CHOICE, kept);
    state("registered");
    say("done");
  }

  async function problem(answer) {
    const said = [400, 403].includes(answer.status) ? (await answer.json().catch(() => ({}))).problem : "";
    return ["service", "old"].includes(said) ? said : "away";
  }

  async function leave() {
    const subscription = await (await registration()).pushManager.getSubscription();
    if (subscription) {
      const answer = await send("/push/leave", { subscription: subscription.toJSON() });
      if (!answer.ok) return say("away");
      await subscription.unsubscribe();
    }
    await caches.delete(CHOICES);
    state("ready");
    say("left");
  }

  const or = (work) => () => { say(""); work().catch(() => say("away")); };
  form.addEventListener("submit", (event) => { event.preventDefault(); or(register)(); });
  document.getElementById("push-leave")?.addEventListener("click", or(leave));
  look().catch(() => state("unable"));
})();
