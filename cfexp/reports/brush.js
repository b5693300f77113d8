// Bokeh calls this after each selection with the mouse: a stretch of an axis is kept as
// a brush, lines outside of any brush fade, and their rows of the table vanish.
// Given: lines, brushes (data sources), heights (a list for each axis), table (its id)
// and cb_obj, the event.
"use strict";
const kept = ((globalThis.cfexpBrushes ??= {})[table] ??= {});
if (cb_obj.event_name === "reset") {
  for (const axis of Object.keys(kept)) delete kept[axis];
} else {
  const { x0, x1, y0, y1 } = cb_obj.geometry;
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)];
  heights.forEach((_, axis) => {
    if (axis < left || axis > right) return;
    if (high - low < 0.01) delete kept[axis];
    else kept[axis] = [low, high];
  });
}
const axes = Object.keys(kept);
brushes.data = {
  left: axes.map((axis) => Number(axis) - 0.04),
  right: axes.map((axis) => Number(axis) + 0.04),
  bottom: axes.map((axis) => kept[axis][0]),
  top: axes.map((axis) => kept[axis][1]),
};
const shown = lines.data.row.map((_, line) =>
  axes.every((axis) => {
    const height = heights[axis][line];
    return kept[axis][0] <= height && height <= kept[axis][1];
  }),
);
lines.data.alpha = shown.map((one) => (one ? 0.85 : 0.04));
lines.change.emit();
const visible = new Set(lines.data.row.filter((_, line) => shown[line]));
for (const row of document.querySelectorAll(`#${table} tbody tr`)) {
  row.classList.toggle("brushed-out", !visible.has(row.dataset.name));
}
document.getElementById(`${table}-count`).textContent =
  `${visible.size} of ${shown.length} shown`;
