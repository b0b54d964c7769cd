// What the theme and the makers of tables leave out, for readers without a mouse or a screen.
const mend = () => {
  for (const button of document.querySelectorAll("nav.bd-links summary")) {
    button.setAttribute("aria-label", "Show or hide the pages of this part");
  }
  const boxes = ".bd-article .cell_output, .bd-article .output.text_html, .bd-article pre, " +
    ".bd-article .pst-scrollable-table-container";
  for (const box of document.querySelectorAll(boxes)) {
    // Scrolled by the keys when it has the focus.
    const isWide = box.scrollWidth > box.clientWidth + 1;
    if (isWide) box.tabIndex = 0;
    box.classList.toggle("is-wide", isWide && box.querySelector("table") !== null);
  }
};
mend();
window.addEventListener("load", mend);
window.addEventListener("resize", mend);
