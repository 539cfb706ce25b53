// The boards: one at a time, with a player who is looked for. What is chosen stands in the address, so that it can be
// shared. Whatever players chose is shown as text only.
import { histogram, ranks } from "./charts.js";
import { count, element, nameOf, one, put, whole } from "./format.js";
import { askNow, follow } from "./poll.js";

const EVERY_MS = 2000;
const PAST_EVERY_MS = 30000;
const ROWS = 25;
const ROWS_MAX = 200;
const DAYS = 30;
const SEASONS_MAX = 100; // to choose from; any stands in the address
const CHART_TALL = 220;
const COLUMN_NAMES = { rating: "Rating", conservative: "Rating less 2 ±", games: "Games", wins: "Wins", draws: "Draws", place: "Place", submitted: "Score" };

const at = (id) => document.getElementById(id);
let last = null; // the last answer
let usual = ""; // what is shown where the address names no board: the largest when the page came, and then that one
let limit = ROWS;
let past = []; // of the player looked for
let pastAt = 0; // when it was asked for, 0: not yet
let pastOf = "";
let drawn = "";
let told = false; // what was refused stays said until something else is chosen

// --- what is chosen: #board=…&season=3&part=region:eu&player=…&days=30

const chosen = () => new URLSearchParams(location.hash.slice(1));

function write(changes) {
  const next = chosen();
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  history.replaceState(null, "", `#${next}`);
}

function choose(changes) {
  write(changes);
  renew();
}

function renew() {
  at("player").value = chosen().get("player") ?? "";
  told = false;
  askNow();
}

const days = () => Math.min(3650, Math.max(1, Math.round(Number(chosen().get("days"))) || DAYS));

function where() {
  const want = chosen();
  const query = new URLSearchParams({ limit });
  const board = want.get("board") || usual;
  if (board) query.set("board", board);
  if (want.get("season")) query.set("season", want.get("season"));
  const [by, value] = (want.get("part") ?? "").split(/:(.*)/s);
  if (["region", "platform", "group", "cohort"].includes(by) && value) query.set(by, value);
  if (want.get("player")) {
    query.set("player", want.get("player"));
    const of = [board, want.get("season"), want.get("part"), want.get("player"), days()].join("\n");
    if (of !== pastOf) [past, pastAt, pastOf] = [[], 0, of];
    // What was in the last days is of the season under way.
    if (!want.get("season") && (Date.now() - pastAt > PAST_EVERY_MS || past.length === 0)) {
      pastAt = Date.now();
      query.set("past_days", days());
    }
  }
  return `/v1/overview/boards?${query}`;
}

// --- showing

function take(answer) {
  last = answer;
  usual = answer.shown?.board ?? "";
  const found = answer.shown?.found;
  if (found?.past.length) past = found.past;
  at("refused").hidden = !told;
  redraw();
}

// A board that is gone, a part that nobody belongs to: it is said, and what can be shown is.
function refuse(problem) {
  const { board = usual, season, part, player } = Object.fromEntries(chosen());
  if (!board && !season && !part && !player) return false;
  usual = "";
  put(at("refused"), `${[board, season && `season ${season}`, part].filter(Boolean).join(", ") || "The board"}: ${problem.detail ?? "cannot be shown"}.`);
  told = true;
  at("refused").hidden = false;
  write(part ? { part: "" } : season ? { season: "" } : board ? { board: "" } : { player: "" });
  askNow();
  return true;
}

const columnName = (column, i, all) => COLUMN_NAMES[column.value] + (column.value === "submitted" && all.length > 1 ? ` ${i + 1}` : "");
const isPoints = (column) => column.value === "rating" || column.value === "conservative";
const shownValue = (column, value) => (isPoints(column) ? one(value) : whole(value));

