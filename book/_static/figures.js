// Pictures wait until the page is there; then those of the shown theme come, so that print has them
// all. Those of the other theme wait until a reader changes to it.
const loadShown = () => {
  for (const image of document.querySelectorAll("img.on-light, img.on-dark")) {
    if (getComputedStyle(image).display !== "none") image.loading = "eager";
  }
};
window.addEventListener("load", () => setTimeout(loadShown));
window.addEventListener("beforeprint", loadShown);
new MutationObserver(() => {
  if (document.readyState === "complete") loadShown();
}).observe(document.documentElement, { attributeFilter: ["data-theme"] });
