// The filters without a detour: sorting at once, short addresses, and a panel that stays open while
// somebody narrows down. Without this file they are a plain form.
"use strict";
(() => {
  const form = document.querySelector("[data-filters]");
  if (!form) return;
  const panel = form.querySelector("[data-panel]");
  const OPEN = "semblance-filters-open";
  const store = {
    get() { try { return sessionStorage.getItem(OPEN); } catch { return null; } },
    set(value) { try { sessionStorage.setItem(OPEN, value); } catch { /* it opens closed */ } },
  };

  if (store.get() === "yes" && matchMedia("(min-width: 1300px)").matches) panel.open = true;
  panel.addEventListener("toggle", () => store.set(panel.open ? "yes" : "no"));
  form.querySelector("[data-sort]").addEventListener("change", () => form.requestSubmit());
  form.addEventListener("submit", () => {
    // What is empty says nothing; nor does the order that all have.
    const silent = [...form.elements].filter((field) => field.name && !field.value);
    const sort = form.querySelector("[data-sort]");
    if (!sort.selectedIndex) silent.push(sort);
    silent.forEach((field) => { field.disabled = true; });
    setTimeout(() => silent.forEach((field) => { field.disabled = false; }));
  });
})();
