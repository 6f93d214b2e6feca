// Counts texts while they are typed, in the ways and by the names of `hub/measure.py`. The counts that decide are
// the server's: those of the whole message, as a channel words it.
const LINK_WEIGHT = 23;
const INSIDE = String.raw`A-Za-z0-9\u0400-\u04ff\u00c0-\u024f!*';:=+,.$\/%#\[\]\-\u2013_~@\|&?`;
const END = String.raw`A-Za-z0-9\u0400-\u04ff\u00c0-\u024f=_#\/+\-`;
const BODY = String.raw`(?:[${INSIDE}]|\([${INSIDE}]*\))*(?:\([${INSIDE}]*\)|[${END}])`;
const REST = String.raw`(?:\/(?:${BODY})?)?(?:\?${BODY})?`;
const HOST = String.raw`(?:[A-Za-z0-9\-]+\.)+[A-Za-z]{2,}`;
const OTHER_SCRIPT = String.raw`(?=[^\s\/:?#]*[^\s\/:?#\x00-\x7f])`;
const LINK = new RegExp(String.raw`(?<![A-Za-z0-9@＠$#＃])https?:\/\/(?:${HOST}(?::[0-9]+)?${REST}|${OTHER_SCRIPT})|(?<![A-Za-z0-9_.\-])${HOST}${REST}`, "gu");
const LIGHT = [[0, 4351], [8192, 8205], [8208, 8223], [8242, 8247]];

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const characters = (text) => [...text].length;
const utf16 = (text) => text.length;

function weighted(text) {
  const stored = text.normalize("NFC");
  const links = stored.match(LINK) ?? [];
  const rest = stored.replace(LINK, "");
  return sum(links.map((link) => (link.startsWith("http") ? LINK_WEIGHT : Math.max(LINK_WEIGHT, characters(link))))) + sum([...rest].map(weight));
}

function weight(character) {
  const code = character.codePointAt(0);
  return LIGHT.some(([first, last]) => first <= code && code <= last) ? 1 : 2;
}

// --- short messages: 3GPP TS 23.038 §6.2.1, 23.040 §9.2.3.24.1 -------------------------------------

const SEVEN_BIT = { alone: 160, joined: 153 };
const UCS2 = { alone: 70, joined: 67 };
const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const ESCAPED = new Set("\f^{}\\[~]|€");

function widths(text) {
  const letters = [...text];
  const plain = letters.every((letter) => BASIC.has(letter) || ESCAPED.has(letter));
  return [plain ? SEVEN_BIT : UCS2, letters.map((letter) => (plain && ESCAPED.has(letter) ? 2 : letter.length))];
}

const sms = (text) => sum(widths(text)[1]);

function segments(text) {
  const [alphabet, wide] = widths(text);
  if (sum(wide) <= alphabet.alone) return wide.length ? 1 : 0;
  let parts = 0;
  let room = 0;
  for (const width of wide) {
    if (width > room) {
      parts += 1;
      room = alphabet.joined;
    }
    room -= width;
  }
  return parts;
}

// --- what is read out --------------------------------------------------------------------------------

const BREATH = /(?<=[。！？])|(?<=[.!?])\s+|[\r\n]+/u;
const PER_S = 4;
const REST_S = 1;

function loudspeaker(text) {
  const said = text.split(BREATH).map((piece) => piece.trim()).filter(Boolean);
  return Math.ceil(sum(said.map(characters)) / PER_S + Math.max(0, said.length - 1) * REST_S);
}

export const MEASURES = { characters, utf16, weighted, sms, segments, loudspeaker };

// --- under each text -----------------------------------------------------------------------------------

// As `hub.slots.normalise` leaves it, with its gaps filled as the server filled them.
export function filled(text, { slots, before, after }) {
  const lines = text.split("\n").map((line) => line.trimEnd()).join("\n").replace(/^\n+|\n+$/g, "");
  return before + lines.replace(/\{([^{}\n]*)\}/g, (gap, name) => slots[name] ?? gap) + after;
}

document.addEventListener("input", ({ target }) => {
  const line = target.id && document.querySelector(`[data-counts="${target.id}"]`);
  if (!line) return;
  const text = filled(target.value, JSON.parse(line.dataset.around));
  for (const each of line.querySelectorAll("[data-measure]")) {
    each.textContent = each.dataset.said.replace("{n}", MEASURES[each.dataset.measure](text).toLocaleString("en-US"));
  }
});
