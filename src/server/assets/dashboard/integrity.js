// Integrity of ranked play: what waits for an operator, and who is kept out. A decision asks for its reason first.
// Whatever players or operators wrote is shown as text only.
import { count, element, one, put, share, whole } from "./format.js";
import { askNow, follow, tell } from "./poll.js";

const EVERY_MS = 5000;
const ROWS = 50;
const ROWS_MAX = 1000;
const LISTS = { disputes: "disputes", held: "quarantine", pairs: "flags", bans: "bans" };

const at = (id) => document.getElementById(id);
const limits = Object.fromEntries(Object.keys(LISTS).map((id) => [id, ROWS]));

const where = () => Object.entries(LISTS).map(([id, list]) => `/v1/admin/${list}?limit=${limits[id]}`);
const time = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
const place = (...parts) => parts.map(encodeURIComponent).join("/");

// --- rows that keep their place, their focus and their buttons while they stand for the same thing

// `rows`: { key, cells: [class, text or list of texts], actions }, in order.
function fill(id, rows) {
  const body = at(id).tBodies[0];
  const old = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  rows.forEach(({ key, cells, actions }, i) => {
    const row = old.get(key) ?? made(key, cells, actions);
    old.delete(key);
    cells.forEach(([name, text], c) => {
      write(row.cells[c], text);
      // What may be cut off by its column is whole in the tip, and where it is copied.
      if (name === "short") row.cells[c].title = [text].flat().join("\n");
    });
    if (body.rows[i] !== row) body.insertBefore(row, body.rows[i] ?? null);
  });
  for (const row of old.values()) row.remove();
  at(id).hidden = rows.length === 0;
  at(`${id}-none`).hidden = rows.length > 0;
}

function made(key, cells, actions) {
  const row = element("tr", "", ...cells.map(([name]) => element("td", name)));
  row.dataset.key = key;
  if (actions) row.append(element("td", "deeds", ...actions.map(button)));
  return row;
}

function write(cell, text) {
  if (!Array.isArray(text)) return put(cell, text);
  const lines = [...cell.children].map((line) => line.textContent);
  if (lines.join("\n") !== text.join("\n")) cell.replaceChildren(...text.map((line) => element("div", "", line)));
}

function button(deed) {
  const made = element("button", "", deed.name);
  made.type = "button";
  made.setAttribute("aria-label", deed.head);
  made.addEventListener("click", () => open(deed));
  return made;
}

function more(id, next) {
  at(`${id}-more`).hidden = next === undefined || limits[id] >= ROWS_MAX;
}

// --- what is shown

function said(of) {
  if (!of.said) return `${of.player_id}: nothing`;
  const sides = of.said.places.map((n, side) => {
    const score = of.said.scores[side];
    const which = side === of.side ? "own side" : `side ${side + 1}`;
    return `${which} place ${whole(n)}${Number.isFinite(score) ? ` (${score})` : ""}`;
  });
  const quits = of.said.quits.length > 0 ? `; left: ${of.said.quits.join(", ")}` : "";
  const often = of.candour?.overruled ? ` – overruled in ${count(of.candour.overruled, "match", "matches")}, in ${count(of.candour.disputes, "dispute")}` : "";
  return `${of.player_id}, side ${of.side + 1}: ${sides.join(", ")}${quits}${often}`;
}

function rulings(id, section, release) {
  return [
    { name: "Release", head: `Release ${id}`, what: release, path: `/v1/admin/${place("matches", id, "release")}`, section, done: `${id} counts.` },
    { name: "Void", head: `Void ${id}`, what: "It never counts, and moves nothing.", path: `/v1/admin/${place("matches", id, "void")}`, section, done: `${id} is void.` },
  ];
}

function disputes(entries) {
  fill("disputes", entries.map((of) => ({
    key: of.match_id,
    cells: [["short", of.match_id], ["", of.mode], ["", of.queue], ["name says", of.reports.map(said)], ["name says", of.reason ?? ""]],
    actions: rulings(of.match_id, "disputes", "It counts as most players said."),
  })));
}

function held(entries) {
  fill("held", entries.map((of) => ({
    key: of.match_id,
    cells: [["short", of.match_id], ["", of.mode], ["", time(of.at)], ["name says", of.reason]],
    actions: rulings(of.match_id, "held", "It counts as it was reported, in its place."),
  })));
}

function pairs(found) {
  fill("pairs", found.map((of) => ({
    key: [of.mode, ...of.players].join("~"),
    cells: [
      ["", of.mode], ["short", of.players], ["n", whole(of.meetings)], ["n", one(of.expected)], ["n", of.wins.map(whole)],
      ["n", share(of.one_way)], ["n", of.matches.map(whole)], ["", time(of.raised_at)], ["", time(of.at)],
    ],
  })));
}

function overruled(found) {
  fill("overruled", found.map((of) => ({
    key: of.player_id,
    cells: [["short", of.player_id], ["n", whole(of.overruled)], ["n", whole(of.disputes)]],
  })));
}

function lift(player, ban) {
  const path = `/v1/admin/${place("players", player, "bans", "lift")}`;
  return {
    name: "Lift", head: `Lift the ban ${ban.kind} of ${player}`, what: `Given for: ${ban.reason}`, path, section: "bans",
    body: { kind: ban.kind }, done: `The ban ${ban.kind} of ${player} is lifted.`,
  };
}

function bans(entries) {
  const each = entries.flatMap((of) => of.bans.map((ban) => [of.player_id, ban]));
  fill("bans", each.map(([player, ban]) => ({
    // Another ban in the place of one is another row.
    key: [player, ban.kind, ban.since].join("~"),
    cells: [
      ["short", player], ["", ban.queues ? `queues: ${ban.queues.join(", ")}` : ban.kind], ["name says", ban.reason], ["short", ban.by ?? ""],
      ["", time(ban.since)], ["", ban.until === undefined ? "for good" : time(ban.until)],
    ],
    actions: [lift(player, ban)],
  })));
}

function take([disputed, quarantined, flags, banned]) {
  // What is in dispute lies in quarantine too; both lists are by match id, so what is left out here stands there.
  const open = new Set(disputed.entries.map((of) => of.match_id));
  disputes(disputed.entries);
  held(quarantined.entries.filter((of) => !open.has(of.match_id)));
  pairs(flags.pairs);
  overruled(flags.overruled);
  bans(banned.entries);
  for (const [id, list] of [["disputes", disputed], ["held", quarantined], ["pairs", flags], ["bans", banned]]) more(id, list.next);
}

// --- deciding

let deed = null;
let telling = false;

function open(of) {
  deed = of;
  put(at("decide-head"), of.head);
  put(at("decide-what"), of.what);
  put(at("decide-do"), of.name);
  put(at("decide-error"), "");
  at("reason").value = "";
  at("decide").showModal();
  at("reason").focus();
}

at("decide-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (telling) return;
  telling = true;
  const of = deed;
  const wrong = await tell(of.path, { ...of.body, reason: at("reason").value });
  telling = false;
  put(at("decide-error"), wrong);
  if (wrong) return;
  at("decide").close();
  put(at("done"), of.done);
  // The button goes with its row.
  at(`${of.section}-head`).focus();
  askNow();
});
at("decide-not").addEventListener("click", () => at("decide").close());

for (const id of Object.keys(LISTS)) {
  at(`${id}-more`).addEventListener("click", () => {
    limits[id] = Math.min(ROWS_MAX, limits[id] * 2);
    askNow();
  });
}
follow({ where, take, everyMs: EVERY_MS });
