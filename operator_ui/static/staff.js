// Enhances pages that work without it. Sends nothing by itself: every alert is sent by a form a person submits.
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

const AUTOSAVE_MS = 3000;
const CHOICE_MS = 400;
const REFRESH_MS = 20000;
const POLL_MS = 10000;
const STALE_MS = 30000;

// --- parts that the server renders anew -----------------------------------------------------

function swap(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of $$("[data-live][id]", fresh)) {
    const old = document.getElementById(part.id);
    if (!old || old.outerHTML === part.outerHTML || holdsFocus(old)) continue;
    for (const details of $$("details[id]", part)) {
      const before = document.getElementById(details.id);
      if (before) details.open = before.open;
    }
    old.replaceWith(part);
    enhance(part);
  }
}

// Somebody reading or pressing something in it is not interrupted; the next change brings it up to date.
function holdsFocus(element) {
  const active = document.activeElement;
  return active !== element && element.contains(active) && active.matches("input,select,textarea");
}

// --- drafts are saved while they are typed ----------------------------------------------------

function autosave(form) {
  const said = $("[data-saved-said]");
  let timer = 0;
  let saving = null;
  let again = false;

  function tell(text, bad) {
    said.classList.toggle("bad", bad);
    $("span", said).textContent = text;
  }

  async function save() {
    clearTimeout(timer);
    if (saving) {
      again = true;
      return;
    }
    const typed = new FormData(form);
    typed.set("act", "autosave");
    saving = post(form.action, typed);
    const answer = await saving;
    saving = null;
    if (answer.version) {
      form.elements.version.value = answer.version;
      const problem = answer.problems[0];
      tell(problem ? problem.message : `${form.dataset.saved} ${answer.saved_at}`, Boolean(problem));
      swap(answer.html);
    } else {
      tell(answer.status === 409 ? form.dataset.conflict : form.dataset.failed, true);
    }
    if (again) {
      again = false;
      await save();
    }
  }

  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(save, ms);
  };
  form.addEventListener("input", (event) => later(event.target.matches("textarea,input:not([type=radio],[type=checkbox])") ? AUTOSAVE_MS : CHOICE_MS));
  window.addEventListener("online", () => later(0));
  form.addEventListener("submit", async (event) => {
    clearTimeout(timer);
    if (!saving) return;
    event.preventDefault(); // the version in the form is about to change
    again = false;
    await saving;
    setTimeout(() => form.requestSubmit(event.submitter));
  });
}

async function post(url, typed) {
  try {
    const answer = await fetch(url, { method: "POST", body: new URLSearchParams(typed), headers: { Accept: "application/json" } });
    if (!answer.headers.get("Content-Type")?.includes("json")) return { status: 401 };
    return { status: answer.status, ...(await answer.json()) };
  } catch {
    return { status: 0 };
  }
}

// --- choosing towns -----------------------------------------------------------------------------

function towns(list) {
  const form = list.closest("form");
  const choice = $("input[name=area][value=towns]", form);
  list.addEventListener("input", () => {
    choice.checked = true;
  });
  for (const radio of $$("input[name=area]", form)) {
    radio.addEventListener("input", () => {
      if (radio === choice) list.open = true;
    });
  }
}

// --- tabs: <details> become a tab list ---------------------------------------------------------

function tabs(box) {
  const panels = $$(":scope > details", box);
  const list = document.createElement("div");
  list.className = "tablist";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", box.dataset.tabs);
  const buttons = panels.map((panel) => tab(panel));
  function show(index, focus) {
    panels.forEach((panel, i) => {
      panel.open = i === index;
      panel.hidden = i !== index;
      buttons[i].setAttribute("aria-selected", i === index);
      buttons[i].tabIndex = i === index ? 0 : -1;
    });
    if (focus) buttons[index].focus();
  }
  buttons.forEach((button, index) => {
    button.addEventListener("click", () => show(index, false));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const to = event.key === "Home" ? 0 : event.key === "End" ? buttons.length - 1 : step && (index + step + buttons.length) % buttons.length;
      if (to === undefined) return;
      event.preventDefault();
      show(to, true);
    });
    list.append(button);
  });
  for (const panel of panels) panel.removeAttribute("name");
  box.classList.add("tabbed");
  box.prepend(list);
  show(Math.max(0, panels.findIndex((panel) => $("[aria-invalid=true]", panel))), false);
  box.showPanelOf = (element) => {
    const index = panels.findIndex((panel) => panel.contains(element));
    if (index >= 0) show(index, false);
  };
}

function tab(panel) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "tab");
  button.setAttribute("aria-controls", panel.id);
  const summary = $("summary", panel);
  const mirror = () => {
    button.innerHTML = summary.innerHTML;
    for (const copy of $$("[id]", button)) {
      copy.removeAttribute("id");
      copy.removeAttribute("data-live");
    }
  };
  mirror();
  new MutationObserver(mirror).observe(summary, { childList: true, subtree: true, characterData: true });
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-label", summary.textContent.trim());
  return button;
}

// --- approving ------------------------------------------------------------------------------------

