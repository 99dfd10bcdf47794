// Decisions about hits, sent without leaving the page; without this file each leads back to it.
"use strict";
(() => {
  function press(form, judgement) {
    form.querySelectorAll("[data-judgement]").forEach((button) => {
      const isPressed = button.dataset.judgement === judgement;
      button.setAttribute("aria-pressed", isPressed);
      button.value = isPressed ? "none" : button.dataset.judgement;
    });
  }

  // What the site says of it, or that it was not recorded.
  async function problem(form, response) {
    const said = await response.json().catch(() => null);
    return said?.error?.sentence ?? form.querySelector("[data-failed]").dataset.failed;
  }

  async function send(form, button) {
    const status = form.querySelector("[data-failed]");
    const data = new FormData(form);
    data.set(button.name, button.value);
    form.setAttribute("aria-busy", "true");
    status.textContent = "";
    try {
      const headers = { Accept: "application/json" };
      const response = await fetch(form.action, { method: "POST", body: data, headers });
      if (response.ok) press(form, (await response.json()).judgement);
      else status.textContent = await problem(form, response);
    } catch {
      status.textContent = status.dataset.failed;
    } finally {
      form.removeAttribute("aria-busy");
    }
  }

  // Heard from above: proofs.js exchanges the forms.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-decides]");
    if (!form || !event.submitter) return;
    event.preventDefault();
    if (!form.hasAttribute("aria-busy")) send(form, event.submitter);
  });
})();
