// Shows one overview. Whatever players chose is shown as text only.
import { histogram, overTime, secondsAt, windowOf } from "./charts.js";
import { age, ago, count, element, nameOf, one, put, share, signed, span, three, whole } from "./format.js";

const MOVES_OVER_MS = 10000;
const RATE_OVER_MS = 10000;
const SIDES_SHOWN = 4;
const MEMBERS_SHOWN = 6;
const FADES_MAX = 5;
const HINT_QUEUE = "duel";

const at = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");
const sum = (all, of) => all.reduce((n, each) => n + of(each), 0);
let last = null;
let cursor = null; // seconds ago that the reading line stands, null without one
const moments = new Map(); // by mode: {when, ranks} of the last seconds, oldest first

export function show(overview) {
  if (last && last.started_at !== overview.started_at) moments.clear();
  last = overview;
  for (const board of overview.boards) remember(board, overview.now);
  redraw();
}

export function redraw() {
  if (!last) return;
  showFacts();
  showTimes();
  showQueues();
  showModels();
  showFirewall();
  showMode();
  showRecent();
}

function showFacts() {
  const { queues, boards, series, running, results } = last;
  const waiting = sum(queues, (q) => q.waiting);
  const players = sum(boards, (b) => b.players);
  put(at("version"), last.version);
  put(at("uptime"), `up ${age(last.now - last.started_at)}`);
  put(at("tile-waiting"), whole(waiting));
  put(at("tile-wait"), waiting ? `${count(sum(queues, (q) => q.players), "player")} · oldest ${span(Math.max(0, ...queues.map((q) => q.wait_ms_max)))}` : "nobody waits");
  put(at("tile-running"), whole(running));
  put(at("tile-proposals"), `${count(sum(queues, (q) => q.proposals), "proposal")} open`);
  const { dodge, leave, afk } = last.penalties;
  at("tile-penalties").hidden = dodge + leave + afk === 0;
  put(at("tile-penalties"), `${count(dodge, "dodge")} · ${whole(leave)} left · ${whole(afk)} away`);
  const recent = series.results.slice(-Math.round(RATE_OVER_MS / series.step_ms));
  put(at("tile-rate"), one(recent.length ? sum(recent, (n) => n) / ((recent.length * series.step_ms) / 1000) : 0));
  put(at("tile-total"), `last 10 s · ${whole(results)} total`);
  put(at("tile-players"), whole(players));
  put(at("tile-modes"), boards.length > 1 ? `sum of ${boards.length} modes` : `in ${count(boards.length, "mode")}`);
  const quiet = results === 0 && running === 0 && waiting === 0 && players === 0 && last.recent.length === 0;
  at("empty").hidden = !quiet;
  document.querySelector(".mode").hidden = quiet;
  document.querySelector(".feed").hidden = quiet;
  if (quiet) showHint(queues);
}

// Shell lines that sign in two players and queue them, made for this address and a queue that there is.
function showHint(queues) {
  const plain = queues.map((q) => q.queue).filter((name) => /^[\w.-]+$/.test(name));
  const named = plain.includes(HINT_QUEUE) ? HINT_QUEUE : plain[0];
  const make = named ? "" : `# no queue yet: make "${HINT_QUEUE}" with PUT /v1/admin/queues/${HINT_QUEUE}\n`;
  put(at("empty-code"), `${make}for name in Ann Bob; do
  secret=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \\n')
  token=$(curl -s ${location.origin}/v1/auth/guest -H 'Content-Type: application/json' \\
    -d "{\\"secret\\":\\"$secret\\",\\"display_name\\":\\"$name\\"}" |
    sed 's/.*"token": *"\\([^"]*\\)".*/\\1/')
  curl -s ${location.origin}/v1/tickets -H 'Content-Type: application/json' \\
    -H "Authorization: Bearer $token" -d '{"queue":"${named ?? HINT_QUEUE}"}'
  echo
done`);
}

// --- activity over time

const seconds = () => windowOf((Math.max(1, last.series.results.length) * last.series.step_ms) / 1000);

