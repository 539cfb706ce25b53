// Numbers and spans as people read them.
export const whole = (n) => Math.round(n).toLocaleString("en-US");

export const one = (n) => n.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export function span(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 129600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

export const signed = (n) => (n >= 0 ? "+" : "−") + Math.abs(n).toFixed(1);

// A round, even number at or above n, for the end of an axis.
export function ceiling(n) {
  if (n <= 4) return 4;
  const unit = 10 ** Math.floor(Math.log10(n));
  return [1, 2, 4, 6, 8, 10].map((step) => step * unit).find((end) => end >= n);
}

// An element with a class and a text; text is never read as markup.
export function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}