function redraw() {
  if (!last) return;
  const { shown } = last;
  at("empty").hidden = last.boards.length > 0;
  at("columns").hidden = !shown;
  document.querySelector(".choose").hidden = last.boards.length === 0;
  showChoices(shown);
  if (!shown) return;
  const showsRating = shown.columns[0].value === "rating";
  table(at("top"), shown, shown.entries, { showsRating, marked: shown.found?.player_id });
  at("top").hidden = shown.entries.length === 0;
  at("top-none").hidden = shown.entries.length > 0;
  const ways = { competition: "equals share a rank, and the next is skipped", dense: "equals share a rank", ordinal: "of equals the earlier is first" };
  put(at("top-note"), `${count(shown.players, "player")} · ${ways[shown.ties]}`);
  at("more").hidden = shown.entries.length < limit || limit >= ROWS_MAX || shown.players <= limit;
  showFound(shown, showsRating);
  showSpread(shown);
  showCuts(shown);
  showTiers(shown);
}

function options(select, wanted, chosenValue) {
  const had = [...select.options].map((option) => `${option.value}\n${option.textContent}`).join("\n\n");
  if (had !== wanted.map(([value, text]) => `${value}\n${text}`).join("\n\n")) {
    select.replaceChildren(...wanted.map(([value, text]) => new Option(text, value)));
  }
  if (select.value !== chosenValue) select.value = chosenValue;
}

function showChoices(shown) {
  options(at("board-name"), last.boards.map((b) => [b.board, b.board]), shown?.board ?? "");
  showSeasons(last.boards.find((b) => b.board === shown?.board)?.season?.number ?? 0);
  const parts = last.boards.find((b) => b.board === shown?.board)?.parts ?? [];
  const named = parts.map((p) => [`${p.by}:${p.value}`, `${p.by} ${p.value} (${whole(p.players)})`]);
  const cohorts = [...(shown?.cohorts ?? [])].sort((a, b) => (b.level ?? 0) - (a.level ?? 0) || a.cohort - b.cohort);
  named.push(...cohorts.map((c) => [`cohort:${c.cohort}`, `${levelName(c)}cohort ${whole(c.cohort)} (${whole(c.players)})`]));
  const part = chosen().get("part") ?? "";
  // A cohort beyond those that are listed: found with its player.
  if (part.startsWith("cohort:") && !named.some(([value]) => value === part)) named.push([part, part.replace(":", " ")]);
  at("part-field").hidden = named.length === 0;
  options(at("board-part"), [["", "whole board"], ...named], part);
}

// The season under way, and those before it.
function showSeasons(current) {
  const wanted = Number(chosen().get("season")) || 0;
  const before = Array.from({ length: Math.min(SEASONS_MAX, Math.max(0, current - 1)) }, (_, i) => current - 1 - i);
  if (wanted > 0 && wanted < current && !before.includes(wanted)) before.push(wanted);
  at("season-field").hidden = before.length === 0;
  options(at("board-season"), [["", `${current}, under way`], ...before.map((n) => [String(n), String(n)])], before.includes(wanted) ? String(wanted) : "");
}

const levelName = (of) => (of.level ? `level ${of.level} · ` : "");

function headings(table, titles) {
  const row = table.tHead.rows[0] ?? table.tHead.appendChild(element("tr"));
  if ([...row.cells].map((cell) => cell.textContent).join("\n") === titles.map((t) => t[0]).join("\n")) return;
  row.replaceChildren(...titles.map(([text, className, title]) => {
    const cell = element("th", className, text);
    cell.scope = "col";
    if (title) cell.title = title;
    return cell;
  }));
  table.tBodies[0].replaceChildren();
}

// A heading of a column of the board; the smaller being better is worth a word.
function columnHeading(column, i, all) {
  const up = column.direction === "ascending";
  return [columnName(column, i, all) + (up ? " ↓" : ""), "n", up ? "the smaller is better" : ""];
}

const grouping = (shown) => last.boards.find((b) => b.board === shown.board)?.cohorts;

function seatHeadings(shown) {
  const of = grouping(shown);
  return of ? [...(of.levels ? [["Level", "n"]] : []), ["Cohort", "n"]] : [];
}