function showTimes() {
  const { series } = last;
  const stepS = series.step_ms / 1000;
  const common = { seconds: seconds(), stepS, tall: 128, cursor };
  overTime(at("chart-results"), { ...common, title: "Results per second", lines: [{ name: "results per second", values: series.results.map((n) => n / stepS), className: "line-a", area: "area-a" }] });
  overTime(at("chart-waiting"), {
    ...common, title: "Waiting tickets and running matches",
    lines: [{ name: "running matches", values: series.running, className: "line-c" }, { name: "waiting tickets", values: series.waiting, className: "line-b" }],
  });
  if (cursor === null) {
    put(at("time-read"), seconds() < 120 ? `last ${seconds()} s` : `last ${seconds() / 60} min`);
    return;
  }
  const back = Math.round(cursor / stepS) + 1;
  const value = (values) => whole(values.at(-back));
  put(at("time-read"), `${cursor ? `${whole(cursor)} s ago` : "now"}: ${value(series.results.map((n) => n / stepS))} results/s · ${value(series.waiting)} waiting · ${value(series.running)} running`);
}

function read(secondsAgo) {
  if (secondsAgo !== null && last) {
    const stepS = last.series.step_ms / 1000;
    const most = Math.min(seconds() / stepS, last.series.results.length - 1);
    secondsAgo = most < 0 ? null : Math.min(most, Math.max(0, Math.round(secondsAgo / stepS))) * stepS;
  }
  cursor = secondsAgo;
  if (last) showTimes();
}

const plots = at("plots");
plots.addEventListener("pointermove", (event) => last && read(secondsAt(at("chart-results").contains(event.target) ? at("chart-results") : at("chart-waiting"), event.clientX, seconds())));
plots.addEventListener("pointerleave", () => read(null));
plots.addEventListener("blur", () => {
  at("time-read").removeAttribute("aria-live");
  read(null);
});
plots.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: 1, ArrowRight: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (event.key === "Escape") read(null);
  if (by === undefined || !last) return;
  event.preventDefault();
  at("time-read").setAttribute("aria-live", "polite");
  read(cursor === null ? 0 : cursor + (by * last.series.step_ms) / 1000);
});
let width = 0;
new ResizeObserver(([entry]) => {
  if (Math.floor(entry.contentRect.width) === width) return;
  width = Math.floor(entry.contentRect.width);
  redraw();
}).observe(at("page"));

// --- queues

function showQueues() {
  const { queues } = last;
  put(at("queues-count"), queues.length ? count(queues.length, "queue") : "");
  at("queues").hidden = queues.length === 0;
  at("queues-none").hidden = queues.length > 0;
  const body = at("queues").tBodies[0];
  queues.forEach((queue, i) => {
    const row = body.rows[i] ?? body.appendChild(element("tr", "", ...["name", "name soft", "n", "n", "n"].map((c) => element("td", c))));
    [queue.queue, queue.mode, whole(queue.waiting), queue.waiting ? span(queue.wait_ms_max) : "–", whole(queue.proposals)].forEach((text, c) => put(row.cells[c], text));
  });
  while (body.rows.length > queues.length) body.lastChild.remove();
}

// --- predictions

function showModels() {
  const models = last.models ?? [];
  at("models-panel").hidden = models.length === 0;
  const { endpoint } = last;
  const asked = endpoint ? endpoint.spoke + endpoint.missed : 0;
  const spoke = endpoint ? ` · the endpoint spoke of ${whole(endpoint.spoke)} of ${whole(asked)}${endpoint.is_resting ? ", and is left alone" : ""}` : "";
  put(at("models-sub"), `about the last 1,000 matches${spoke}`);
  const body = at("models").tBodies[0];
  // Under each model those that predict in its shadow, over their own matches beside the champion.
  const rows = models.flatMap((of) => [
    [of.mode, whole(of.matches), share(of.accuracy), three(of.log_loss), three(of.rating_log_loss), of.is_drifting ? "alarm" : "none"],
    ...(of.challengers ?? []).map((one) => [`challenger ${one.model}`, "", "", three(one.log_loss), "", `champion ${three(one.champion_log_loss)}`]),
  ]);
  rows.forEach((texts, i) => {
    const row = body.rows[i] ?? body.appendChild(element("tr", "", ...["name", "n", "n", "n", "n", "name soft"].map((c) => element("td", c))));
    texts.forEach((text, c) => put(row.cells[c], text));
  });
  while (body.rows.length > rows.length) body.lastChild.remove();
}

// --- the firewall: what its rules have refused

