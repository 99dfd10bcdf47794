// A box drawn on the asked picture is searched with. Without this file its parts are still links.
"use strict";
(() => {
  const picture = document.querySelector("svg[data-parts]");
  if (!picture) return;
  const drawn = picture.querySelector("[data-drawn]");
  const { width, height } = picture.viewBox.baseVal;
  const SMALLEST = 8; // CSS pixels that the pointer moves; less is a click
  let start = null; // where the pointer went down, while it may become a box
  let moved = false;

  // Pixels of the upright picture, whole and inside it.
  function place(event) {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
    const within = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
    return { x: within(at.x, width), y: within(at.y, height) };
  }

  function show(box) {
    for (const name of ["x", "y", "width", "height"]) drawn.setAttribute(name, box[name]);
  }

  function forget() {
    start = null;
    show({ x: 0, y: 0, width: 0, height: 0 });
  }

  function boxTo(event) {
    const [from, to] = [start.at, place(event)];
    const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
    return { x, y, width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) };
  }

  function search({ x, y, width, height }) {
    const address = new URL(picture.dataset.search, location.href);
    address.searchParams.set("box", [x, y, x + width, y + height].join(","));
    address.searchParams.set("wait", "hits"); // see hits_first.js
    picture.classList.add("busy");
    location.assign(address);
  }

  picture.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) { forget(); return; }
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
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && start) forget(); });
  // The end of a drag is no click on the link that it ends on, and a link is not dragged away.
  picture.addEventListener("click", (event) => {
    if (moved && event.detail) event.preventDefault(); // of the keyboard it is 0
  }, true);
  picture.addEventListener("dragstart", (event) => event.preventDefault());
  window.addEventListener("pageshow", () => {
    picture.classList.remove("busy");
    forget();
  });
})();
