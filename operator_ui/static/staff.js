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
  const ticked = $$("input[data-keep]:checked").map(({ id, dataset, ariaLabel }) => ({ id, keep: dataset.keep, name: ariaLabel }));
  const stood = document.activeElement;
  const within = stood.closest("[data-live][id]")?.id;
  for (const part of $$("[data-live][id]", fresh)) {
    const old = document.getElementById(part.id);
    if (!old || old.outerHTML === part.outerHTML || holdsFocus(old)) continue;
    if (part.dataset.as && part.dataset.as === old.dataset.as) continue; // a script changed it here: it says what it shows
    for (const details of $$("details[id]", part)) {
      const before = document.getElementById(details.id);
      if (before) details.open = before.open;
    }
    old.replaceWith(part);
    enhance(part);
  }
  document.dispatchEvent(new Event("swapped"));
  tickAgain(ticked);
  if (!stood.isConnected) twin(stood, document.getElementById(within))?.focus({ preventScroll: true });
}

// Somebody typing something in it is not interrupted; the next change brings it up to date.
function holdsFocus(element) {
  const active = document.activeElement;
  return active !== element && element.contains(active) && active.matches("input:not([data-keep]),select,textarea");
}

// What was ticked stays ticked while it is as it was. What is no longer so was ticked for something else: that is said.
function tickAgain(ticked) {
  const lost = ticked.filter(({ id, keep }) => {
    const box = document.getElementById(id);
    const same = box?.dataset.keep === keep;
    if (same) box.checked = true;
    return !same;
  });
  const said = $("[data-unticked]");
  if (!lost.length || !said) return;
  said.textContent = said.dataset.unticked.replace("{names}", lost.map(({ name }) => name).join("、"));
  said.hidden = false;
}

// What stands where this one stood.
function twin(element, part) {
  if (element.id) return document.getElementById(element.id);
  const name = ["href", "value"].find((each) => element.hasAttribute(each));
  return name && part && $(`[${name}="${CSS.escape(element.getAttribute(name))}"]`, part);
}

// --- drafts are saved while they are typed: on the server, and on this device until the server has them ---

function autosave(form) {
  const said = $("[data-saved-said]");
  const kept = keeper(form);
  let timer = 0;
  let saving = null;
  let dirty = false;
  let stopped = false; // somebody else changed it: a person chooses first

  function tell(text, bad) {
    said.classList.toggle("bad", bad);
    $("span", said).textContent = text;
  }

  function away(is) {
    for (const banner of $$("[data-offline]")) banner.hidden = !is && navigator.onLine;
  }

  // Resolves to whether the server has all that was typed.
  async function save() {
    clearTimeout(timer);
    if (saving) {
      await saving;
      return dirty && !stopped ? save() : !dirty;
    }
    saving = exchange();
    await saving;
    saving = null;
    return !dirty;
  }

  async function exchange() {
    const typed = new FormData(form);
    typed.set("act", "autosave");
    dirty = false;
    const answer = await post(form.action, typed);
    if (answer.version) {
      form.elements.version.value = answer.version;
      rewrite(answer.texts, typed);
      const problem = answer.problems[0];
      tell(problem ? problem.message : `${form.dataset.saved} ${answer.saved_at}`, Boolean(problem));
      swap(answer.html);
      away(false);
      if (!dirty) kept.forget();
      return;
    }
    dirty = true;
    if (answer.conflict) {
      stopped = true;
      tell(form.dataset.conflict, true);
      swap(answer.html);
    } else if (answer.status === 0) {
      tell(form.dataset.kept, true);
      away(true);
      later(AUTOSAVE_MS);
    } else {
      tell(answer.status === 409 ? form.dataset.conflict : form.dataset.failed, true);
    }
  }

  // Texts that nobody changed follow the area, the level and the typed values. Left as they were, the next
  // save would put the old ones back. What somebody is changing at this moment stays theirs.
  function rewrite(texts, typed) {
    for (const [id, text] of Object.entries(texts)) {
      const field = document.getElementById(id);
      if (field && field.value === typed.get(id)) field.value = text;
    }
  }

  const later = (ms) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(save, ms);
  };
  form.addEventListener("input", (event) => {
    dirty = true;
    kept.keep();
    later(event.target.matches("textarea,input:not([type=radio],[type=checkbox])") ? AUTOSAVE_MS : CHOICE_MS);
  });
  window.addEventListener("online", () => dirty && later(0));
  // The text reaches the server before the page is left; without a line the page stays, with everything in it.
  form.addEventListener("submit", async (event) => {
    clearTimeout(timer);
    if (event.submitter?.name === "overwrite") kept.forget();
    if (event.submitter?.name === "overwrite" || (!dirty && !saving)) return;
    event.preventDefault();
    if (stopped || !(await save())) return;
    setTimeout(() => form.requestSubmit(event.submitter));
  });
  document.addEventListener("click", (event) => event.target.closest("[data-forget]") && kept.forget());
  if (kept.restore()) {
    dirty = true;
    tell(form.dataset.restored, false);
    later(0);
  }
}