function showFirewall() {
  const { firewall, wire_refusals, admitted_share } = last;
  const refused = sum(firewall, (rule) => rule.blocked);
  const wire = wire_refusals ? ` · ${whole(wire_refusals)} on the wire` : "";
  const shed = admitted_share < 1 ? ` · ${Math.round(100 * admitted_share)} % let in` : "";
  put(at("firewall-count"), `${whole(refused)} refused${wire}${shed}`);
  const body = at("firewall").tBodies[0];
  firewall.forEach((rule, i) => {
    const row = body.rows[i] ?? body.appendChild(element("tr", "", ...["name", "n", "n", "n"].map((c) => element("td", c))));
    [rule.rule, whole(rule.passed), whole(rule.blocked), rule.counted ? whole(rule.counted) : "–"].forEach((text, c) => put(row.cells[c], text));
  });
  while (body.rows.length > firewall.length) body.lastChild.remove();
}

// --- one mode: leaderboard and histogram

function wanted() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

let usual = ""; // what is shown where the URL names no mode: the largest when the page came, and then that one

function selected() {
  const of = (mode) => last.boards.find((b) => b.mode === mode);
  const board = of(wanted()) ?? of(usual) ?? [...last.boards].sort((a, b) => b.players - a.players)[0];
  if (board?.players > 0) usual = board.mode;
  return board;
}

function select(mode) {
  history.replaceState(null, "", `#${encodeURIComponent(mode)}`);
  showMode();
}

