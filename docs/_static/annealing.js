"use strict";
/* Three modes, noise of standard deviation sigma on them, and particles that follow annealed
   Langevin dynamics. Everything is computed here from the closed form

       q_sigma(x) = sum_k w_k N(x | mean_k, sigma^2 I)                                     [MIX-1]
       score(x)   = sum_k r_k (mean_k - x) / sigma^2                                       [MIX-2]
       x'         = x + a / 2 score(x) + sqrt(a) z,    a = STEP sigma^2           [LANG-1] [LANG-2]

   and a test holds the score to refsgm.mixture_score. */

const WEIGHTS = [0.6, 0.3, 0.1];
const MEANS = [[-2.2, -0.9], [2.2, -1.1], [0.4, 2.1]];
const SIGMA_MAX = 4, SIGMA_MIN = 0.2;
const STEP = 0.15;                              // of Langevin dynamics, in units of sigma^2
const POINTS = {A: [-1, 1], B: [1.5, 0.5], C: [0.5, -2]};

/* Responsibilities, log density and score at the point (x, y). */
function look(x, y, sigma) {
  const exponents = MEANS.map(([a, b], k) =>
    Math.log(WEIGHTS[k]) - ((x - a) ** 2 + (y - b) ** 2) / (2 * sigma ** 2));
  const largest = Math.max(...exponents);
  const terms = exponents.map(l => Math.exp(l - largest));
  const total = terms.reduce((sum, term) => sum + term);
  const r = terms.map(term => term / total);
  const score = [0, 0];
  MEANS.forEach(([a, b], k) => {
    score[0] += r[k] * (a - x) / sigma ** 2;
    score[1] += r[k] * (b - y) / sigma ** 2;
  });
  return {r, score, logDensity: largest + Math.log(total) - Math.log(2 * Math.PI * sigma ** 2)};
}

/* Two independent standard normal numbers (Box and Muller). */
function normal() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random())), angle = 2 * Math.PI * Math.random();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/* One step of Langevin dynamics for every particle [x, y], in place. */
function step(particles, sigma) {
  const a = STEP * sigma ** 2;
  for (const p of particles) {
    const {score} = look(p[0], p[1], sigma), z = normal();
    p[0] += a / 2 * score[0] + Math.sqrt(a) * z[0];
    p[1] += a / 2 * score[1] + Math.sqrt(a) * z[1];
  }
}

/* The share of the particles that is nearest to each mode. */
function shares(particles) {
  const counts = MEANS.map(() => 0);
  for (const [x, y] of particles) {
    const distances = MEANS.map(([a, b]) => (x - a) ** 2 + (y - b) ** 2);
    counts[distances.indexOf(Math.min(...distances))] += 1;
  }
  return counts.map(count => count / particles.length);
}

if (typeof module !== "undefined") {
  module.exports = {look, step, shares, normal, WEIGHTS, MEANS, POINTS};
} else {
  document.querySelectorAll(".annealing").forEach(figure);
}

