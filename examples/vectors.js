// A score, a loss and a sampler step in JavaScript, and answers to refsgm's test vectors.
//
//     refsgm vectors export vectors
//     node examples/vectors.js vectors/gaussian_score.json gaussian_score.results.json
//     refsgm vectors verify gaussian_score gaussian_score.results.json
//
// Without arguments it answers one request per line: refsgm check KIND --command "node examples/vectors.js"
'use strict';
const fs = require('fs');

// A level is a number for all rows, or a list of rows of one entry.
const row = (level, i) => Array.isArray(level) ? level[i][0] : level;
const map = (x, f) => x.map((xi, i) => xi.map((v, j) => f(v, i, j)));          // (B, D) -> (B, D)
const rows = (x, f) => x.map((xi, i) => xi.reduce((sum, v, j) => sum + f(v, i, j), 0));  // -> (B,)

// The function that a contract passes: (theta_0 x A + theta_1 b - theta_2 x^3) / (1 + level).
const field = ({ A, b, theta }) => (x, level) => map(x, (v, i, j) => {
  const xA = x[i].reduce((sum, u, k) => sum + u * A[k][j], 0);
  const s = theta[0] * xA + theta[1] * b[j] - theta[2] * v ** 3;
  return level === undefined ? s : s / (1 + row(level, i));
});

const implementations = {
  gaussian_score({ x, mean, sigma }) {
    return map(x, (v, i, j) => (mean[i][j] - v) / row(sigma, i) ** 2);
  },
  denoising_score_matching({ score_fn, x, sigma, eps }) {
    const noisy = map(x, (v, i, j) => v + row(sigma, i) * eps[i][j]);
    const score = field(score_fn)(noisy, sigma);
    return rows(score, (s, i, j) => 0.5 * (s + eps[i][j] / row(sigma, i)) ** 2);
  },
  ddim_step({ x_t, eps, alpha_bar_t, alpha_bar_s, eta, z }) {
    return map(x_t, (v, i, j) => {
      const [t, s] = [row(alpha_bar_t, i), row(alpha_bar_s, i)];
      const x0 = (v - Math.sqrt(1 - t) * eps[i][j]) / Math.sqrt(t);
      const variance = eta ** 2 * (1 - s) / (1 - t) * (1 - t / s);
      const direction = Math.sqrt(Math.max(1 - s - variance, 0));          // rounding, at eta = 1
      return Math.sqrt(s) * x0 + direction * eps[i][j] + Math.sqrt(variance) * z[i][j];
    });
  },
};

function answerVectors(input, output) {
  const { kind, digest, groups } = JSON.parse(fs.readFileSync(input, 'utf8'));
  const cases = groups.flatMap(group => group.cases).filter(c => c.result === 'valid');
  const results = Object.fromEntries(cases.map(c => [c.id, implementations[kind](c.inputs)]));
  fs.writeFileSync(output, JSON.stringify({ kind, digest, results }));
}

if (process.argv.length > 3) answerVectors(process.argv[2], process.argv[3]);
else require('readline').createInterface({ input: process.stdin }).on('line', line => {
  const { id, kind, args } = JSON.parse(line);
  console.log(JSON.stringify({ id, result: implementations[kind](args) }));
});
