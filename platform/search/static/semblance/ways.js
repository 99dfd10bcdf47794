// Photos are searched with as soon as they are taken, and pictures as soon as their address is pasted
// or dropped anywhere on the page. Without this file each form has a button.
"use strict";
(() => {
  document.querySelectorAll("[data-sends]").forEach((input) => {
    input.addEventListener("change", () => { if (input.files.length) input.form.requestSubmit(); });
    // Back from the results: ready for another one.
    window.addEventListener("pageshow", (event) => { if (event.persisted) input.form.reset(); });
  });

  const address = document.querySelector("[data-address]");
  // A text that is no address, or no web page's, says nothing to us.
  document.addEventListener("textoffered", (event) => {
    if (!address || !/^https?:\/\/\S+$/i.test(event.detail) || !URL.canParse(event.detail)) return;
    if (event.detail.length > address.maxLength) return;
    event.preventDefault();
    address.value = event.detail;
    address.form.requestSubmit();
  });
})();
