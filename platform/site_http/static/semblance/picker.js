// Drop, paste and preview for a file field. Without this file the form works as a plain form.
"use strict";
(() => {
  const form = document.querySelector("form[data-picker]");
  if (!form) return;
  const picker = form.querySelector(".picker");
  const input = form.querySelector("input[type=file]");
  const preview = form.querySelector("[data-preview]");
  const status = form.querySelector("[data-status]");
  const SHOWN = 12; // previews; of more files only the number is shown
  const submits = "submits" in form.dataset;

  const say = (text) => { status.textContent = text; };

  function show(files) {
    preview.querySelectorAll("img").forEach((img) => URL.revokeObjectURL(img.src));
    preview.replaceChildren(...[...files].slice(0, SHOWN).map((file) => {
      const img = new Image();
      img.alt = file.name;
      // Formats that the browser cannot draw are shown by their name alone.
      img.onerror = () => img.replaceWith(document.createTextNode(file.name));
      img.src = URL.createObjectURL(file);
      return img;
    }));
    if (files.length > SHOWN) preview.append(`+${files.length - SHOWN}`);
    picker.classList.toggle("chosen", files.length > 0);
  }

  function chosen() {
    show(input.files);
    say("");
    if (submits && input.files.length) form.requestSubmit();
  }

  // What is no file may be of use to others on the page: ways.js takes a picture's address.
  function isTaken(text) {
    const offer = new CustomEvent("textoffered", { detail: text, cancelable: true });
    return text !== "" && !document.dispatchEvent(offer);
  }

  function take(offered) {
    const { files } = offered;
    if (form.classList.contains("busy") && !submits) return;
    if (!files.length) {
      say(isTaken(offered.getData("text/plain").trim()) ? "" : picker.dataset.noFile);
      return;
    }
    const transfer = new DataTransfer();
    (input.multiple ? [...input.files, ...files] : [...files].slice(0, 1))
      .forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    chosen();
  }

  input.addEventListener("change", chosen);
  form.addEventListener("submit", (event) => {
    if (submits) return; // a search may be given up for another: see progress.js
    if (form.classList.contains("busy")) { event.preventDefault(); return; }
    form.classList.add("busy");
    say(picker.dataset.searching);
  });
  // A search that was given up leaves the field empty: the same picture can be chosen again.
  document.addEventListener("searchended", () => { if (submits && input.files.length) { form.reset(); show([]); } });
  document.addEventListener("paste", (event) => {
    if (event.target.closest?.("input:not([type=file]), textarea")) return;
    event.preventDefault();
    take(event.clipboardData);
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) form.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    take(event.dataTransfer);
  });
  // Back from the results: the page as it was left, ready for another picture.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    form.classList.remove("busy");
    form.reset();
    show([]);
    say("");
  });
})();
