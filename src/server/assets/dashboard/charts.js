// Plots as SVG at the size they have on the screen, so that their text stays readable at any width.
import { axis, count, whole } from "./format.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const LEFT = 40;
const RIGHT = 12;
const TOP = 8;
const BOTTOM = 22;

function node(parent, tag, attributes, text) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

// The smallest round step that needs at most `parts` of them up to `n`; counts have no step below one.
function step(n, parts) {
  const least = Math.max(n / parts, 1e-9);
  const unit = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= least * 0.9999);
}

// An empty plot with a y axis from zero to a round number at or above `most`.
function frame(holder, tall, most, label) {
  const wide = Math.max(220, Math.floor(holder.clientWidth));
  const by = Math.max(1, step(Math.max(1, most), 4));
  const top = Math.max(by * 2, Math.ceil(most / by) * by);
  const svg = document.createElementNS(NAMESPACE, "svg");
  for (const [name, value] of Object.entries({ width: wide, height: tall, viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": label })) {
    svg.setAttribute(name, value);
  }
  const y = (value) => tall - BOTTOM - (value / top) * (tall - TOP - BOTTOM);
  for (let value = 0; value <= top + by / 2; value += by) {
    node(svg, "line", { class: value === 0 ? "base" : "grid", x1: LEFT, x2: wide - RIGHT, y1: y(value), y2: y(value) });
    node(svg, "text", { x: LEFT - 7, y: y(value) + 4, "text-anchor": "end" }, axis(value));
  }
  return { svg, wide, tall, y, floor: tall - BOTTOM };
}

// Seconds that a chart of `seconds` of data shows: a young server gets a shorter axis instead of an empty one.
export const windowOf = (seconds) => [60, 120, 300].find((w) => seconds <= w) ?? 300;

const timeText = (s, short) => (s === 0 ? "now" : s % 60 === 0 ? `−${s / 60} ${short ? "m" : "min"}` : `−${s} s`);

// Lines over the last `seconds`, the newest at the right. Each of `lines` is {name, values, className, area}; `cursor`
// is how many seconds ago a reading line stands, or null.
export function overTime(holder, { lines, seconds, stepS, tall, title, cursor }) {
  const most = Math.max(0, ...lines.flatMap((line) => line.values));
  const said = lines.map((line) => `${line.name}: now ${whole(line.values.at(-1) ?? 0)}, most ${whole(Math.max(0, ...line.values))}`);
  const { svg, wide, y, floor } = frame(holder, tall, most, `${title}, last ${seconds} seconds. ${said.join("; ")}.`);
  const x = (secondsAgo) => wide - RIGHT - (secondsAgo / seconds) * (wide - LEFT - RIGHT);
  const tick = seconds === 60 ? 15 : seconds === 120 ? 30 : 60;
  for (let s = 0; s <= seconds; s += tick) {
    node(svg, "line", { class: "base", x1: x(s), x2: x(s), y1: floor, y2: floor + 4 });
    node(svg, "text", { x: x(s), y: tall - 4, "text-anchor": s === 0 ? "end" : s === seconds ? "start" : "middle" }, timeText(s, wide < 480));
  }
  for (const { values, className, area } of lines) {
    const shown = values.slice(-Math.floor(seconds / stepS) - 1);
    const points = shown.map((value, i) => `${x((shown.length - 1 - i) * stepS).toFixed(1)},${y(value).toFixed(1)}`);
    if (points.length === 0) continue;
    if (area) {
      node(svg, "polygon", { class: area, points: `${x((shown.length - 1) * stepS).toFixed(1)},${floor} ${points.join(" ")} ${x(0).toFixed(1)},${floor}` });
    }
    node(svg, "polyline", { class: `line ${className}`, points: points.join(" ") });
    if (cursor === null) continue;
    const read = values.at(-1 - Math.round(cursor / stepS));
    if (read !== undefined) node(svg, "circle", { class: `dot ${className}`, cx: x(cursor), cy: y(read), r: 3.5 });
  }
  if (cursor !== null) node(svg, "line", { class: "cursor", x1: x(cursor), x2: x(cursor), y1: TOP, y2: floor });
  holder.replaceChildren(svg);
}

// How many seconds ago the point under a pointer lies.
export function secondsAt(holder, clientX, seconds) {
  const box = holder.getBoundingClientRect();
  const part = (box.right - RIGHT - clientX) / (box.width - LEFT - RIGHT);
  return Math.min(1, Math.max(0, part)) * seconds;
}

// Bars of {lower, upper, count}; empty ones at both ends are left out. `what` names the numbers, one and many; `mark` is
// {value, name} of a line across, or null.
export function histogram(holder, buckets, tall, what = ["rating", "ratings"], mark = null) {
  const known = buckets.filter((b) => Number.isFinite(b.lower) && Number.isFinite(b.upper) && b.upper > b.lower);
  const first = known.findIndex((b) => b.count > 0);
  const last = known.findLastIndex((b) => b.count > 0);
  const bars = first < 0 ? [] : known.slice(Math.max(0, first - 1), last + 2);
  const most = Math.max(0, ...bars.map((b) => b.count));
  const mode = bars.find((b) => b.count === most);
  const many = what[1][0].toUpperCase() + what[1].slice(1);
  const label = mode
    ? `${many} from ${whole(known[first].lower)} to ${whole(known[last].upper)}; most players, ${whole(most)}, between ${whole(mode.lower)} and ${whole(mode.upper)}.${mark ? ` ${mark.name} at ${whole(mark.value)}.` : ""}`
    : `No ${what[1]} yet.`;
  const bottom = 16;
  const { svg, wide, y, floor } = frame(holder, tall - bottom, most, label);
  svg.setAttribute("height", tall);
  svg.setAttribute("viewBox", `0 0 ${wide} ${tall}`);
  node(svg, "text", { x: (LEFT + wide - RIGHT) / 2, y: tall - 3, "text-anchor": "middle" }, what[0]);
  node(svg, "text", { x: 11, y: (TOP + floor) / 2, "text-anchor": "middle", transform: `rotate(-90 11 ${(TOP + floor) / 2})` }, "players");
  if (bars.length > 0) {
    const from = bars[0].lower;
    const to = bars.at(-1).upper;
    const x = (value) => LEFT + ((value - from) / (to - from)) * (wide - LEFT - RIGHT);
    for (const bar of bars) {
      const left = x(bar.lower) + 0.5;
      const up = bar.count > 0 ? Math.min(y(bar.count), floor - 1) : floor;
      const rect = node(svg, "rect", { class: "bar", x: left, y: up, width: Math.max(1, x(bar.upper) - 0.5 - left), height: floor - up });
      node(rect, "title", {}, `${whole(bar.lower)} to ${whole(bar.upper)}: ${count(bar.count, "player")}`);
    }
    if (mark && mark.value >= from && mark.value <= to) {
      const right = x(mark.value) > wide / 2;
      node(svg, "line", { class: "mark", x1: x(mark.value), x2: x(mark.value), y1: TOP, y2: floor });
      node(svg, "text", { class: "mark-name", x: x(mark.value) + (right ? -5 : 5), y: TOP + 9, "text-anchor": right ? "end" : "start" }, mark.name);
    }
    const by = step(to - from, Math.max(2, Math.floor((wide - LEFT) / 45)));
    for (let value = Math.ceil(from / by) * by; value <= to; value += by) {
      node(svg, "line", { class: "base", x1: x(value), x2: x(value), y1: floor, y2: floor + 4 });
      const end = x(value) > wide - RIGHT - 12;
      node(svg, "text", { x: end ? wide - 1 : x(value), y: floor + 17, "text-anchor": end ? "end" : "middle" }, axis(value));
    }
  }
  holder.replaceChildren(svg);
}

const DAY_MS = 86400000;

// A player's rank over time, the best at the top: `points` are {at, rank, rating, players}, oldest first; where there is
// no rank the line is broken.
export function ranks(holder, points, tall) {
  const known = points.filter((p) => Number.isFinite(p.rank));
  const wide = Math.max(220, Math.floor(holder.clientWidth));
  const best = Math.min(...known.map((p) => p.rank));
  const worst = Math.max(...known.map((p) => p.rank));
  const [from, to] = [points[0].at, points.at(-1).at];
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);
  const svg = document.createElementNS(NAMESPACE, "svg");
  const label = `Rank from ${day(from)} to ${day(to)}: best ${whole(best)}, worst ${whole(worst)}, now ${whole(known.at(-1).rank)}.`;
  for (const [name, value] of Object.entries({ width: wide, height: tall, viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": label })) {
    svg.setAttribute(name, value);
  }
  const floor = tall - BOTTOM;
  const by = Math.max(1, step(Math.max(1, worst - best), 3));
  const low = Math.max(1, Math.floor(best / by) * by);
  const high = Math.max(low + by, Math.ceil(worst / by) * by);
  const y = (rank) => TOP + 4 + ((rank - low) / (high - low)) * (floor - TOP - 10);
  const x = (at) => LEFT + ((at - from) / (to - from)) * (wide - LEFT - RIGHT);
  const lines = [low];
  for (let rank = Math.floor(low / by + 1) * by; rank <= high; rank += by) lines.push(rank);
  for (const rank of lines) {
    node(svg, "line", { class: "grid", x1: LEFT, x2: wide - RIGHT, y1: y(rank), y2: y(rank) });
    node(svg, "text", { x: LEFT - 7, y: y(rank) + 4, "text-anchor": "end" }, axis(rank));
  }
  node(svg, "line", { class: "base", x1: LEFT, x2: wide - RIGHT, y1: floor, y2: floor });
  const text = (ms) => (to - from <= 2 * DAY_MS ? new Date(ms).toISOString().slice(11, 16) : day(ms).slice(5));
  for (const [part, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) {
    const ms = from + part * (to - from);
    node(svg, "line", { class: "base", x1: x(ms), x2: x(ms), y1: floor, y2: floor + 4 });
    node(svg, "text", { x: x(ms), y: tall - 4, "text-anchor": anchor }, part === 1 ? "now" : text(ms));
  }
  let run = [];
  const runs = [run];
  for (const point of points) {
    if (Number.isFinite(point.rank)) run.push(point);
    else if (run.length > 0) runs.push((run = []));
  }
  for (const part of runs.filter((r) => r.length > 0)) {
    // One point alone is no line.
    if (part.length === 1) node(svg, "circle", { class: "dot line-a", cx: x(part[0].at), cy: y(part[0].rank), r: 3 });
    else node(svg, "polyline", { class: "line line-a", points: part.map((p) => `${x(p.at).toFixed(1)},${y(p.rank).toFixed(1)}`).join(" ") });
  }
  for (const point of known) {
    const dot = node(svg, "circle", { class: "spot", cx: x(point.at), cy: y(point.rank), r: 4 });
    node(dot, "title", {}, `${new Date(point.at).toISOString().slice(0, 16).replace("T", " ")}: rank ${whole(point.rank)} of ${whole(point.players)}, ${whole(point.rating)}`);
  }
  holder.replaceChildren(svg);
}
