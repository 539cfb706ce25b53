// The dashboard: asks /v1/overview each second and shows what it says. Whatever players chose is shown as text only.
import { histogram, overTime } from "./charts.js";
import { element, one, signed, span, whole } from "./format.js";

const EVERY_MS = 1000;
const RETRY_MS_MAX = 15000;
const POINTS = 300;
const MOVES_OVER_MS = 10000;
const KEY = "gsm-admin-key";
const RECENT_ROWS = 12;

const at = (id) => document.getElementById(id);
let failures = 0;
let last = null;
let mode = decodeURIComponent(location.hash.slice(1));
// By mode: [time, rank by player] of some moments, for the arrows.
const seen = new Map();

function say(state, text) {
  at("state").dataset.state = state;
  at("state").textContent = text;
}

async function look() {
  const key = sessionStorage.getItem(KEY);
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  const answer = await fetch("/v1/overview", { headers, cache: "no-store" });
  if (answer.status === 401 || answer.status === 403) {
    askKey(key ? "This key does not open it." : "");
    return false;
  }
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  last = await answer.json();
  at("key-form").hidden = true;
  at("page").hidden = false;
  show();
  return true;
}

function askKey(error) {
  sessionStorage.removeItem(KEY);
  at("page").hidden = true;
  at("key-form").hidden = false;
  at("key-error").textContent = error;
  say("wait", "locked");
}

async function turn() {
  let wait = EVERY_MS;
  try {
    if (!document.hidden) {
      if (!(await look())) return;
      failures = 0;
      say("live", "live");
    }
  } catch {
    failures += 1;
    wait = Math.min(RETRY_MS_MAX, EVERY_MS * 2 ** failures);
    say("lost", "connection lost, retrying");
  }
  setTimeout(turn, wait);
}

function show() {
  const { queues, boards, series } = last;
  at("version").textContent = `version ${last.version}`;
  at("uptime").textContent = `up ${span(last.now - last.started_at)}`;
  const sum = (all, of) => all.reduce((n, each) => n + of(each), 0);
  at("tile-waiting").textContent = whole(sum(queues, (q) => q.waiting));
  at("tile-wait").textContent = `longest ${span(Math.max(0, ...queues.map((q) => q.wait_ms_max)))}`;
  at("tile-running").textContent = whole(last.running);
  at("tile-proposals").textContent = `${whole(sum(queues, (q) => q.proposals))} proposals open`;
  const recent = series.results.slice(-10);
  at("tile-rate").textContent = one(recent.length ? (sum(recent, (n) => n) * 1000) / (recent.length * series.step_ms) : 0);
  at("tile-total").textContent = `${whole(last.results)} since the start`;
  at("tile-players").textContent = whole(sum(boards, (b) => b.players));
  at("tile-modes").textContent = `on ${boards.length} ${boards.length === 1 ? "board" : "boards"}`;
  at("empty").hidden = last.results > 0 || sum(boards, (b) => b.players) > 0 || sum(queues, (q) => q.waiting) > 0;
  overTime(at("chart-results"), "Results a second over the last five minutes", [{ values: series.results, className: "line-a", area: "area-a" }], POINTS, series.step_ms);
  overTime(
    at("chart-waiting"), "Tickets waiting and matches running over the last five minutes",
    [{ values: series.waiting, className: "line-a" }, { values: series.running, className: "line-b" }], POINTS, series.step_ms,
  );
  for (const board of boards) remember(board);
  showModes(boards);
  showBoard(boards.find((b) => b.mode === mode) ?? boards[0]);
  showRecent(last.recent);
  showQueues(queues);
}

function remember(board) {
  const moments = seen.get(board.mode) ?? [];
  moments.push({ when: last.now, ranks: new Map(board.top.map((row) => [row.player_id, row.rank])) });
  while (moments.length > 1 && moments[1].when <= last.now - MOVES_OVER_MS) moments.shift();
  seen.set(board.mode, moments);
}

