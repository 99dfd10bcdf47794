// Photos are searched with as soon as they are taken, and each way says that it is busy. Without this
// file these are plain forms.
"use strict";
(() => {
  const status = document.querySelector("[data-way-status]");
  const ways = [...document.querySelectorAll("form[data-way]")];
  document.querySelectorAll("[data-sends]").forEach((input) => {
    input.addEventListener("change", () => { if (input.files.length) input.form.requestSubmit(); });
  });
  ways.forEach((form) => form.addEventListener("submit", (event) => {
    if (form.classList.contains("busy")) { event.preventDefault(); return; }
    form.classList.add("busy");
    status.textContent = status.dataset.busy;
  }));
  // Back from the results: ready for another picture.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    ways.forEach((form) => { form.classList.remove("busy"); form.reset(); });
    status.textContent = "";
  });
})();
