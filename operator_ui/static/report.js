// A shelter's steps, reports and ticks wait here while there is no line, with the device's own time, and go out in
// their order once it is back. What has an id counts once however often it arrives, and so does a step by its number.
// What the server did not take stays to be seen until somebody has read it. Without this script all are forms.
const bar = document.querySelector("[data-waiting]");
const refused = document.querySelector("[data-refused]");
const { base, site, worker } = bar.dataset;
const WAITING = `yobikake-waiting:${base}:${site}`;
const REFUSED = `yobikake-refused:${base}:${site}`;
const RETRY_MS = 15000;
const forms = () => [...document.querySelectorAll("form[data-queue]")];
const steps = () => document.getElementById("take-step"); // with the stage and the number of steps that the hub knows of
const isCopy = "kept" in document.documentElement.dataset; // from the service worker, not from the hub
const typing = new Set(); // forms with something in them that was not sent
let flushing = false;

function stored(key = WAITING) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return [];
  }
}

function store(waiting, key = WAITING) {
  try {
    localStorage.setItem(key, JSON.stringify(waiting));
    return true;
  } catch {
    return false; // no room, or not allowed: the form is sent as a form
  }
}

function fresh() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function clock(at) {
  return new Date(at).toLocaleTimeString("ja-JP", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" });
}

// --- what the page shows of it ---------------------------------------------------------------

function show(said) {
  const waiting = stored();
  bar.classList.toggle("waits", waiting.length > 0);
  bar.querySelector("b").textContent = waiting.length ? bar.dataset.waits.replace("{number}", waiting.length) : navigator.onLine ? bar.dataset.online : bar.dataset.offline;
  bar.querySelector("span").textContent = said ?? (waiting.length ? bar.dataset.from.replace("{time}", clock(waiting[0].at)) : bar.dataset.hint);
  for (const form of forms()) form.classList.toggle("waits", waiting.some((each) => each.form === form.getAttribute("id")));
  showSteps(waiting.filter((each) => each.kind === "step"));
}

// The next step is offered as if those that wait had been taken: the server decides about each when it arrives.
function showSteps(waiting) {
  const last = waiting.at(-1);
  const { elements, dataset } = steps();
  const stage = last?.stage ?? dataset.stage;
  elements.seen.value = last ? last.seen + 1 : dataset.seen;
  for (const part of steps().querySelectorAll("[data-at]")) {
    part.hidden = !part.dataset.at.split(" ").includes(stage);
    for (const input of [part, ...part.querySelectorAll("input")]) if ("disabled" in input) input.disabled = part.hidden;
  }
  for (const row of document.querySelectorAll("[id^=course-]")) row.classList.toggle("awaited", waiting.some((each) => row.id === `course-${each.stage}`));
}

function showRefused() {
  const list = refused.querySelector("ul");
  const all = stored(REFUSED);
  refused.hidden = !all.length;
  list.replaceChildren(...all.map(lineOf));
}

function lineOf(each) {
  const item = refused.querySelector("template").content.firstElementChild.cloneNode(true);
  item.querySelector("b").textContent = each.what;
  item.querySelector(".sub").textContent = [clock(each.at), ...each.told].join("・");
  item.querySelector(".problem").textContent = each.said;
  item.querySelector("button").addEventListener("click", () => {
    store(stored(REFUSED).filter((other) => other.id !== each.id), REFUSED);
    showRefused();
  });
  return item;
}

// --- sending ---------------------------------------------------------------------------------

async function send(each) {
  const typed = new URLSearchParams(each.fields);
  typed.set("at", each.at);
  typed.set("csrf", steps().elements.csrf.value); // the page's own: the one it was typed under may be over
  const answer = await fetch(each.action, { method: "POST", body: typed, headers: { Accept: "application/json" } });
  if (!answer.headers.get("Content-Type")?.includes("json")) return { status: answer.redirected ? 401 : answer.status };
  return { status: answer.status, said: (await answer.json()).said };
}

// In their order, until one does not arrive. What was refused holds up no other.
async function flush() {
  if (flushing) return;
  flushing = true;
  const sent = [];
  let said;
  try {
    for (let [each] = stored(); each; [each] = stored()) {
      const answer = await send(each);
      if (answer.status !== 200 && answer.said === undefined) {
        said = answer.status === 401 || answer.status === 403 ? bar.dataset.signin : undefined;
        break;
      }
      if (answer.said !== undefined) {
        said = answer.said;
        if (each.waited || each.kind !== "report") store([...stored(REFUSED), { ...each, said }], REFUSED);
      } else if (each.kind === "step") {
        Object.assign(steps().dataset, { stage: each.stage, seen: each.seen + 1 });
      }
      store(stored().filter((other) => other.id !== each.id));
      if (answer.said === undefined || each.kind === "step") sent.push(each);
    }
  } catch {
    // no line: they wait
  } finally {
    flushing = false;
    store(stored().map((each) => ({ ...each, waited: true })));
  }
  show(said);
  showRefused();
  if (sent.length && !stored().length) arrived(sent);
  else if (isCopy) renew();
}

// The server's page says what is true now; it is not drawn over somebody who is typing.
function arrived(sent) {
  if (typing.size) bar.querySelector("span").textContent = bar.dataset.sent;
  else open(sent.some((each) => each.kind === "report") ? `${base}?reported` : base);
}

// A copy gives way to the page as soon as the hub answers.
async function renew() {
  if (typing.size || stored().length) return;
  try {
    const answer = await fetch(base, { method: "HEAD" });
    if (answer.status < 500) open(base);
  } catch {
    // no line: the copy stays
  }
}

function open(address) {
  if (address === location.pathname + location.search) location.reload();
  else location.replace(address);
}

// --- what is typed and pressed -----------------------------------------------------------------

document.addEventListener("input", ({ target }) => target.form?.matches("[data-queue]") && typing.add(target.form));
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-queue]")) return;
  const id = fresh(); // not the page's: a copy of it may be opened twice
  const fields = [...new FormData(form, event.submitter)].filter(([name]) => name !== "id" && name !== "csrf").concat([["id", id]]);
  const each = { id, fields, kind: form.dataset.queue, form: form.getAttribute("id"), action: form.getAttribute("action"), at: new Date().toISOString(), what: event.submitter?.innerText.trim() ?? "", told: told(form) };
  if (each.kind === "step") Object.assign(each, { stage: event.submitter?.value, seen: Number(form.elements.seen.value) });
  if (!store([...stored(), each])) return;
  event.preventDefault();
  typing.delete(form);
  show();
  flush();
});

