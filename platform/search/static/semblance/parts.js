// A box drawn on the asked picture is searched with: by mouse at any time, by finger and keyboard once
// "Select a part" is on, so that a swipe scrolls. Without this file its parts are still links.
"use strict";
(() => {
  const picture = document.querySelector("svg[data-parts]");
  if (!picture) return;
  const drawn = picture.querySelector("[data-drawn]");
  const button = document.querySelector("[data-select]");
  const said = document.querySelector("[data-drawn-said]");
  const { width, height } = picture.viewBox.baseVal;
  const SMALLEST = 8; // CSS pixels that the pointer moves; less is a click
  const LEAST = Math.min(8, width, height); // pixels of the picture: the side of a box
  const STEP = Math.max(1, Math.round(Math.max(width, height) / 50));
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  let start = null; // where the pointer went down, while it may become a box
  let moved = false;
  let typed = null; // the box of the keyboard

  const within = (value, least, most) => Math.round(Math.min(Math.max(value, least), most));
  const isSelecting = () => picture.classList.contains("selecting");

  // Pixels of the upright picture, whole and inside it.
  function place(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
    return { x: within(at.x, 0, width), y: within(at.y, 0, height) };
  }

  function show(box) {
    for (const name of ["x", "y", "width", "height"]) drawn.setAttribute(name, box[name]);
  }

  function forget() {
    start = typed = null;
    show({ x: 0, y: 0, width: 0, height: 0 });
  }

  function boxTo(event) {
    const [from, to] = [start.at, place(event)];
    const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
    return { x, y, width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) };
  }

  function search({ x, y, width: wide, height: high }) {
    const address = new URL(picture.dataset.search, location.href);
    address.searchParams.set("box", [x, y, x + wide, y + high].join(","));
    address.searchParams.set("wait", "hits"); // see hits_first.js
    document.dispatchEvent(new CustomEvent("searching", { detail: picture })); // see progress.js
    location.assign(address);
  }

  // Select a part: a finger draws, and the keyboard moves a box.
  function select(on, { byKeyboard = false } = {}) {
    picture.classList.toggle("selecting", on);
    button.setAttribute("aria-pressed", String(on));
    said.textContent = on ? button.dataset.help : "";
    for (const [name, value] of [["tabindex", "0"], ["role", "application"]]) {
      if (on) picture.setAttribute(name, value);
      else if (name === "role") picture.setAttribute("role", "group");
      else picture.removeAttribute(name);
    }
    forget();
    if (!on) return;
    if (byKeyboard) type({ x: width / 4, y: height / 4, width: width / 2, height: height / 2 });
    picture.focus({ preventScroll: !byKeyboard });
  }

  function type(box) {
    const wide = within(box.width, LEAST, width);
    const high = within(box.height, LEAST, height);
    typed = { x: within(box.x, 0, width - wide), y: within(box.y, 0, height - high), width: wide, height: high };
    show(typed);
  }

  function onKey(event) {
    if (!isSelecting() || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const box = typed ?? { x: width / 4, y: height / 4, width: width / 2, height: height / 2 };
      const [right, down] = arrow.map((way) => way * STEP);
      if (!event.shiftKey) type({ ...box, x: box.x + right, y: box.y + down });
      else {
        type({
          ...box,
          width: Math.min(box.width + right, width - box.x),
          height: Math.min(box.height + down, height - box.y),
        });
      }
      tell();
    } else if (event.key === "Enter" && typed && event.target === picture) search(typed);
    else return;
    event.preventDefault();
  }

  // Where the box lies, once the keys rest.
  let telling = null;
  function tell() {
    clearTimeout(telling);
    telling = setTimeout(() => {
      if (!typed) return;
      said.textContent = ["x", "y", "width", "height"]
        .reduce((text, name) => text.replace(`{${name}}`, typed[name]), button.dataset.box);
    }, 400);
  }

  button.addEventListener("click", (event) => select(!isSelecting(), { byKeyboard: event.detail === 0 }));
  picture.addEventListener("keydown", onKey);
  picture.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) { forget(); return; }
    if (event.pointerType === "touch" && !isSelecting()) return; // it scrolls, or taps a part
    moved = false;
    start = { id: event.pointerId, x: event.clientX, y: event.clientY, at: place(event) };
  });
  picture.addEventListener("pointermove", (event) => {
    if (!start || event.pointerId !== start.id) return;
    if (!moved && Math.hypot(event.clientX - start.x, event.clientY - start.y) < SMALLEST) return;
    // Not before: a captured click would miss the link under it.
    if (!moved) picture.setPointerCapture(start.id);
    moved = true;
    show(boxTo(event));
  });
  picture.addEventListener("pointerup", (event) => {
    if (!start || event.pointerId !== start.id) return;
    const box = moved ? boxTo(event) : null;
    start = null;
    if (box && box.width && box.height) search(box);
    else forget();
  });
  picture.addEventListener("pointercancel", forget);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (start) forget();
    else if (isSelecting()) {
      select(false);
      button.focus();
    }
  });
  // The end of a drag is no click on the link that it ends on, and a link is not dragged away.
  picture.addEventListener("click", (event) => {
    if (moved && event.detail) event.preventDefault(); // of the keyboard it is 0
  }, true);
  picture.addEventListener("dragstart", (event) => event.preventDefault());
  document.addEventListener("searchended", forget);
  window.addEventListener("pageshow", () => select(false));
})();
