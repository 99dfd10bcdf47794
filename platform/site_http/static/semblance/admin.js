// select2 hides the select that a label names; what stands for it has no name of its own.
"use strict";

const PARTS = ".select2-selection, .select2-selection__rendered, .select2-search__field";

function nameParts(select, parts) {
  const label = select.labels[0]?.textContent.trim();
  if (label) parts.forEach((part) => part.setAttribute("aria-label", label));
}

window.addEventListener("load", () => {
  const jQuery = window.django?.jQuery;
  // Asked for last, this comes after what makes the fields.
  jQuery?.(() => {
    for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
      nameParts(select, select.nextElementSibling.querySelectorAll(PARTS));
    }
  });
  // The field of one that opens is made when it does.
  jQuery?.(document).on("select2:open", (event) => {
    nameParts(event.target, document.querySelectorAll(".select2-dropdown .select2-search__field"));
  });
});
