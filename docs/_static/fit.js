"use strict";
/* Mathematics in the room there is: a formula keeps the full stop behind it, and one that is wider
   than its column is set smaller, down to LEAST of its size; below that its box scrolls. */

const LEAST = 0.7;

for (const math of document.querySelectorAll("span.math")) {
  const next = math.nextSibling;
  const stop = next && next.nodeType === Node.TEXT_NODE && next.data.match(/^[.,;:?!)]+/);
  if (stop) {
    const glue = document.createElement("span");
    glue.className = "glue";
    math.before(glue);
    glue.append(math, stop[0]);
    next.data = next.data.slice(stop[0].length);
  }
}

function fit() {
  const formulas = [...document.querySelectorAll('mjx-container[display="true"]')];
  for (const formula of formulas) formula.style.fontSize = "";
  const sizes = formulas.map(f => Math.min(1, f.clientWidth / f.firstElementChild.scrollWidth,
    f.clientWidth / f.firstElementChild.getBoundingClientRect().width));
  formulas.forEach((formula, i) => {
    if (sizes[i] < 1) formula.style.fontSize = `${100 * Math.max(LEAST, 0.99 * sizes[i])}%`;
  });
}

if (window.MathJax && MathJax.startup) {
  MathJax.startup.promise.then(fit);
  window.addEventListener("resize", fit);
}