function showModes(boards) {
  if (!boards.some((b) => b.mode === mode)) mode = [...boards].sort((a, b) => b.players - a.players)[0]?.mode ?? "";
  const tabs = at("modes");
  if ([...tabs.children].map((tab) => tab.textContent).join("\n") !== boards.map((b) => b.mode).join("\n")) {
    tabs.replaceChildren(...boards.map((board) => {
      const tab = element("button", "", board.mode);
      tab.type = "button";
      tab.setAttribute("role", "tab");
      tab.addEventListener("click", () => {
        mode = board.mode;
        history.replaceState(null, "", `#${encodeURIComponent(mode)}`);
        show();
      });
      return tab;
    }));
  }
  for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.textContent === mode));
}

function moved(row) {
  const before = seen.get(mode)?.[0]?.ranks;
  const cell = element("td", "move");
  if (!before || seen.get(mode).length < 2) return cell;
  const rank = before.get(row.player_id);
  if (rank === undefined) {
    cell.textContent = "new";
    cell.classList.add("up");
  } else if (rank !== row.rank) {
    const up = rank > row.rank;
    cell.textContent = `${up ? "▲" : "▼"} ${Math.abs(rank - row.rank)}`;
    cell.classList.add(up ? "up" : "down");
    cell.setAttribute("aria-label", `${up ? "up" : "down"} ${Math.abs(rank - row.rank)}`);
  }
  return cell;
}

const nameOf = (player) => player.display_name ?? player.player_id;

function showBoard(board) {
  const rows = (board?.top ?? []).map((row) => {
    const line = element("tr");
    line.dataset.player = row.player_id;
    const name = element("td", "name", nameOf(row));
    name.title = row.player_id;
    line.append(
      element("td", "n", whole(row.rank)), moved(row), name, element("td", "n", one(row.rating)),
      element("td", "n", whole(row.deviation)), element("td", "n", whole(row.games_played)),
    );
    return line;
  });
  slide(at("board").tBodies[0], rows);
  histogram(at("chart-histogram"), "How the ratings of the board are spread", board?.histogram ?? []);
}

// Puts in the new rows; those that changed place glide there, unless the viewer wants no motion.
function slide(body, rows) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const before = new Map([...body.rows].map((row) => [row.dataset.player, row.offsetTop]));
  body.replaceChildren(...rows);
  if (still) return;
  for (const row of rows) {
    const from = before.get(row.dataset.player);
    if (from !== undefined && from !== row.offsetTop) {
      row.animate([{ transform: `translateY(${from - row.offsetTop}px)` }, { transform: "none" }], { duration: 350, easing: "ease-out" });
    }
  }
}

function showRecent(results) {
  at("recent").replaceChildren(...results.slice(0, RECENT_ROWS).map((result) => {
    const item = element("li");
    const sides = element("div", "sides");
    for (const side of [...result.sides].sort((a, b) => a.place - b.place)) {
      const line = element("div", side.place === 1 ? "side first" : "side");
      line.append(element("span", "place", `${side.place}.`));
      for (const player of side.players) {
        const who = element("span", "who", `${nameOf(player)} `);
        const change = player.after - player.before;
        who.append(element("span", change >= 0 ? "up" : "down", signed(change)));
        line.append(who);
      }
      sides.append(line);
    }
    const when = element("div", "when", result.mode);
    when.append(element("br"), `${span(last.now - result.at)} ago`);
    item.append(sides, when);
    return item;
  }));
}

function showQueues(queues) {
  at("queues").tBodies[0].replaceChildren(...queues.map((queue) => {
    const line = element("tr");
    line.append(
      element("td", "", queue.queue), element("td", "", queue.mode), element("td", "n", whole(queue.waiting)),
      element("td", "n", queue.waiting ? span(queue.wait_ms_max) : "–"), element("td", "n", whole(queue.proposals)),
    );
    return line;
  }));
}

at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, at("key").value.trim());
  at("key").value = "";
  turn();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && last) look().catch(() => {});
});
turn();
