// The filters without a detour: sorting at once, short addresses, a panel that stays open while
// somebody narrows down, and what is typed completed. Without this file they are a plain form.
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

  let asked = null;
  function complete() {
    asked ??= fetch(form.dataset.values, { headers: { Accept: "application/json" } })
      .then((response) => (response.ok ? response.json() : null)).catch(() => null).then(offer);
  }

  function offer(known) {
    for (const list of form.querySelectorAll("[data-known]")) {
      const values = known?.[list.dataset.known] ?? [];
      list.replaceChildren(...values.map((value) => Object.assign(document.createElement("option"), { value })));
      // A field with nothing to choose stays away, but where nobody could say so.
      if (values.length || !known) list.closest("fieldset").removeAttribute("data-bare");
    }
  }

  if (store.get() === "yes" && matchMedia("(min-width: 1300px)").matches) panel.open = true;
  panel.addEventListener("toggle", () => {
    store.set(panel.open ? "yes" : "no");
    if (panel.open) complete();
  });
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
