// The audit log: the newest records that fit what is asked for. What is asked for stands in the address, so that it can be
// shared. Whatever a record holds is shown as text only.
import { count, element, put, whole } from "./format.js";
import { askNow, follow } from "./poll.js";

const EVERY_MS = 2000;
const ROWS = 50;
const ROWS_MAX = 1000;
const CLASSES = ["n", "", "", "", "name", ""];
const FIELDS = ["event", "principal", "resource", "refused"];

const at = (id) => document.getElementById(id);
let limit = ROWS;

const chosen = () => new URLSearchParams(location.hash.slice(1));

function where() {
  const query = new URLSearchParams({ limit });
  for (const field of FIELDS) {
    const value = chosen().get(field);
    if (value) query.set(field, value);
  }
  return `/v1/admin/audit?${query}`;
}

function answered(record) {
  const times = record.additionalEventData?.count;
  return (record.errorCode ?? "done") + (times ? `, ${count(times, "time")}` : "");
}

function cells(record) {
  const who = record.userIdentity;
  const about = record.resources.map((of) => of.ARN).join(" ");
  const time = record.eventTime.replace("T", " ").replace("Z", "");
  return [whole(record.seq), time, record.eventName, who.principalId ?? who.type, about, answered(record)];
}

function take(page) {
  put(at("size"), ` · ${count(page.size, "record")}`);
  const body = at("records").tBodies[0];
  page.records.forEach((record, i) => {
    const texts = cells(record);
    const row = body.rows[i] ?? body.appendChild(element("tr", "", ...texts.map((_, c) => element("td", CLASSES[c]))));
    texts.forEach((text, c) => put(row.cells[c], text));
    row.title = record.additionalEventData?.reason ?? "";
  });
  while (body.rows.length > page.records.length) body.lastChild.remove();
  at("none").hidden = page.records.length > 0;
  at("more").hidden = page.next_cursor === undefined || limit >= ROWS_MAX;
}

function renew() {
  for (const field of FIELDS) at(field).value = chosen().get(field) ?? "";
  askNow();
}

at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const next = new URLSearchParams();
  for (const field of FIELDS) if (at(field).value.trim()) next.set(field, at(field).value.trim());
  history.replaceState(null, "", `#${next}`);
  limit = ROWS;
  renew();
});
at("more").addEventListener("click", () => {
  limit = Math.min(ROWS_MAX, limit * 2);
  askNow();
});
addEventListener("hashchange", renew);
for (const field of FIELDS) at(field).value = chosen().get(field) ?? "";
follow({ where, take, everyMs: EVERY_MS });
