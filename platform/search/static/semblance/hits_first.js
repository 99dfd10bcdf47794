// Searches ask for hits alone; the page that shows them fetches their proofs (proofs.js). Without
// this file each search waits for all.
"use strict";
(() => {
  const page = new URL(document.querySelector("a.brand").href).pathname; // the search page's

  document.querySelectorAll("[data-hits-first]").forEach((field) => { field.disabled = false; });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href*='query='], a[href*='image=']");
    if (!link || link.closest("[data-proving]")) return;
    const address = new URL(link.getAttribute("href"), location.href);
    if (address.pathname !== page || address.searchParams.has("wait")) return;
    address.searchParams.set("wait", "hits");
    link.setAttribute("href", address); // those in the picture are SVG's, whose href is no text
  }, true);
})();