// A double tap is one tap: the button under the second may be another step by then.
document.addEventListener("click", (event) => event.detail > 1 && event.target.closest("#take-step") && event.preventDefault());
// What the hub says anew knows nothing of what waits here.
document.addEventListener("swapped", () => {
  for (const form of typing) if (!form.isConnected) typing.delete(form);
  show();
});

// What somebody would have to type again.
function told(form) {
  const filled = [...form.elements].filter((input) => input.name && input.labels?.length && !input.disabled && (input.matches("[type=radio],[type=checkbox]") ? input.checked : input.value));
  return filled.map((input) => (input.matches("[type=radio],[type=checkbox]") ? input.labels[0].textContent.trim() : `${input.labels[0].textContent.trim()} ${input.value}`));
}

for (const button of document.querySelectorAll("[data-step]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const input = document.getElementById(button.dataset.for);
    const from = Number(input.value.normalize("NFKC") || (input.dataset.from ?? 0));
    input.value = Math.max(0, from + Number(button.dataset.step));
    typing.add(input.form);
  });
}

// Leaving takes nothing along that waits: it stays on this device for whoever opens this shelter's page next.
let warned = false;
document.querySelector("form[action$='/out']")?.addEventListener("submit", (event) => {
  if (warned || !stored().length) return localStorage.removeItem("yobikake-opened");
  event.preventDefault();
  warned = true;
  show(bar.dataset.leaving.replace("{number}", stored().length));
});

bar.hidden = false;
if (isCopy) document.querySelector("[data-kept-said]").hidden = false;
if (worker) navigator.serviceWorker?.register(worker, { scope: base }).catch(() => {});
show();
showRefused();
flush();
setInterval(() => (isCopy || stored().length) && flush(), RETRY_MS);
window.addEventListener("online", flush);
window.addEventListener("offline", () => show());
document.addEventListener("visibilitychange", () => document.hidden || flush());
