// Which cells of the two pictures in the comparison are alike: asked for on demand, drawn over both.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const ALIKE = 0.5; // of the way from what any two cells have in common to the same
  const dialog = document.querySelector("dialog[data-compares]");
  if (!dialog) return;
  const part = (name) => dialog.querySelector(`[data-${name}]`);
  const sides = ["query", "image"].map((name) => dialog.querySelector(`[data-side=${name}]`));
  const [button, said] = [part("more"), part("more-said")];
  let url = null; // of the pair in the dialog
  let cells = null; // what the site said of it

  // How alike a cell of one side is to one of the other, 0..1.
  function likeness(side, one, other) {
    const [ours, theirs] = side === 0 ? [one, other] : [other, one];
    return cells.bytes[ours * cells.counts[1] + theirs] / 255;
  }

  function heatOf(side) {
    const others = [...Array(cells.counts[1 - side]).keys()];
    return [...Array(cells.counts[side]).keys()]
      .map((one) => Math.max(...others.map((other) => likeness(side, one, other))));
  }

  function paint(side, heat, chosen = null) {
    [...sides[side].querySelector("[data-heat]").children].forEach((rect, index) => {
      rect.setAttribute("fill-opacity", (0.8 * heat[index]).toFixed(3));
      rect.classList.toggle("chosen", index === chosen);
    });
  }

  function paintAll() {
    [0, 1].forEach((side) => paint(side, cells.heat[side]));
  }

  // The cells of the other side that are like this one.
  function point(side, index) {
    const others = [...Array(cells.counts[1 - side]).keys()];
    paint(1 - side, others.map((other) => likeness(side, index, other)));
    paint(side, cells.heat[side], index);
  }

  function draw(side) {
    const { rows, columns, box: [x0, y0, x1, y1] } = cells.grids[side];
    const [width, height] = [(x1 - x0) / columns, (y1 - y0) / rows];
    const group = sides[side].querySelector("[data-heat]");
    group.replaceChildren(...[...Array(rows * columns).keys()].map((index) => {
      const rect = document.createElementNS(SVG, "rect");
      rect.setAttribute("x", x0 + (index % columns) * width);
      rect.setAttribute("y", y0 + Math.floor(index / columns) * height);
      rect.setAttribute("width", width);
      rect.setAttribute("height", height);
      rect.addEventListener("pointerenter", () => point(side, index));
      return rect;
    }));
    sides[side].setAttribute("tabindex", "0");
  }

  function step(side, event) {
    if (!cells) return;
    const { rows, columns } = cells.grids[side];
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (!by) return;
    event.preventDefault();
    cells.at[side] = (cells.at[side] + by + rows * columns) % (rows * columns);
    point(side, cells.at[side]);
  }

  function show(found) {
    if (!found.cells) {
      say(`${found.sentence} ${dialog.dataset.noCells}`);
      return;
    }
    const bytes = Uint8Array.from(atob(found.cells.likeness), (letter) => letter.charCodeAt(0));
    const grids = [found.cells.query, found.cells.image];
    cells = { bytes, grids, counts: grids.map(({ rows, columns }) => rows * columns), at: [0, 0] };
    cells.heat = [heatOf(0), heatOf(1)];
    [0, 1].forEach(draw);
    paintAll();
    const alike = cells.heat[0].filter((heat) => heat >= ALIKE).length / cells.counts[0];
    const percent = `${Math.round(100 * alike)}%`;
    say(`${found.sentence} ${dialog.dataset.alikeSaid.replace("{percent}", percent)}`);
    [part("legend"), part("hint")].forEach((each) => { each.hidden = false; });
  }

  function say(words) {
    said.textContent = words;
  }

  function forget() {
    cells = null;
    sides.forEach((side) => {
      side.querySelector("[data-heat]").replaceChildren();
      side.removeAttribute("tabindex");
    });
    [part("legend"), part("hint")].forEach((each) => { each.hidden = true; });
    say("");
    button.hidden = false;
    button.disabled = false;
  }

  async function ask() {
    const asked = url;
    button.disabled = true;
    try {
      const response = await fetch(asked, { headers: { Accept: "application/json" } });
      const found = await response.json();
      if (asked !== url) return; // another hit is looked at by now
      if (!response.ok) throw new Error(found.error.sentence);
      dialog.querySelector("[data-view=sides]").click();
      button.hidden = true;
      show(found);
    } catch (error) {
      if (asked !== url) return;
      say(error instanceof SyntaxError || error instanceof TypeError ? dialog.dataset.failed : error.message);
      button.disabled = false;
    }
  }

  dialog.addEventListener("compared", ({ detail }) => {
    url = detail.more_url;
    forget();
  });
  button.addEventListener("click", ask);
  sides.forEach((svg, side) => {
    svg.addEventListener("pointerleave", () => { if (cells) paintAll(); });
    svg.addEventListener("keydown", (event) => step(side, event));
    svg.addEventListener("blur", () => { if (cells) paintAll(); });
  });
})();
