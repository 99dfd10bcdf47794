// Photos are searched with as soon as they are taken. Without this file the form has a button.
"use strict";
document.querySelectorAll("[data-sends]").forEach((input) => {
  input.addEventListener("change", () => { if (input.files.length) input.form.requestSubmit(); });
  // Back from the results: ready for another one.
  window.addEventListener("pageshow", (event) => { if (event.persisted) input.form.reset(); });
});