function seatTexts(shown, entry) {
  const of = grouping(shown);
  const text = (number) => (number ? whole(number) : "");
  return of ? [...(of.levels ? [text(entry.level)] : []), text(entry.cohort)] : [];
}

function table(node, shown, entries, { showsRating, marked }) {
  headings(node, [["#", "n"], ["Player", "name"], ...shown.columns.map(columnHeading), ...(showsRating ? [["±", "n dev", "deviation"]] : []), [shown.mode ? "Games" : "Entries", "n"], ...seatHeadings(shown)]);
  const body = node.tBodies[0];
  const classes = ["n soft", "name", ...shown.columns.map((_, i) => (i === 0 ? "n strong" : "n")), ...(showsRating ? ["n dev soft"] : []), "n soft", ...seatHeadings(shown).map(() => "n soft")];
  entries.forEach((entry, i) => {
    let row = body.rows[i];
    if (!row) {
      row = body.appendChild(element("tr", "", ...classes.map((c) => element("td", c))));
      const button = element("button", "link", element("bdi"));
      button.type = "button";
      button.addEventListener("click", () => choose({ player: row.dataset.player }));
      row.cells[1].append(button);
    }
    row.dataset.player = entry.player_id;
    row.className = entry.player_id === marked ? "marked" : "";
    put(row.cells[0], whole(entry.rank));
    put(row.cells[1].querySelector("bdi"), nameOf(entry));
    row.cells[1].title = entry.player_id;
    const rest = [...shown.columns.map((column, c) => shownValue(column, entry.values[c])), ...(showsRating ? [`± ${whole(entry.deviation)}`] : []), whole(entry.games_played), ...seatTexts(shown, entry)];
    rest.forEach((text, c) => put(row.cells[c + 2], text));
  });
  while (body.rows.length > entries.length) body.lastChild.remove();
}

function showFound(shown, showsRating) {
  const wanted = chosen().get("player");
  const { found } = shown;
  at("found").hidden = !wanted;
  if (!wanted) return;
  at("found-body").hidden = !found;
  at("found-none").hidden = Boolean(found);
  if (!found) {
    put(at("found-name"), wanted);
    put(at("found-none"), "Not ranked on this board, or not among its best 1,000 by this name. An id finds everybody.");
    return;
  }
  const [first] = shown.columns;
  const own = found.around.find((entry) => entry.player_id === found.player_id);
  put(at("found-name"), own ? nameOf(own) : found.player_id);
  put(at("found-rank"), `${whole(found.rank)} of ${whole(found.players)}`);
  put(at("found-percentile"), `${one(found.percentile)} %`);
  put(at("found-value-name"), columnName(first, 0, shown.columns));
  put(at("found-value"), shownValue(first, found.values[0]) + (showsRating ? ` ± ${whole(found.deviation)}` : ""));
  put(at("found-id"), found.player_id);
  showSeat(found.seat);
  table(at("around"), shown, found.around, { showsRating, marked: found.player_id });
  showPast(shown);
}

// A player's rank is that in his own cohort, where there are cohorts.
function showSeat(seat) {
  at("found-seat").hidden = !seat;
  if (!seat) return;
  const fates = { promoted: "goes up with this place", stays: "stays with this place", relegated: "goes down with this place" };
  put(at("found-cohort"), `${levelName(seat)}cohort ${whole(seat.cohort)}`);
  at("found-cohort").dataset.cohort = seat.cohort;
  put(at("found-fate"), [`seat ${whole(seat.seat)} of ${whole(seat.seats_taken)}`, fates[seat.fate]].filter(Boolean).join(" · "));
}

