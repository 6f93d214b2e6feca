// Keeps the page true: an event says only that something changed, and the page is fetched anew.
"use strict";
(() => {
  const POLL_MS = 10000, LOST_MS = 60000, SPREAD_MS = 2000, CHECK_MS = 60000;
  const part = () => document.getElementById("part");
  let fetching = false, place = null;
  // The clock of this device may be wrong; the first contact corrects that.
  let heardAt = part() ? Math.min(Date.now(), Date.parse(part().dataset.checked)) : Date.now();
  let shownAt = performance.now();

  // Of many thousand readers not all ask in the same moment.
  const soon = () => setTimeout(refresh, Math.random() * SPREAD_MS);

  async function refresh() {
    if (fetching || !part()) return;
    fetching = true;
    try {
      const answer = await fetch("?part", { cache: "no-cache", credentials: "omit" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("part");
        heardAt = Date.now();
        if (fresh.dataset.version !== part().dataset.version) show(fresh);
        else checkedAgain(fresh);
      }
    } catch { /* offline: `age` says so */ } finally {
      fetching = false;
      age();
    }
  }

  const headings = (where) => [...where.querySelectorAll(".alert h2, .calm h2")].map((each) => each.textContent).join(" ");

  function show(fresh) {
    const at = document.activeElement && document.activeElement.id;
    if (headings(fresh) !== headings(part())) document.getElementById("said").textContent = headings(fresh);
    part().replaceWith(document.adoptNode(fresh));
    shownAt = performance.now();
    if (at && document.getElementById(at)) document.getElementById(at).focus({ preventScroll: true });
    dress();
  }

  function checkedAgain(fresh) {
    const times = fresh.querySelectorAll(".checked");
    part().querySelectorAll(".checked").forEach((each, i) => { if (times[i]) each.textContent = times[i].textContent; });
    for (const name of ["checked", "kept"]) part().dataset[name] = fresh.dataset[name];
    shownAt = performance.now();
  }

  function age() {
    const here = part();
    if (!here) return;
    // By the server's clock and the time since; a copy that was kept may be older than that.
    const now = Math.max(Date.parse(here.dataset.checked) + performance.now() - shownAt, kept() ? Date.now() : 0);
    for (const each of here.querySelectorAll(".ago")) {
      const minutes = Math.max(0, Math.floor((now - Date.parse(each.dataset.since)) / 60000));
      each.textContent = "（" + here.dataset.ago.replace("{n}", minutes) + "）";
    }
    const note = document.getElementById("kept");
    note.hidden = !kept();
    note.textContent = kept() ? here.dataset.kept : "";
  }

  const kept = () => Date.now() - heardAt >= LOST_MS || !navigator.onLine;

  function dress() {
    for (const each of document.querySelectorAll(".sort")) each.hidden = !navigator.geolocation;
    for (const button of document.querySelectorAll("[data-sort]"))
      button.addEventListener("click", () => (button.dataset.sort === "distance" ? locate() : sort(null)));
    if (place) sort(place);
    age();
  }

  function locate() {
    navigator.geolocation.getCurrentPosition(
      (found) => sort(found.coords), () => sort(null), { maximumAge: 60000, timeout: 10000 });
  }

  // `from`: where the reader is, which never leaves this device; null: the server's order, by room.
  function sort(from) {
    place = from;
    for (const list of document.querySelectorAll(".sites")) {
      const sites = [...list.children];
      sites.forEach((site, i) => { site.dataset.order ??= i; site.metres = from ? distance(from, site) : 0; });
      sites.sort((a, b) => a.metres - b.metres || a.dataset.order - b.dataset.order);
      for (const site of sites) {
        site.querySelector(".distance").textContent =
          from ? part().dataset.distance.replace("{km}", (site.metres / 1000).toFixed(1)) : "";
        list.append(site);
      }
    }
    for (const button of document.querySelectorAll("[data-sort]"))
      button.setAttribute("aria-pressed", String((button.dataset.sort === "distance") === Boolean(from)));
  }

  function distance(from, site) {
    const [latitude, longitude] = site.dataset.at.split(",").map(Number), degree = 111195;
    const east = (longitude - from.longitude) * Math.cos((latitude * Math.PI) / 180);
    return Math.hypot(latitude - from.latitude, east) * degree;
  }

  function listen() {
    const events = new EventSource("/events");
    events.addEventListener("version", (event) => {
      heardAt = Date.now();
      if (part() && event.data !== part().dataset.version) soon();
    });
    events.addEventListener("open", () => { heardAt = Date.now(); age(); });
    setInterval(() => {
      if (events.readyState === EventSource.OPEN && navigator.onLine) heardAt = Date.now();
      else refresh();
      age();
    }, POLL_MS);
    setInterval(() => { if (!document.hidden) soon(); }, CHECK_MS);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  window.addEventListener("online", refresh);
  window.addEventListener("offline", age);
  const print = document.getElementById("print");
  print.hidden = false;
  print.addEventListener("click", () => window.print());
  if (part()) { dress(); listen(); }
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
})();
