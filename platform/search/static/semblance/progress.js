// A search on its way: how long it has taken, what is done meanwhile, and a way to give it up. Nothing
// is locked: another search may begin at any time, and takes the place of this one.
"use strict";
(() => {
  const bar = document.querySelector("[data-progress]");
  if (!bar) return;
  const page = new URL(document.querySelector("a.brand").href).pathname; // the search page's
  const [status, elapsed] = [bar.querySelector("[role=status]"), bar.querySelector("[data-elapsed]")];
  const LONG_S = 8;
  let begun = 0;
  let timer = null;
  let source = null; // what was clicked or sent

  function begin(by) {
    clear();
    source = by;
    source?.classList.add("busy");
    source?.setAttribute("aria-busy", "true");
    begun = performance.now();
    status.textContent = status.dataset.doing;
    bar.hidden = false;
    tick();
    timer = setInterval(tick, 500);
  }

  function tick() {
    const seconds = Math.floor((performance.now() - begun) / 1000);
    elapsed.textContent = `${seconds} s`;
    if (seconds >= LONG_S) status.textContent = status.dataset.long;
  }

  function clear() {
    clearInterval(timer);
    timer = null;
    bar.hidden = true;
    status.textContent = "";
    source?.classList.remove("busy");
    source?.removeAttribute("aria-busy");
    source = null;
  }

  function end() {
    clear();
    document.dispatchEvent(new CustomEvent("searchended")); // see picker.js and parts.js
  }

  function cancel() {
    if (!timer) return;
    const by = source;
    window.stop();
    end();
    (by?.matches?.("form") ? by.querySelector("input[type=file]") : by)?.focus?.();
  }

  const leaves = (event) => !(event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);

  document.addEventListener("submit", (event) => {
    if (leaves(event) && new URL(event.target.action).pathname === page) begin(event.target);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href*='query='], a[href*='image=']");
    if (!link || !leaves(event)) return;
    if (new URL(link.getAttribute("href"), location.href).pathname === page) begin(link);
  });
  document.addEventListener("searching", (event) => begin(event.detail)); // see parts.js
  bar.querySelector("[data-cancel]").addEventListener("click", cancel);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") cancel(); });
  // The browser's own Stop button, where it tells.
  window.navigation?.addEventListener("navigateerror", () => { if (timer) end(); });
  window.addEventListener("pageshow", end);
})();
