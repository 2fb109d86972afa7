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

/* The width that a formula may have: that of its box, or of its paragraph, with
   room for a full stop. Tables scroll. */
function room(formula) {
  if (formula.hasAttribute("display")) return formula.clientWidth;
  if (formula.closest("table")) return Infinity;
  return formula.closest("p, li, dd, dt, h1, h2, h3, summary")?.clientWidth - 10;
}

/* A few turns, since the browser rounds the unit of a formula (ex) to whole pixels. */
function fit(formulas) {
  const sizes = formulas.map(() => 1);
  for (const formula of formulas) {
    formula.style.fontSize = "";
    formula.parentElement.classList.remove("scrolls");
  }
  const least = formulas.map(() => false);
  for (let turn = 0; turn < 4; turn++) {
    const ratios = formulas.map(f => room(f) / f.firstElementChild.getBoundingClientRect().width);
    formulas.forEach((formula, i) => {
      if (!(ratios[i] < 1)) return;
      least[i] = sizes[i] === LEAST;
      sizes[i] = Math.max(LEAST, 0.99 * ratios[i] * sizes[i]);
      formula.style.fontSize = `${100 * sizes[i]}%`;
    });
  }
  formulas.forEach((formula, i) => formula.parentElement.classList.toggle("scrolls", least[i]));
}

/* At once what is in no equation of the derivation; those when they come near the window, since the
   browser does not lay them out before; all for paper. */
const formulas = [...document.querySelectorAll("article mjx-container")];
const seen = new Set(formulas.filter(formula => !formula.closest(".equation")));
const watch = new IntersectionObserver(entries => {
  for (const {target, isIntersecting} of entries) {
    if (!isIntersecting) continue;
    watch.unobserve(target);
    const inside = [...target.querySelectorAll("mjx-container")];
    for (const formula of inside) seen.add(formula);
    fit(inside);
  }
}, {rootMargin: "100%"});

fit([...seen]);
const equations = document.querySelectorAll(".equation");
for (const equation of equations) watch.observe(equation);
window.addEventListener("resize", () => fit([...seen]));
window.addEventListener("beforeprint", () => {
  for (const formula of formulas) seen.add(formula);
  fit(formulas);
});

/* A link into the derivation: what is above the equation gets its true height on the way there. */
function settle(turns) {
  const target = equations.length && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target || !turns) return;
  target.scrollIntoView({behavior: "instant"});
  requestAnimationFrame(() => settle(turns - 1));
}
window.addEventListener("hashchange", () => settle(12));
window.addEventListener("load", () => settle(12));
