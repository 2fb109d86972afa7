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

/* A few turns, since the browser rounds the unit of a formula (ex) to whole pixels. */
function fit() {
  const formulas = [...document.querySelectorAll('mjx-container[display="true"]')];
  const sizes = formulas.map(() => 1);
  for (const formula of formulas) formula.style.fontSize = "";
  for (let turn = 0; turn < 4; turn++) {
    const room = formulas.map(f => f.clientWidth / f.firstElementChild.getBoundingClientRect().width);
    formulas.forEach((formula, i) => {
      if (room[i] >= 1) return;
      sizes[i] = Math.max(LEAST, 0.99 * room[i] * sizes[i]);
      formula.style.fontSize = `${100 * sizes[i]}%`;
    });
  }
}

if (window.MathJax && MathJax.startup) {
  MathJax.startup.promise.then(fit);
  window.addEventListener("resize", fit);
}