function showMode() {
  const board = selected();
  const tabs = at("modes");
  const modes = last.boards.map((b) => b.mode);
  tabs.hidden = modes.length === 0;
  if ([...tabs.children].map((tab) => tab.textContent).join("\n") !== modes.join("\n")) {
    tabs.replaceChildren(...modes.map((mode, i) => {
      const tab = element("button", "", mode);
      tab.type = "button";
      tab.id = `mode-${i}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", "mode-panel");
      tab.addEventListener("click", () => select(mode));
      return tab;
    }));
  }
  for (const tab of tabs.children) {
    const on = tab.textContent === board?.mode;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    if (on) at("mode-panel").setAttribute("aria-labelledby", tab.id);
  }
  showBoard(board);
}

at("modes").addEventListener("keydown", (event) => {
  const tabs = [...at("modes").children];
  const from = tabs.indexOf(document.activeElement);
  const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined || from < 0) return;
  event.preventDefault();
  const tab = tabs[(to + tabs.length) % tabs.length];
  tab.focus();
  tab.click();
});

function remember(board, now) {
  // Moments of the future are of a clock that was set back.
  const kept = (moments.get(board.mode) ?? []).filter((m) => m.when < now && m.when >= now - MOVES_OVER_MS - 2000);
  while (kept.length > 1 && kept[1].when <= now - MOVES_OVER_MS) kept.shift();
  kept.push({ when: now, ranks: new Map(board.top.map((row) => [row.player_id, row.rank])) });
  moments.set(board.mode, kept);
}

// Where the player stood some seconds ago: [sign, words, class].
function moved(row, mode) {
  const known = moments.get(mode) ?? [];
  if (known.length < 2 || known[0].ranks.size === 0) return ["", "", ""];
  const rank = known[0].ranks.get(row.player_id);
  if (rank === undefined) return ["new", "new in the top 10", "up"];
  const by = Math.abs(rank - row.rank);
  if (by === 0) return ["", "", ""];
  return rank > row.rank ? [`▲ ${by}`, `up ${by}`, "up"] : [`▼ ${by}`, `down ${by}`, "down"];
}

let boardOf = null; // the mode whose rows the table holds
let histogramOf = "";

function boardRow(id) {
  const name = element("td", "name", element("bdi"));
  const move = element("td", "move", element("span"), element("span", "sr"));
  move.firstChild.setAttribute("aria-hidden", "true");
  const row = element("tr", "", element("td", "n soft"), move, name, element("td", "n strong"), element("td", "n dev soft"), element("td", "n soft"));
  row.dataset.player = id;
  return row;
}

function showBoard(board) {
  const top = board?.top ?? [];
  const body = at("board").tBodies[0];
  const glide = boardOf === board?.mode && !still.matches;
  const had = new Map([...body.rows].map((row) => [row.dataset.player, { row, top: row.offsetTop }]));
  const rows = top.map((entry) => {
    const row = had.get(entry.player_id)?.row ?? boardRow(entry.player_id);
    const [sign, words, kind] = moved(entry, board.mode);
    const [rank, move, name, rating, deviation, games] = row.cells;
    put(rank, whole(entry.rank));
    move.className = `move ${kind}`;
    put(move.firstChild, sign);
    put(move.lastChild, words);
    put(name.firstChild, nameOf(entry));
    name.title = entry.player_id;
    put(rating, one(entry.rating));
    put(deviation, `± ${whole(entry.deviation)}`);
    put(games, whole(entry.games_played));
    return row;
  });
  if (rows.length !== body.rows.length || rows.some((row, i) => row !== body.rows[i])) {
    body.replaceChildren(...rows);
    if (glide && had.size > 0) rows.forEach((row) => slide(row, had.get(row.dataset.player)?.top));
  }
  boardOf = board?.mode ?? null;
  at("board").hidden = top.length === 0;
  at("board-none").hidden = top.length > 0;
  put(at("board-players"), board ? count(board.players, "player") : "");
  const key = JSON.stringify([board?.histogram, at("chart-histogram").clientWidth]);
  if (key !== histogramOf) histogram(at("chart-histogram"), board?.histogram ?? [], 300);
  histogramOf = key;
}

function slide(row, from) {
  if (from === undefined) {
    row.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 400 });
  } else if (from !== row.offsetTop) {
    row.animate([{ transform: `translateY(${from - row.offsetTop}px)` }, { transform: "none" }], { duration: 450, easing: "cubic-bezier(.2,.7,.2,1)" });
  }
}

// --- recent matches

// Nobody can read what slips away: the list rests while it is pointed at or scrolled with keys.
function rests() {
  const box = at("recent-scroll");
  return (matchMedia("(hover: hover)").matches && box.matches(":hover")) || box.matches(":focus-visible");
}

function showRecent() {
  const list = at("recent");
  const resting = rests() && list.children.length > 0;
  put(at("recent-note"), resting ? "held while you look" : "");
  if (!resting) {
    const had = new Map([...list.children].map((item) => [item.dataset.match, item]));
    // Where most of the list is new each second, fading would only flicker.
    const added = last.recent.filter((match) => !had.has(match.match_id)).length;
    const fresh = had.size > 0 && added <= FADES_MAX && !still.matches;
    const items = last.recent.map((match) => {
      const known = had.get(match.match_id);
      if (known) return known;
      const item = matchItem(match);
      if (fresh) item.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 400 });
      return item;
    });
    if (items.length !== list.children.length || items.some((item, i) => item !== list.children[i])) list.replaceChildren(...items);
  }
  for (const item of list.children) put(item.querySelector("time"), ago(last.now - Number(item.dataset.at)));
  at("recent-scroll").hidden = list.children.length === 0;
  at("recent-none").hidden = list.children.length > 0;
}

function matchItem(match) {
  const sides = [...match.sides].sort((a, b) => a.place - b.place);
  const draw = sides.length > 1 && sides.every((side) => side.place === sides[0].place);
  const box = element("div", "sides", ...sides.slice(0, SIDES_SHOWN).map((side) => sideLine(side, draw)));
  if (sides.length > SIDES_SHOWN) box.append(element("div", "more", `${count(sides.length - SIDES_SHOWN, "more side")}`));
  const time = element("time");
  time.dateTime = new Date(match.at).toISOString();
  const item = element("li", "", box, element("div", "when", time, element("span", "", draw ? `${match.mode} · draw` : match.mode)));
  item.dataset.match = match.match_id;
  item.dataset.at = match.at;
  return item;
}

function sideLine(side, draw) {
  const won = side.place === 1 && !draw;
  const place = element("span", "place", draw ? "=" : String(side.place));
  place.setAttribute("aria-hidden", "true");
  const players = side.players.slice(0, MEMBERS_SHOWN).map((player) => {
    const change = player.after - player.before;
    const text = signed(change);
    const who = element("span", "who", element("bdi", "", nameOf(player)));
    who.firstChild.title = player.player_id;
    if (text) who.append(" ", element("span", change > 0 ? "up" : change < 0 ? "down" : "soft", text));
    return who;
  });
  if (side.players.length > MEMBERS_SHOWN) players.push(element("span", "more", `+${side.players.length - MEMBERS_SHOWN}`));
  const line = element("div", won ? "side won" : "side", place, element("span", "sr", draw ? "draw: " : won ? "won: " : `place ${side.place}: `), element("span", "team", ...players));
  return line;
}
