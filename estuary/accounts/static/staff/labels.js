// Names the fields of select2, which takes only the chosen text for a name, and has none while nothing is chosen.
// They appear after the page has loaded, and with each row that is added.
const nameFields = () => {
  for (const select of document.querySelectorAll("select.select2-hidden-accessible")) {
    const label = document.querySelector(`label[for="${select.id}"]`);
    const box = select.nextElementSibling?.querySelector(".select2-selection[aria-labelledby]");
    const name = label?.textContent.trim() || select.getAttribute("aria-label");
    if (!name || !box) continue;
    box.setAttribute("aria-label", name);
    box.removeAttribute("aria-labelledby");
    box.querySelector(".select2-selection__rendered")?.setAttribute("aria-label", name);
  }
};
window.addEventListener("DOMContentLoaded", () => {
  nameFields();
  new MutationObserver(nameFields).observe(document.body, { childList: true, subtree: true });
});
