// The panels of an image, drawn over it. The rows of numbers are what is sent; this keeps both alike.
"use strict";
(() => {
  const form = document.querySelector("form[data-panels]");
  if (!form) return;
  const SVG = "http://www.w3.org/2000/svg";
  const HANDLES = ["nw", "ne", "sw", "se"];
  const canvas = form.querySelector("svg");
  const boxes = form.querySelector("[data-boxes]");
  const rows = form.querySelector("[data-rows]");
  const total = form.querySelector("[name$=TOTAL_FORMS]");
  const most = Number(form.querySelector("[name$=MAX_NUM_FORMS]").value);
  const smallest = Number(form.dataset.minSide);
  const { width, height } = canvas.viewBox.baseVal;
  let held = null; // what the pointer holds: a row, its box then, where it went down, and a handle

  canvas.removeAttribute("aria-hidden");
  const within = (value, least, limit) => Math.round(Math.min(Math.max(value, least), limit));
  const input = (row, side) => row.querySelector(`input[name$="-${side}"]`);
  const isKept = (row) => !input(row, "DELETE").checked;

  function boxOf(row) {
    const [x0, y0, x1, y1] = ["x0", "y0", "x1", "y1"].map((side) => input(row, side).valueAsNumber);
    return x1 > x0 && y1 > y0 ? { x0, y0, x1, y1 } : null;
  }

  function write(row, box) {
    for (const [side, value] of Object.entries(box)) input(row, side).value = value;
    draw();
  }

  function remove(row) {
    input(row, "DELETE").checked = true;
    row.hidden = true;
    draw();
    (boxes.querySelector("[data-box]") ?? form.querySelector("button")).focus();
  }

  function add() {
    const blank = [...rows.children].find((row) => isKept(row) && ["x0", "y0", "x1", "y1"].every((side) => !input(row, side).value));
    if (blank) return blank;
    if (Number(total.value) >= most) return null;
    const markup = form.querySelector("template").innerHTML.replaceAll("__prefix__", total.value);
    total.value = Number(total.value) + 1;
    rows.insertAdjacentHTML("beforeend", markup);
    return rows.lastElementChild;
  }

  function shape(name, attributes, parent) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  }

  function draw() {
    const focused = document.activeElement?.closest?.("[data-box]")?.dataset.box;
    const size = width / canvas.getBoundingClientRect().width; // pixels of the original in one of CSS
    boxes.replaceChildren();
    let number = 0;
    for (const [index, row] of [...rows.children].entries()) {
      const box = isKept(row) ? boxOf(row) : null;
      if (!box) continue;
      number += 1;
      row.querySelector("legend").textContent = row.querySelector("legend").dataset.name.replace("{number}", number);
      const label = `${row.querySelector("legend").textContent}: ${box.x0}, ${box.y0}, ${box.x1}, ${box.y1}`;
      const group = shape("g", { "data-box": index, tabindex: 0, role: "img", "aria-label": label }, boxes);
      shape("rect", { x: box.x0, y: box.y0, width: box.x1 - box.x0, height: box.y1 - box.y0 }, group);
      const text = shape("text", { x: box.x0 + 8 * size, y: box.y0 + 22 * size, "font-size": 18 * size }, group);
      text.textContent = number;
      for (const handle of HANDLES) {
        const x = handle.includes("w") ? box.x0 : box.x1;
        const y = handle.includes("n") ? box.y0 : box.y1;
        shape("circle", { cx: x, cy: y, r: 8 * size, class: handle, "data-handle": handle }, group);
      }
    }
    if (focused !== undefined) boxes.querySelector(`[data-box="${focused}"]`)?.focus();
  }

  // Pixels of the upright original.
  function pointOf(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(canvas.getScreenCTM().inverse());
    return { x: within(at.x, 0, width), y: within(at.y, 0, height) };
  }

  function spanned(from, to) {
    return {
      x0: Math.min(from.x, to.x), y0: Math.min(from.y, to.y),
      x1: Math.max(from.x, to.x), y1: Math.max(from.y, to.y),
    };
  }

  function moved(box, dx, dy) {
    const x0 = within(box.x0 + dx, 0, width - (box.x1 - box.x0));
    const y0 = within(box.y0 + dy, 0, height - (box.y1 - box.y0));
    return { x0, y0, x1: x0 + box.x1 - box.x0, y1: y0 + box.y1 - box.y0 };
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    const at = pointOf(event);
    const group = event.target.closest("[data-box]");
    const row = group && rows.children[Number(group.dataset.box)];
    const handle = event.target.dataset.handle;
    const box = row && boxOf(row);
    if (handle) {
      const corner = { x: handle.includes("w") ? box.x1 : box.x0, y: handle.includes("n") ? box.y1 : box.y0 };
      held = { row, corner, box };
    } else if (row) {
      held = { row, box, at };
    } else {
      held = { row: null, corner: at, box: null };
    }
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
    group?.focus();
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const to = pointOf(event);
    if (held.at) {
      write(held.row, moved(held.box, to.x - held.at.x, to.y - held.at.y));
      return;
    }
    const box = spanned(held.corner, to);
    if (Math.min(box.x1 - box.x0, box.y1 - box.y0) < smallest) return; // a click, or not a box yet
    held.row ??= add();
    if (held.row) write(held.row, box);
  });

  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { held = null; });

  canvas.addEventListener("keydown", (event) => {
    const row = rows.children[Number(event.target.closest("[data-box]")?.dataset.box)];
    if (!row) return;
    const step = event.shiftKey ? 10 : 1;
    const ways = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.key in ways) write(row, moved(boxOf(row), ...ways[event.key]));
    else if (event.key === "Delete" || event.key === "Backspace") remove(row);
    else return;
    event.preventDefault();
  });

  rows.addEventListener("input", (event) => {
    const row = event.target.closest("[data-row]");
    if (!isKept(row)) remove(row);
    else draw();
  });
  new ResizeObserver(draw).observe(canvas);
})();
