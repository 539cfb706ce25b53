// Asks the server again and again, and tells in the page's head how that goes: live, paused, lost, or an admin key is
// needed. Each page hands over where to ask (one place or several) and what to do with the answers. Tells the server what
// an operator decides, too.
import { age, put } from "./format.js";

const EVERY_MS = 1000;
const RETRY_MS_MAX = 15000;
const TIMEOUT_MS = 10000;
const KEY = "gsm-admin-key";

const at = (id) => document.getElementById(id);
let timer = 0; // the next look, 0 when none is planned
let looking = false;
let soon = false; // asked for while one was under way
let failures = 0;
let retryAt = 0;
let lastAt = 0; // of the last good answer, by this machine's clock
let locked = false;
let paused = false;
let where = () => "";
let take = () => {};
let refused = () => false;
let every = EVERY_MS;

function say(state, text) {
  at("state").dataset.state = state;
  put(at("state"), text);
}

function plan(ms) {
  clearTimeout(timer);
  timer = locked || paused || document.hidden ? 0 : setTimeout(look, ms);
}

function askKey(error) {
  sessionStorage.removeItem(KEY);
  locked = true;
  at("page").hidden = true;
  at("lost").hidden = true;
  at("pause").hidden = true;
  at("key-form").hidden = false;
  put(at("key-error"), error);
  at("key").focus();
  say("wait", "locked");
}

// The time that the server asks for, in ms.
function asked(answer) {
  const s = Number(answer.headers.get("Retry-After"));
  return s > 0 ? Math.min(60, s) * 1000 : 0;
}

function ask(place, more = {}) {
  const key = sessionStorage.getItem(KEY);
  return fetch(place, {
    ...more,
    headers: { ...more.headers, ...(key ? { Authorization: `Bearer ${key}` } : {}) },
    cache: "no-store",
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
}

async function look() {
  timer = 0;
  if (looking) return;
  looking = true;
  let wait = every;
  let least = 0;
  try {
    const key = sessionStorage.getItem(KEY);
    const places = where();
    const answers = await Promise.all([places].flat().map((place) => ask(place)));
    const answer = answers.find((one) => !one.ok) ?? answers[0];
    if (answer.status === 401 || answer.status === 403) {
      askKey(!key ? "" : answer.status === 401 ? "The server does not know this key." : "This key is not an admin key.");
      return;
    }
    const is4xx = answer.status >= 400 && answer.status < 500 && answer.status !== 429;
    const bodies = answer.ok || is4xx ? await Promise.all(answers.map((one) => one.json())) : [];
    if (!answer.ok && !(is4xx && refused(bodies[0]))) {
      least = asked(answer);
      throw new Error(`the server answered ${answer.status}`);
    }
    at("key-form").hidden = true;
    at("page").hidden = false;
    at("pause").hidden = false;
    if (answer.ok) take(Array.isArray(places) ? bodies : bodies[0]);
    failures = 0;
    lastAt = Date.now();
    at("lost").hidden = true;
    if (!paused) say("live", "live");
  } catch (error) {
    failures += 1;
    // Between 80 and 100 percent: many pages shall not come back in the same moment.
    wait = Math.max(least, Math.min(RETRY_MS_MAX, EVERY_MS * 2 ** (failures - 1)) * (0.8 + 0.2 * Math.random()));
    retryAt = Date.now() + wait;
    console.warn("dashboard:", error.message);
    if (!paused) say("lost", "connection lost, retrying");
    tellLost();
  } finally {
    looking = false;
    plan(soon ? 0 : wait);
    soon = false;
  }
}

// The old numbers stay; this says how old they are.
function tellLost() {
  at("lost").hidden = failures === 0 || locked || paused;
  if (at("lost").hidden) return;
  const next = retryAt > Date.now() ? `next try in ${Math.ceil((retryAt - Date.now()) / 1000)} s` : "trying now";
  const old = lastAt ? `The numbers are ${age(Date.now() - lastAt)} old; ` : "No answer yet; ";
  put(at("lost"), `${old}${next}.`);
}

// Begins. `refuse` gets the problem of a question that the server does not take, and says whether it has told of it.
export function follow(options) {
  where = options.where;
  take = options.take;
  refused = options.refuse ?? refused;
  every = options.everyMs ?? EVERY_MS;
  at("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const key = at("key").value.trim();
    if (!/^[\x21-\x7e]+$/.test(key)) {
      put(at("key-error"), "A key has no spaces and only plain letters, digits and signs.");
      return;
    }
    sessionStorage.setItem(KEY, key);
    at("key").value = "";
    put(at("key-error"), "");
    locked = false;
    say("wait", "connecting");
    plan(0);
  });
  at("pause").addEventListener("click", () => {
    paused = !paused;
    at("pause").setAttribute("aria-pressed", String(paused));
    say("wait", paused ? "paused" : "connecting");
    tellLost();
    plan(0);
  });
  document.addEventListener("visibilitychange", () => plan(failures > 0 ? Math.max(0, retryAt - Date.now()) : 0));
  setInterval(tellLost, 1000);
  plan(0);
}

// The question has changed: asks at once, also where the page is paused.
export function askNow() {
  if (looking) {
    soon = true;
  } else if (!locked) {
    clearTimeout(timer);
    look();
  }
}

// Tells the server something; why it does not do it, in words, and nothing where it did.
export async function tell(place, body) {
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await ask(place, { method: "POST", headers, body: JSON.stringify(body) });
    if (answer.ok) return "";
    const problem = await answer.json();
    return [problem.detail ?? problem.title, problem.hint].filter(Boolean).join("; ");
  } catch (error) {
    return `It is not known whether it was done: ${error.message}. Doing it again does no harm.`;
  }
}