function digit(input) {
  const said = $("[data-digit-said]", input.closest("form"));
  const asked = said.textContent;
  input.addEventListener("input", () => {
    const typed = input.value.normalize("NFKC").trim();
    const right = typed === input.dataset.digit;
    said.textContent = typed === "" ? asked : right ? said.dataset.right : said.dataset.wrong;
    input.toggleAttribute("aria-invalid", typed !== "" && !right);
    if (input.hasAttribute("aria-invalid")) input.setAttribute("aria-invalid", "true");
  });
}

// Time to think again, before anything is sent. A level 5 has none: its form says 0.
function countdown(form) {
  const seconds = Number(form.dataset.countdown);
  const template = $("template#countdown");
  for (const hint of $$("[data-script-only]", form)) hint.hidden = false;
  if (!seconds || !template) return;
  form.addEventListener("submit", (event) => {
    if (form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const input = $("[data-digit]", form);
    if (input.value.normalize("NFKC").trim() !== input.dataset.digit) {
      input.dispatchEvent(new Event("input"));
      input.focus();
      return;
    }
    const dialog = template.content.firstElementChild.cloneNode(true);
    document.body.append(dialog);
    const until = Date.now() + seconds * 1000;
    const left = $("[data-left]", dialog);
    left.textContent = seconds;
    const timer = setInterval(() => {
      const remaining = Math.ceil((until - Date.now()) / 1000);
      left.textContent = Math.max(0, remaining);
      if (remaining > 0) return;
      clearInterval(timer);
      form.dataset.confirmed = "yes";
      dialog.close();
      form.requestSubmit(event.submitter);
    }, 200);
    dialog.addEventListener("close", () => {
      clearInterval(timer);
      dialog.remove();
    });
    $("[data-cancel]", dialog).addEventListener("click", () => dialog.close());
    dialog.showModal();
  });
}

// A second press does nothing; the server would refuse it too.
function once(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    setTimeout(() => {
      for (const button of $$("button", form)) button.disabled = true;
    });
  });
}

// --- the live page ----------------------------------------------------------------------------------

function watch(box) {
  let version = box.dataset.version;
  let shownAt = Date.now();
  let fetching = false;
  const every = Number(box.dataset.every ?? REFRESH_MS);

  async function refresh() {
    if (fetching) return;
    fetching = true;
    try {
      const answer = await fetch(box.dataset.fragment, { headers: { Accept: "text/html" } });
      if (answer.ok && !answer.redirected) {
        swap(await answer.text());
        shownAt = Date.now();
        announce();
      }
    } catch {
      // said below, once it has lasted
    } finally {
      fetching = false;
      stale();
    }
  }

  function stale() {
    const said = $("[data-stale-said]");
    if (!said || !box.dataset.stale) return;
    said.hidden = Date.now() - shownAt < STALE_MS;
    said.textContent = box.dataset.stale.replace("{time}", new Date(shownAt).toLocaleTimeString("ja-JP", { timeZone: "Asia/Tokyo", hour: "2-digit", minute: "2-digit" }));
  }

  const source = new EventSource(box.dataset.watch);
  source.addEventListener("version", (event) => {
    if (event.data === version) return;
    version = event.data;
    refresh();
  });
  setInterval(() => {
    const silent = source.readyState !== EventSource.OPEN;
    if (!document.hidden && Date.now() - shownAt >= (silent ? POLL_MS : every)) refresh();
    stale();
  }, 2000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh();
  });
  window.addEventListener("pagehide", () => source.close());
}

let announced = -1;
function announce() {
  const percent = Number($("[data-percent]")?.dataset.percent ?? 0);
  const step = Math.floor(percent / 25);
  const region = $("[data-announce]");
  if (region && announced >= 0 && step > announced) region.textContent = region.dataset.announce.replace("{percent}", step * 25);
  announced = Math.max(announced, step);
}

// --- small things ------------------------------------------------------------------------------------

function copying(button) {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    $("span", button).textContent = button.dataset.copied;
  });
}

function offline() {
  for (const banner of $$("[data-offline]")) banner.hidden = navigator.onLine;
}

function goTo(link) {
  link.addEventListener("click", () => {
    const field = document.getElementById(link.hash.slice(1));
    if (!field) return;
    const panel = field.closest("[data-tabs]");
    if (panel?.showPanelOf) panel.showPanelOf(field);
    for (let details = field.closest("details"); details; details = details.parentElement.closest("details")) details.open = true;
    const input = field.matches("input,select,textarea") ? field : $("input,select,textarea", field);
    setTimeout(() => input?.focus());
  });
}

function enhance(root) {
  $$("[data-copy]", root).forEach(copying);
  $$("form[data-once]", root).forEach(once);
}

$$("form[data-send]").forEach(countdown); // before `once`: a cancelled countdown has sent nothing
enhance(document);
$$("[data-tabs]").forEach(tabs);
$$("form[data-autosave]").forEach(autosave);
$$("[data-towns]").forEach(towns);
$$("[data-digit]").forEach(digit);
$$("[data-watch]").forEach(watch);
$$(".problems a").forEach(goTo);
$("[data-focus]")?.focus();
announce();
offline();
window.addEventListener("online", offline);
window.addEventListener("offline", offline);
