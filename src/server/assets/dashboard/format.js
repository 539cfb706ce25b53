// Numbers, spans and elements as people read them.

const NONE = "–";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const whole = (n) => (Number.isFinite(n) ? WHOLE.format(n).replace("-", "−") : NONE);
export const one = (n) => (Number.isFinite(n) ? ONE.format(n).replace("-", "−") : NONE);
const THREE = new Intl.NumberFormat("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
export const three = (n) => (Number.isFinite(n) ? THREE.format(n).replace("-", "−") : NONE);
export const share = (n) => (Number.isFinite(n) ? `${one(100 * n)} %` : NONE);
// For axes: 0.5, 20, 1,500, 20K.
export const axis = (n) => (Math.abs(n) < 10000 ? String(+n.toFixed(2)).replace("-", "−") : COMPACT.format(n).replace("-", "−"));
export const count = (n, thing, things = `${thing}s`) => `${whole(n)} ${n === 1 ? thing : things}`;

// A change of a rating; null when before or after is unknown.
export function signed(n) {
  if (!Number.isFinite(n)) return null;
  const text = ONE.format(Math.abs(n));
  return text === "0.0" ? "±0.0" : (n > 0 ? "+" : "−") + text;
}

const pad = (n) => String(n).padStart(2, "0");

export function span(ms) {
  if (!Number.isFinite(ms)) return NONE;
  const s = Math.max(0, ms) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  const t = Math.round(s);
  if (t < 60) return `${t} s`;
  if (t < 3600) return `${Math.floor(t / 60)} m ${pad(t % 60)} s`;
  if (t < 86400) return `${Math.floor(t / 3600)} h ${pad(Math.floor(t / 60) % 60)} m`;
  return `${Math.floor(t / 86400)} d ${Math.floor(t / 3600) % 24} h`;
}

// In whole seconds.
export const age = (ms) => span(Math.floor(ms / 1000) * 1000).replace(".0", "");

export function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (!Number.isFinite(s)) return NONE;
  if (s < 1) return "now";
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m`;
  if (s < 86400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} d`;
}

// Names are chosen by players: shown as text only, on one line; those with nothing to see fall back to the id.
export function nameOf(player) {
  const name = (player.display_name ?? "").replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
  if (/[^\p{C}\p{Z}\p{M}]/u.test(name)) return name;
  const id = String(player.player_id);
  return id.length > 14 ? `${id.slice(0, 12)}…` : id;
}

// An element with a class and children; strings become text nodes and are never read as markup.
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

// Sets a text only where it changed: an unchanged one keeps the viewer's selection, and says nothing to readers.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