// What was typed, on this device only, from the moment it is typed until the server has it.
function keeper(form) {
  const key = `draft:${new URL(form.action).pathname}`;
  const fields = () => [...new FormData(form)].filter(([name]) => name !== "csrf" && name !== "version");
  const drop = () => {
    try {
      localStorage.removeItem(key);
    } catch {
      // a browser that keeps nothing has nothing to drop
    }
  };
  return {
    forget: drop,
    keep() {
      try {
        localStorage.setItem(key, JSON.stringify({ version: form.elements.version.value, fields: fields() }));
      } catch {
        // private browsing, or full: the server's copy is the one that counts
      }
    },
    // True when there was something that the server does not have; it is in the form again.
    restore() {
      let left = null;
      try {
        left = JSON.parse(localStorage.getItem(key));
      } catch {
        // not ours to mend
      }
      if (!left || $("#conflict section") || JSON.stringify(left.fields) === JSON.stringify(fields())) {
        drop();
        return false;
      }
      fill(form, left.fields);
      form.elements.version.value = left.version;
      return true;
    },
  };
}

function fill(form, fields) {
  for (const input of form.querySelectorAll("input:not([type=hidden]),select,textarea")) {
    const values = fields.filter(([name]) => name === input.name).map(([, value]) => value);
    if (input.matches("[type=radio],[type=checkbox]")) input.checked = values.includes(input.value);
    else if (values.length) input.value = values[0].replaceAll("\r\n", "\n");
  }
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
  show(Math.max(0, panels.findIndex((panel) => $("[aria-invalid=true],.problem", panel))), false);
  box.showPanelOf = (element) => {
    const index = panels.findIndex((panel) => panel.contains(element));
    if (index >= 0) show(index, false);
  };
}

function tab(panel) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("role", "tab");
  const body = panel.lastElementChild; // what `details` itself may not be called
  body.id = `${panel.id}-panel`;
  button.setAttribute("aria-controls", body.id);
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
  body.setAttribute("role", "tabpanel");
  body.setAttribute("aria-label", summary.textContent.trim());
  return button;
}

// --- approving ------------------------------------------------------------------------------------

function digit(input) {
  const said = $$("[data-digit-said]", input.closest("form"));
  input.addEventListener("input", () => {
    const now = input.value.trim() === "" ? "" : isRight(input) ? "right" : "wrong";
    for (const each of said) each.hidden = each.dataset.digitSaid !== now;
    if (now === "wrong") input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  });
}

// Full-width digits too, and zeros in front, as the server takes them.
function isRight(input) {
  const typed = input.value.normalize("NFKC").trim();
  return typed !== "" && Number(typed) === Number(input.dataset.digit);
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
    if (!isRight(input)) {
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

// How long somebody has been waiting, or has to wait, by the clock of this device.
function ticks(element) {
  const start = Number(element.dataset.ticks);
  const began = Date.now();
  const timer = setInterval(() => {
    const now = start + Number(element.dataset.step) * Math.floor((Date.now() - began) / 1000);
    if (now <= 0 && element.dataset.over) {
      element.textContent = element.dataset.over;
      clearInterval(timer);
    } else {
      element.textContent = element.dataset.said.replace("{m}", Math.floor(now / 60)).replace("{s}", now % 60);
    }
  }, 1000);
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
    box.classList.toggle("stopped", !said.hidden);
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

// The time by the server's clock, which the page brings with every change.
function clock(element) {
  let told = "";
  let ahead = 0;
  function tick() {
    const now = $("[data-now]")?.dataset.now ?? told;
    if (now !== told) {
      told = now;
      ahead = Date.parse(now) - Date.now();
    }
    element.textContent = new Date(Date.now() + ahead).toLocaleTimeString("ja-JP", { timeZone: "Asia/Tokyo" }).padStart(8, "0");
  }
  tick();
  setInterval(tick, 1000);
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

// Read out by the browser's own voice, where it has one of the language. Pressed again, it stops.
function speaking(button) {
  const speech = window.speechSynthesis;
  if (!speech) return;
  const language = button.dataset.speakIn.split("-")[0];
  const label = $("span", button);
  const asked = label.textContent;
  const voice = () => speech.getVoices().find((each) => each.lang.toLowerCase().startsWith(language));
  const offer = () => {
    button.hidden = !voice();
  };
  offer();
  speech.addEventListener?.("voiceschanged", offer);
  button.addEventListener("click", () => {
    const stops = speech.speaking;
    speech.cancel();
    if (stops) return;
    const words = new SpeechSynthesisUtterance(document.getElementById(button.dataset.speak).innerText);
    words.voice = voice();
    words.lang = words.voice.lang;
    words.rate = 0.9;
    words.onend = words.onerror = () => {
      label.textContent = asked;
    };
    label.textContent = button.dataset.stop;
    speech.speak(words);
  });
}

function printing(button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
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
  $$("[data-speak]", root).forEach(speaking);
  $$("form[data-once]", root).forEach(once);
  $$(".problems a,.meter a", root).forEach(goTo);
}

$$("form[data-send]").forEach(countdown); // before `once`: a cancelled countdown has sent nothing
enhance(document);
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-keep]")) for (const said of $$("[data-unticked]")) said.hidden = true;
});
$$("[data-tabs]").forEach(tabs);
$$("form[data-autosave]").forEach(autosave);
$$("[data-towns]").forEach(towns);
$$("[data-digit]").forEach(digit);
$$("[data-ticks]").forEach(ticks);
$$("[data-watch]").forEach(watch);
$$("[data-clock]").forEach(clock);
$$("[data-print]").forEach(printing);
$("[data-focus]")?.focus();
announce();
offline();
window.addEventListener("online", offline);
window.addEventListener("offline", offline);
