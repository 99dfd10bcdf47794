// The query's part laid over the image that is its copy, and a slider that wipes between the two.
"use strict";
(() => {
  const dialog = document.querySelector("dialog[data-compares]");
  if (!dialog) return;
  const part = (name) => dialog.querySelector(`[data-${name}]`);
  const [stage, image, laid, outline, slider] = ["stage", "image", "laid", "outline", "slider"].map(part);
  let shown = null; // the comparison in the open dialog

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
    if (!shown) return;
    const { clientWidth: width, clientHeight: height } = stage;
    const corners = shown.outline.map(([x, y]) => [x * width / shown.width, y * height / shown.height]);
    const matrix = width && height ? homography(width, height, corners) : null;
    laid.style.transform = matrix ?? "";
    laid.style.visibility = matrix ? "" : "hidden";
  }

  function wipe() {
    stage.style.setProperty("--wipe", `${slider.value}%`);
  }

  function sentence(overlap) {
    if (!overlap) return dialog.dataset.same;
    const pattern = overlap.is_mirrored ? dialog.dataset.mirrored : dialog.dataset.shown;
    return pattern.replace("{percent}", `${overlap.query_percent}%`);
  }

  function open({ comparison, title, url }) {
    shown = JSON.parse(comparison);
    const [x0, y0, x1, y1] = shown.box;
    dialog.querySelector("h2").textContent = title;
    image.src = shown.image;
    // As wide as the dialog, but never so high that the slider is out of sight.
    stage.style.aspectRatio = `${shown.width} / ${shown.height}`;
    stage.style.maxWidth = `calc(60vh * ${shown.width / shown.height})`;
    laid.setAttribute("viewBox", `${x0} ${y0} ${x1 - x0} ${y1 - y0}`);
    outline.setAttribute("viewBox", `0 0 ${shown.width} ${shown.height}`);
    outline.firstElementChild.setAttribute("points", shown.outline.join(" "));
    part("said").textContent = sentence(shown.overlap);
    part("link").href = url;
    slider.value = 50;
    wipe();
    dialog.showModal();
    lay();
  }

  // On the picture itself the line follows the pointer.
  function follow(event) {
    if (event.buttons !== 1) return;
    const { left, width } = stage.getBoundingClientRect();
    slider.value = 100 * (event.clientX - left) / width;
    wipe();
  }

  // Heard from above: proofs.js exchanges the buttons.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-comparison]");
    if (button) open(button.dataset);
  });
  slider.addEventListener("input", wipe);
  stage.addEventListener("pointerdown", follow);
  stage.addEventListener("pointermove", follow);
  stage.addEventListener("dragstart", (event) => event.preventDefault());
  part("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  new ResizeObserver(lay).observe(stage);
})();