function figure(root) {
  const HALF_WIDTH = 5, PARTICLES = 500, LEVELS = 300, PER_LEVEL = 3, COARSE = 4;
  root.innerHTML = `
    <div class="controls">
      <label>sigma <output></output>
        <input type="range" min="0" max="${LEVELS}" step="1" value="0"></label>
      <button type="button" data-do="anneal">Anneal</button>
      <button type="button" data-do="plunge">Start at small sigma</button>
      <button type="button" data-do="pause" aria-pressed="false">Pause</button>
    </div>
    <canvas role="img" aria-label="Density of the noisy data, its score as arrows, and particles
      that follow it; the table below has the scores at A, B and C."></canvas>
    <table><thead><tr><th>score at</th><th>x</th><th>y</th></tr></thead><tbody>${
      Object.entries(POINTS).map(([name, [x, y]]) => `<tr data-x="${x}" data-y="${y}">
        <th>${name} (${x}, ${y})</th><td></td><td></td></tr>`).join("")}</tbody></table>
    <table><thead><tr><th>mode</th><th>weight</th><th>particles</th></tr></thead><tbody>${
      WEIGHTS.map((w, k) => `<tr><th>${k + 1}</th><td>${(100 * w).toFixed(0)} %</td>
        <td class="share"></td></tr>`).join("")}</tbody></table>`;
  const canvas = root.querySelector("canvas"), pen = canvas.getContext("2d");
  const slider = root.querySelector("input"), label = root.querySelector("output");
  const pauseButton = root.querySelector("[data-do=pause]");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const cloud = document.createElement("canvas");
  let sigma = SIGMA_MAX, particles = [], annealing = false, paused = false, visible = false;
  let width = 0, height = 0, steps = 0, frame = 0;

  /* The slider runs from SIGMA_MAX on the left to SIGMA_MIN on the right, geometrically. */
  const level = i => SIGMA_MAX * (SIGMA_MIN / SIGMA_MAX) ** (i / LEVELS);

  function scatter() {
    particles = Array.from({length: PARTICLES}, () => normal().map(z => SIGMA_MAX * z));
  }

  function setLevel(i, seen = true) {
    slider.value = i;
    sigma = level(i);
    label.textContent = sigma.toFixed(2);
    slider.setAttribute("aria-valuetext", `sigma ${sigma.toFixed(2)}`);
    root.dataset.sigma = sigma;
    for (const row of root.querySelectorAll("tr[data-x]")) {
      const {score} = look(+row.dataset.x, +row.dataset.y, sigma);
      score.forEach((value, i) => {
        row.cells[i + 1].textContent = value.toFixed(3);
        row.cells[i + 1].dataset.value = value;
      });
    }
    if (seen) paintCloud();
  }

  function move(n) {
    for (let i = 0; i < n; i++) step(particles, sigma);
    steps += n;
    root.dataset.steps = steps;
  }

  /* Where a point of the plane is on the canvas, in CSS pixels. */
  const toX = x => width / 2 + x * width / (2 * HALF_WIDTH);
  const toY = y => height / 2 - y * width / (2 * HALF_WIDTH);

  function colour(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }

  /* The density relative to its largest value, as opacity; one value per COARSE pixels. */
  function paintCloud() {
    if (!width) return;
    const w = cloud.width = Math.ceil(width / COARSE), h = cloud.height = Math.ceil(height / COARSE);
    const density = new Float64Array(w * h), image = new ImageData(w, h);
    for (let j = 0; j < h; j++) {
      for (let i = 0; i < w; i++) {
        const x = ((i + 0.5) * COARSE - width / 2) * 2 * HALF_WIDTH / width;
        const y = (height / 2 - (j + 0.5) * COARSE) * 2 * HALF_WIDTH / width;
        density[j * w + i] = Math.exp(look(x, y, sigma).logDensity);
      }
    }
    const most = density.reduce((a, b) => Math.max(a, b));
    const [red, green, blue] = colour("--density").split(" ").map(Number);
    density.forEach((q, i) => image.data.set([red, green, blue, 150 * Math.sqrt(q / most)], 4 * i));
    cloud.getContext("2d").putImageData(image, 0, 0);
  }

  function arrow(x, y, dx, dy) {
    const angle = Math.atan2(dy, dx), head = Math.min(5, 0.4 * Math.hypot(dx, dy));
    pen.moveTo(x - dx / 2, y - dy / 2);
    pen.lineTo(x + dx / 2, y + dy / 2);
    for (const turn of [2.6, -2.6]) {
      pen.moveTo(x + dx / 2, y + dy / 2);
      pen.lineTo(x + dx / 2 + head * Math.cos(angle + turn), y + dy / 2 + head * Math.sin(angle + turn));
    }
  }

  function draw() {
    pen.clearRect(0, 0, width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(cloud, 0, 0, cloud.width * COARSE, cloud.height * COARSE);
    pen.strokeStyle = colour("--arrows");
    pen.lineWidth = 1;
    pen.beginPath();
    const gap = Math.max(22, width / 24);
    for (let px = gap / 2; px < width; px += gap) {
      for (let py = gap / 2; py < height; py += gap) {
        const x = (px - width / 2) * 2 * HALF_WIDTH / width;
        const y = (height / 2 - py) * 2 * HALF_WIDTH / width;
        const {score} = look(x, y, sigma), size = sigma * Math.hypot(...score);    // E size^2 = 2
        const length = 0.85 * gap * Math.tanh(size / 1.5) / (size || 1) * sigma;
        arrow(px, py, length * score[0], -length * score[1]);
      }
    }
    pen.stroke();
    pen.fillStyle = colour("--particles");
    pen.beginPath();
    for (const [x, y] of particles) {
      pen.moveTo(toX(x) + 1.6, toY(y));
      pen.arc(toX(x), toY(y), 1.6, 0, 2 * Math.PI);
    }
    pen.fill();
    pen.strokeStyle = pen.fillStyle = colour("--marks");
    pen.lineWidth = 2;
    pen.font = "600 13px system-ui, sans-serif";
    for (const [name, [x, y]] of Object.entries(POINTS)) {
      pen.beginPath();
      pen.arc(toX(x), toY(y), 4, 0, 2 * Math.PI);
      pen.stroke();
      pen.fillText(name, toX(x) + 7, toY(y) - 6);
    }
    pen.textAlign = "center";
    MEANS.forEach(([x, y], k) => pen.fillText(k + 1, toX(x), toY(y) + 4));
    pen.font = "11px system-ui, sans-serif";
    for (const at of [-4, -2, 0, 2, 4]) pen.fillText(at, toX(at), height - 5);
    for (const at of [-2, 0, 2]) pen.fillText(at, 12, toY(at) + 4);
    pen.textAlign = "start";
    shares(particles).forEach((share, k) => {
      root.querySelectorAll(".share")[k].textContent = `${(100 * share).toFixed(0)} %`;
    });
  }

  function moving() { return visible && !paused && !still.matches && !document.hidden; }

  function turn() {
    frame = 0;
    if (!moving()) return;
    if (annealing && +slider.value < LEVELS) setLevel(+slider.value + 1);
    else annealing = false;
    move(annealing ? PER_LEVEL : 1);
    draw();
    wake();
  }

  function wake() {
    root.dataset.moving = moving();
    if (moving() && !frame) frame = requestAnimationFrame(turn);
  }

  function resize() {
    const size = canvas.clientWidth, density = window.devicePixelRatio || 1;
    if (!size) return;
    width = size;
    height = Math.round(size * 0.66);
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
    pen.setTransform(density, 0, 0, density, 0, 0);
    repaint();
  }

  function repaint() { paintCloud(); draw(); }

  /* With motion unwanted, what would be seen at the end is shown at once. */
  function go() {
    if (still.matches) {
      while (annealing && +slider.value < LEVELS) {
        setLevel(+slider.value + 1, false);
        move(PER_LEVEL);
      }
      move(200);
      paintCloud();
    }
    draw();
    wake();
  }

  slider.addEventListener("input", () => {
    annealing = false;
    setLevel(+slider.value);
    go();
  });
  root.addEventListener("click", event => {
    const what = event.target.dataset.do;
    if (what === "pause") {
      paused = !paused;
      pauseButton.textContent = paused ? "Go on" : "Pause";
      pauseButton.setAttribute("aria-pressed", paused);
    } else if (what) {
      scatter();
      annealing = what === "anneal";
      setLevel(annealing ? 0 : LEVELS);
    } else return;
    go();
  });
  new IntersectionObserver(entries => {
    visible = entries[entries.length - 1].isIntersecting;
    wake();
  }).observe(canvas);
  new ResizeObserver(resize).observe(canvas);
  new MutationObserver(repaint).observe(document.body, {attributeFilter: ["data-theme"]});
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  document.addEventListener("visibilitychange", wake);
  still.addEventListener("change", wake);

  scatter();
  setLevel(0);
  resize();
}