function showPast(shown) {
  // In cohorts the rank is that in the own cohort: its past is shown with the cohort.
  const isOwn = !shown.cohorts?.length || Boolean(chosen().get("part"));
  const hasPast = Boolean(shown.mode) && shown.ties === "competition" && isOwn && !chosen().get("season");
  at("past").hidden = !hasPast;
  if (!hasPast) return;
  for (const button of document.querySelectorAll("[data-days]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.days) === days()));
  }
  const known = past.some((point) => Number.isFinite(point.rank));
  at("chart-past").hidden = !known;
  at("past-none").hidden = known;
  put(at("past-none"), past.length === 0 ? "Being worked out…" : "Not rated yet in these days.");
  if (known) ranks(at("chart-past"), past, 150);
}

function showSpread(shown) {
  const [first] = shown.columns;
  const { found } = shown;
  const name = columnName(first, 0, shown.columns).toLowerCase();
  const own = found?.around.find((entry) => entry.player_id === found.player_id);
  const mark = found ? { value: found.values[0], name: own ? nameOf(own) : "the player" } : null;
  const key = JSON.stringify([shown.histogram, at("chart-histogram").clientWidth, mark, name]);
  if (key !== drawn) histogram(at("chart-histogram"), shown.histogram, CHART_TALL, [name, first.value === "submitted" ? "scores" : "ratings"], mark);
  drawn = key;
  put(at("spread-note"), count(shown.players, "player"));
}

function showCuts(shown) {
  headings(at("cuts"), [["Place", "name"], ...shown.columns.map(columnHeading)]);
  const body = at("cuts").tBodies[0];
  shown.cuts.forEach((cut, i) => {
    const row = body.rows[i] ?? body.appendChild(element("tr", "", element("td", "name"), ...shown.columns.map((_, c) => element("td", c === 0 ? "n strong" : "n"))));
    put(row.cells[0], cut.rank ? (cut.rank === 1 ? "first" : `best ${whole(cut.rank)}`) : `best ${cut.top_percent} %`);
    shown.columns.forEach((column, c) => put(row.cells[c + 1], shownValue(column, cut.values[c])));
  });
  while (body.rows.length > shown.cuts.length) body.lastChild.remove();
  at("cuts").hidden = shown.cuts.length === 0;
  at("cuts-none").hidden = shown.cuts.length > 0;
}

// The best first, as on the board.
function showTiers(shown) {
  const tiers = [...(shown.tiers ?? [])].reverse();
  headings(at("tiers"), [["Tier", "name"], ["Rating from", "n"]]);
  const body = at("tiers").tBodies[0];
  tiers.forEach((tier, i) => {
    const row = body.rows[i] ?? body.appendChild(element("tr", "", element("td", "name"), element("td", "n strong")));
    put(row.cells[0], `${tier.tier} ${tier.division}`);
    put(row.cells[1], tier.from === undefined ? "set by the season's first result" : one(tier.from));
  });
  while (body.rows.length > tiers.length) body.lastChild.remove();
  at("tiers-panel").hidden = tiers.length === 0;
}

// --- what people do

at("board-name").addEventListener("change", (event) => {
  limit = ROWS;
  choose({ board: event.target.value, season: "", part: "" });
});
// Cohorts are a season's own.
at("board-season").addEventListener("change", (event) => {
  choose({ season: event.target.value, ...(chosen().get("part")?.startsWith("cohort:") ? { part: "" } : {}) });
});
at("board-part").addEventListener("change", (event) => choose({ part: event.target.value }));
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  choose({ player: at("player").value.trim() });
});
at("found-cohort").addEventListener("click", (event) => choose({ part: `cohort:${event.currentTarget.dataset.cohort}` }));
at("forget").addEventListener("click", () => choose({ player: "" }));
at("more").addEventListener("click", () => {
  limit = Math.min(ROWS_MAX, limit * 2);
  askNow();
});
for (const button of document.querySelectorAll("[data-days]")) {
  button.addEventListener("click", () => choose({ days: button.dataset.days }));
}
let width = 0;
new ResizeObserver(([entry]) => {
  if (Math.floor(entry.contentRect.width) === width) return;
  width = Math.floor(entry.contentRect.width);
  redraw();
}).observe(at("page"));
addEventListener("hashchange", renew);
at("player").value = chosen().get("player") ?? "";
follow({ where, take, refuse, everyMs: EVERY_MS });
