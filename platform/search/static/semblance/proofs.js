// Hits first, proofs after: the page that has hits alone (hits_first.js) fetches itself again with
// the copies among them. Without this file it has a link to them.
"use strict";
(() => {
  const LONGEST_MS = 120_000; // the site gives up sooner, and says so
  const [ANSWER, HEADLINE] = ["[data-answer]", "[data-headline], [data-summary]"];
  const status = document.querySelector("[data-proving]");
  const url = status?.dataset.proving;
  let waiting = null; // the controller of the request on its way

  // What the reader looks at, to be found again after the exchange: by group and address.
  function focused() {
    const active = document.activeElement;
    if (!active?.closest(ANSWER)) return null;
    const link = active.closest("a") ?? active.closest("li")?.querySelector("a");
    const selector = link ? `a[href="${CSS.escape(link.getAttribute("href"))}"]` : active.localName;
    return { group: active.closest("section[id]")?.id, selector };
  }

  function focusAgain(answer, seen) {
    if (!seen) return;
    const group = seen.group && answer.querySelector(`#${CSS.escape(seen.group)}`);
    const found = group?.querySelector(seen.selector) ?? answer.querySelector(seen.selector);
    found?.focus({ preventScroll: true });
  }

  // A fold, found again by its name and its group.
  function placeOf(details) {
    const group = details.closest("section[id]")?.id;
    return `${group ? `#${CSS.escape(group)} ` : ""}details[data-fold="${details.dataset.fold}"]`;
  }

  document.addEventListener("click", (event) => {
    const details = event.target.closest?.("summary")?.parentElement;
    if (details) details.dataset.touched = "";
  });

  // The group that lies across the upper rim of the window keeps its position.
  function anchorOf(answer) {
    const group = [...answer.querySelectorAll("section[id]")]
      .find((section) => section.getBoundingClientRect().bottom > 0);
    return group && { id: group.id, top: group.getBoundingClientRect().top };
  }

  function scrollBack(answer, anchor) {
    const group = anchor && anchor.top < 0 && answer.querySelector(`#${CSS.escape(anchor.id)}`);
    if (group) window.scrollBy(0, group.getBoundingClientRect().top - anchor.top);
  }

  function exchange(page) {
    const [old, answer] = [document.querySelector(ANSWER), page.querySelector(ANSWER)];
    const [seen, anchor] = [focused(), anchorOf(old)];
    // What somebody has unfolded or folded stays so; the rest is as the answer has it.
    old.querySelectorAll("details[data-touched]").forEach((details) => {
      const same = answer.querySelector(placeOf(details));
      if (same) same.open = details.open;
    });
    old.replaceWith(answer);
    document.querySelector(HEADLINE).replaceWith(page.querySelector(HEADLINE));
    document.title = page.title;
    report(answer);
    scrollBack(answer, anchor);
    focusAgain(answer, seen);
  }

  function report(answer) {
    const { done, none, partly } = status.dataset;
    const failure = answer.querySelector(":scope > [data-unchecked]");
    if (failure) {
      failure.remove(); // said here, where it is heard
      failed();
    } else if (answer.dataset.answer === "checked") say(answer.querySelector("[data-proved]") ? done : none);
    else say(partly);
  }

  function say(...words) {
    status.style.minHeight = `${status.offsetHeight}px`; // nothing below moves
    status.classList.remove("proving");
    status.replaceChildren(...words);
  }

  function failed() {
    const again = document.createElement("a");
    again.href = url;
    again.rel = "nofollow";
    again.textContent = status.dataset.again;
    say(`${status.dataset.failed} `, again);
  }

  async function prove() {
    waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), LONGEST_MS);
    try {
      const response = await fetch(url, { headers: { Accept: "text/html" }, signal: waiting.signal });
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (!response.ok || !page.querySelector(ANSWER)) throw new Error(`${response.status}`);
      exchange(page);
    } catch {
      if (waiting) failed(); // left for another page, nobody is told
    } finally {
      clearTimeout(timer);
      waiting = null;
    }
  }

  if (!url) return;
  window.addEventListener("pagehide", () => {
    const controller = waiting;
    waiting = null;
    controller?.abort();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && status.classList.contains("proving")) prove();
  });
  prove();
})();
