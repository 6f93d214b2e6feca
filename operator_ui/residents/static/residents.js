// Keeps the page true: an event says only that something changed, and the page is fetched anew.
"use strict";
(() => {
  const POLL_MS = 10000, LOST_MS = 60000, OLD_MS = 180000, SPREAD_MS = 2000, CHECK_MS = 60000, TRIES = 5;
  const COUNTS_MS = 20000;
  const DETOUR = 1.3, UNPLANNED = 1e7; // as shelters/walking.py; metres
  const part = () => document.getElementById("part");
  // What matters at once stands in front of the hyphen; counts alone may be some seconds apart between servers.
  const gist = (version) => version.split("-")[0];
  let waiting = 0, fetching = false, place = null, known = "", tries = 0, old = false;
  // The clock of this device may be wrong; the first contact corrects that.
  let heardAt = part() ? Math.min(Date.now(), Date.parse(part().dataset.checked)) : Date.now();
  let shownAt = performance.now();

  // Of many thousand readers not all ask in the same moment.
  const soon = () => setTimeout(refresh, Math.random() * SPREAD_MS);

  // Counts alone come each second, and nobody reads so fast.
  const later = () => { waiting ||= setTimeout(() => { waiting = 0; refresh(); }, Math.random() * COUNTS_MS); };

  async function refresh() {
    if (fetching || !part()) return;
    fetching = true;
    try {
      const answer = await fetch("?part", { cache: "no-cache", credentials: "omit" });
      if (answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("part");
        if (!fresh) return location.reload(); // an alert that is over now
        // A file may be old, however well it is served: by the server's clock, not by this device's.
        const now = Date.parse(answer.headers.get("Date")) + 1000 * Number(answer.headers.get("Age") ?? 0);
        old = now - Date.parse(fresh.dataset.checked) >= OLD_MS;
        if (!old) heardAt = Date.now();
        if (Date.parse(fresh.dataset.checked) < Date.parse(part().dataset.checked)) return;
        if (fresh.dataset.version !== part().dataset.version) show(fresh);
        else checkedAgain(fresh);
        again();
      }
    } catch { /* offline: `age` says so */ } finally {
      fetching = false;
      age();
    }
  }

  // The event may come before the page: then it is asked for again, a little later each time.
  function again() {
    if (!known || gist(known) === gist(part().dataset.version)) tries = 0;
    else if (tries++ < TRIES) setTimeout(refresh, SPREAD_MS * (tries + Math.random()));
  }

  const headings = (where) => [...where.querySelectorAll(".alert h2, .calm h2")].map((each) => each.textContent).join(" ");

  function show(fresh) {
    const at = document.activeElement && document.activeElement.id;
    if (headings(fresh) !== headings(part())) document.getElementById("said").textContent = headings(fresh);
    for (const chosen of part().querySelectorAll(".filters :checked")) {
      const again = fresh.querySelector("#" + chosen.id);
      if (again) again.checked = true;
    }
    part().replaceWith(document.adoptNode(fresh));
    shownAt = performance.now();
    if (at && document.getElementById(at)) document.getElementById(at).focus({ preventScroll: true });
    dress();
  }

  function checkedAgain(fresh) {
    const times = fresh.querySelectorAll(".checked");
    part().querySelectorAll(".checked").forEach((each, i) => { if (times[i]) each.textContent = times[i].textContent; });
    for (const name of ["checked", "kept", "old"]) part().dataset[name] = fresh.dataset[name];
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
    for (const each of here.querySelectorAll("[data-until]"))
      if (now > Date.parse(each.dataset.until)) forget(each);
    const note = document.getElementById("kept");
    note.hidden = !kept();
    note.textContent = !kept() ? "" : old && navigator.onLine ? here.dataset.old : here.dataset.kept;
  }

  // Nobody has said anything new of this place: then nobody knows whether there is room.
  function forget(site) {
    const state = [...site.classList].find((name) => name.startsWith("s-"));
    const chip = site.querySelector(".chip"), number = Number(site.querySelector(".pin").textContent);
    const marker = site.closest(".shelters").querySelectorAll(".map-marker")[number - 1];
    for (const each of [site, chip, marker]) each.classList.replace(state, "s-unknown");
    chip.replaceChildren(part().dataset.unknown);
    for (const each of site.querySelectorAll(".room, .num:not(.pin, .distance) b:not(.tag)")) each.remove();
    delete site.dataset.until;
    delete site.dataset.price;
  }

  const kept = () => old || Date.now() - heardAt >= LOST_MS || !navigator.onLine;

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
      const planned = sites.some((site) => site.dataset.price);
      sites.forEach((site, i) => {
        site.dataset.order ??= i;
        site.metres = from ? distance(from, site) : 0;
        // By the plan there is room on arrival where way and price are least; what it does not count on comes after.
        site.rank = from && planned ? DETOUR * site.metres + Number(site.dataset.price ?? UNPLANNED) : site.metres;
      });
      sites.sort((a, b) => a.rank - b.rank || a.dataset.order - b.dataset.order);
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
      known = event.data;
      tries = 0;
      if (gist(known) !== gist(part().dataset.version)) soon();
      else if (known !== part().dataset.version) later();
      else { heardAt = Date.now(); age(); }
    });
    // A stream that is open says that the page is true only while it speaks of the same as the page.
    setInterval(() => {
      const open = events.readyState === EventSource.OPEN && navigator.onLine;
      if (open && gist(known) === gist(part().dataset.version)) heardAt = Date.now();
      else refresh();
      age();
    }, POLL_MS);
    setInterval(() => { if (!document.hidden) soon(); }, CHECK_MS);
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  window.addEventListener("online", refresh);
  window.addEventListener("offline", age);
  // Remembered on this device alone; where that is not allowed, large letters last as long as the page.
  const letters = document.getElementById("letters");
  try {
    letters.checked = localStorage.getItem("letters") === "large";
    letters.addEventListener("change", () => localStorage.setItem("letters", letters.checked ? "large" : ""));
  } catch { /* no storage */ }
  const print = document.getElementById("print");
  print.hidden = false;
  print.addEventListener("click", () => window.print());
  if (part()) { dress(); listen(); }
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
})();
