// Plots as SVG, drawn anew each second: small enough not to need more.
import { ceiling, whole } from "./format.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 560;
const HEIGHT = 170;
const LEFT = 38;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

function node(parent, tag, attributes, text) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function frame(label, top) {
  const svg = document.createElementNS(NAMESPACE, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  for (const part of [0, 0.5, 1]) {
    const y = height(part * top, top);
    node(svg, "line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y });
    node(svg, "text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, whole(part * top));
  }
  return svg;
}

const height = (value, top) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);

// Lines over the last `points` steps, the newest at the right; each of `lines` is {values, className, area}.
export function overTime(holder, label, lines, points, stepMs) {
  const top = ceiling(Math.max(1, ...lines.flatMap((line) => line.values)));
  const svg = frame(label, top);
  const x = (index, length) => WIDTH - RIGHT - ((length - 1 - index) / (points - 1)) * (WIDTH - LEFT - RIGHT);
  for (const line of lines) {
    const path = line.values.map((value, i) => `${x(i, line.values.length).toFixed(1)},${height(value, top).toFixed(1)}`);
    if (path.length < 2) continue;
    if (line.area) {
      const from = x(0, path.length).toFixed(1);
      node(svg, "polygon", { class: line.area, points: `${from},${HEIGHT - BOTTOM} ${path.join(" ")} ${WIDTH - RIGHT},${HEIGHT - BOTTOM}` });
    }
    node(svg, "polyline", { class: line.className, points: path.join(" ") });
  }
  const minutes = Math.round((points * stepMs) / 60000);
  for (let minute = 0; minute <= minutes; minute += 1) {
    const at = WIDTH - RIGHT - (minute / minutes) * (WIDTH - LEFT - RIGHT);
    const anchor = minute === 0 ? "end" : minute === minutes ? "start" : "middle";
    node(svg, "text", { x: at, y: HEIGHT - 5, "text-anchor": anchor }, minute === 0 ? "now" : `−${minute} min`);
  }
  holder.replaceChildren(svg);
}

// Bars of {lower, upper, count}.
export function histogram(holder, label, buckets) {
  if (buckets.length === 0) {
    holder.replaceChildren();
    return;
  }
  const top = ceiling(Math.max(...buckets.map((bucket) => bucket.count)));
  const svg = frame(label, top);
  const wide = (WIDTH - LEFT - RIGHT) / buckets.length;
  buckets.forEach((bucket, i) => {
    const y = height(bucket.count, top);
    const bar = node(svg, "rect", { class: "bar", x: LEFT + i * wide + 0.5, y, width: Math.max(1, wide - 1), height: HEIGHT - BOTTOM - y });
    node(bar, "title", {}, `${whole(bucket.lower)} to ${whole(bucket.upper)}: ${whole(bucket.count)}`);
  });
  const ends = [
    [LEFT, "start", buckets[0].lower],
    [LEFT + ((WIDTH - LEFT - RIGHT) / 2), "middle", (buckets[0].lower + buckets.at(-1).upper) / 2],
    [WIDTH - RIGHT, "end", buckets.at(-1).upper],
  ];
  for (const [x, anchor, value] of ends) node(svg, "text", { x, y: HEIGHT - 5, "text-anchor": anchor }, whole(value));
  holder.replaceChildren(svg);
}
