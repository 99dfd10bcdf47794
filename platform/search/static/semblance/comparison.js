// A hit beside the query: side by side with what met in them, laid over each other with a slider,
// in turns, or as what differs. What is alike where is alike.js's.
"use strict";
(() => {
  const BLINK_MS = 900; // well below what may harm
  const dialog = document.querySelector("dialog[data-compares]");
  if (!dialog) return;
  const part = (name) => dialog.querySelector(`[data-${name}]`);
  const [stage, image, laid, outline, slider] = ["stage", "image", "laid", "outline", "slider"].map(part);
  const views = [...dialog.querySelectorAll("[data-view]")];
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let shown = null; // the comparison in the open dialog
  let blinking = null; // the timer

  // The matrix3d that takes a rectangle of this size to four corners, clockwise from the upper
  // left; null where they are no quadrilateral. Heckbert 1989, square to quadrilateral.
  function homography(width, height, [[x0, y0], [x1, y1], [x2, y2], [x3, y3]]) {
    const [sx, sy] = [x0 - x1 + x2 - x3, y0 - y1 + y2 - y3];
    const [ax, ay, bx, by] = [x1 - x2, y1 - y2, x3 - x2, y3 - y2];
    const determinant = ax * by - bx * ay;
    if (Math.abs(determinant) < 1e-9) return null;
    const g = (sx * by - bx * sy) / determinant;
    const h = (ax * sy - sx * ay) / determinant;
    const columns = [
      [x1 - x0 + g * x1, y1 - y0 + g * y1, 0, g].map((value) => value / width),
      [x3 - x0 + h * x3, y3 - y0 + h * y3, 0, h].map((value) => value / height),
      [0, 0, 1, 0],
      [x0, y0, 0, 1],
    ];
    return `matrix3d(${columns.flat().map((value) => value.toFixed(12)).join(",")})`;
  }

  function lay() {
    if (!shown?.outline) return;
    const { clientWidth: width, clientHeight: height } = stage;
    const corners = shown.outline.map(([x, y]) => [x * width / shown.width, y * height / shown.height]);
    const matrix = width && height ? homography(width, height, corners) : null;
    laid.style.transform = matrix ?? "";
    laid.style.visibility = matrix ? "" : "hidden";
    // What lies beside it differs from nothing.
    const shares = shown.outline.map(([x, y]) => `${100 * x / shown.width}% ${100 * y / shown.height}%`);
    stage.style.setProperty("--common", `polygon(${shares.join(", ")})`);
  }

  function wipe() {
    stage.style.setProperty("--wipe", `${slider.value}%`);
  }

  function frame(rect, box) {
    rect.toggleAttribute("hidden", !box);
    if (!box) return;
    const [x0, y0, x1, y1] = box;
    Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })
      .forEach(([name, value]) => rect.setAttribute(name, value));
  }

  function fillSides() {
    const [ours, theirs] = ["query", "image"].map((side) => dialog.querySelector(`[data-side=${side}]`));
    frame(ours.querySelector("rect.met"), shown.box);
    theirs.setAttribute("viewBox", `0 0 ${shown.width} ${shown.height}`);
    const picture = theirs.querySelector("image");
    picture.setAttribute("href", shown.image);
    picture.setAttribute("width", shown.width);
    picture.setAttribute("height", shown.height);
    frame(theirs.querySelector("rect.met"), shown.outline ? null : shown.found_box);
    theirs.querySelector("polygon").setAttribute("points", (shown.outline ?? []).join(" "));
  }

  function fillOverlay() {
    if (!shown.outline) return;
    const [x0, y0, x1, y1] = shown.box;
    image.src = shown.image;
    // As wide as the dialog, but never so high that the slider is out of sight.
    stage.style.aspectRatio = `${shown.width} / ${shown.height}`;
    stage.style.maxWidth = `calc(55vh * ${shown.width / shown.height})`;
    laid.setAttribute("viewBox", `${x0} ${y0} ${x1 - x0} ${y1 - y0}`);
    outline.setAttribute("viewBox", `0 0 ${shown.width} ${shown.height}`);
    outline.firstElementChild.setAttribute("points", shown.outline.join(" "));
    slider.value = 50;
    wipe();
  }

  function pause() {
    clearInterval(blinking);
    blinking = null;
    part("pause-button").textContent = dialog.dataset.goOn;
  }

  function goOn() {
    blinking = setInterval(exchange, BLINK_MS);
    part("pause-button").textContent = dialog.dataset.pause;
  }

  function exchange() {
    stage.classList.toggle("away");
  }

  function look(view) {
    views.forEach((button) => button.setAttribute("aria-pressed", button.dataset.view === view));
    part("sides").hidden = view !== "sides";
    part("overlaid").hidden = view === "sides";
    dialog.querySelectorAll("[data-for]").forEach((each) => { each.hidden = each.dataset.for !== view; });
    stage.dataset.shows = view;
    stage.classList.remove("away");
    pause();
    part("pause-button").hidden = calm.matches;
    if (view === "blink" && !calm.matches) goOn();
    lay();
  }

  function open({ comparison, title, url }) {
    shown = JSON.parse(comparison);
    dialog.querySelector("h2").textContent = title;
    part("why").textContent = shown.why;
    part("said").textContent = shown.said;
    const objects = shown.objects.join(", ");
    part("objects").textContent = objects && dialog.dataset.objectsSaid.replace("{objects}", objects);
    part("link").href = url;
    dialog.querySelector(".views").hidden = !shown.outline; // then there is one alone
    fillSides();
    fillOverlay();
    dialog.showModal();
    look(shown.outline ? "slider" : "sides");
    (shown.outline ? slider : part("close")).focus();
    dialog.dispatchEvent(new CustomEvent("compared", { detail: shown }));
  }

  // On the picture itself the line follows the pointer.
  function follow(event) {
    if (event.buttons !== 1 || stage.dataset.shows !== "slider") return;
    const { left, width } = stage.getBoundingClientRect();
    slider.value = 100 * (event.clientX - left) / width;
    wipe();
  }

  // Heard from above: proofs.js exchanges the links. They lead to a page, for who wants it in a tab.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-comparison]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(link.dataset);
  });
  views.forEach((button) => button.addEventListener("click", () => look(button.dataset.view)));
  part("pause-button").addEventListener("click", () => (blinking ? pause() : goOn()));
  part("other").addEventListener("click", () => { pause(); exchange(); });
  slider.addEventListener("input", wipe);
  stage.addEventListener("pointerdown", follow);
  stage.addEventListener("pointermove", follow);
  stage.addEventListener("dragstart", (event) => event.preventDefault());
  part("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", pause);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  new ResizeObserver(lay).observe(stage);
})();
