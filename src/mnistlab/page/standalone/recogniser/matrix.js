// Matrix: small systems of equations and symmetric matrices.

/**
 * Solve equations by elimination; what cannot be told is 0.
 * @param {Float64Array[]} rows of each equation the factors, and behind them its right side; they
 *   are changed
 * @returns {number[]}
 */
export function solve(rows) {
  const size = rows.length;
  for (let a = 0; a < size; a++) {
    let pivot = a;
    for (let b = a; b < size; b++) if (Math.abs(rows[b][a]) > Math.abs(rows[pivot][a])) pivot = b;
    [rows[a], rows[pivot]] = [rows[pivot], rows[a]];
    if (isZero(rows[a][a])) continue;
    for (let b = 0; b < size; b++) {
      const factor = b === a ? 0 : rows[b][a] / rows[a][a];
      for (let k = a; factor && k <= size; k++) rows[b][k] -= factor * rows[a][k];
    }
  }
  return rows.map((row, a) => (isZero(row[a]) ? 0 : row[size] / row[a]));
}

const isZero = (value) => Math.abs(value) < 1e-9;

/**
 * The direction in which a symmetric 3x3 matrix stretches most: Jacobi's rotations until nothing is
 * left beside the diagonal.
 * @param {number[][]} matrix
 * @returns {[number, number, number]} of length 1
 */
export function mainDirection(matrix) {
  const m = matrix.map((row) => [...row]), vectors = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let n = 0; n < 60; n++) {
    const [p, q] = [[0, 1], [0, 2], [1, 2]][n % 3];
    if (m[p][q] === 0) continue;
    const angle = 0.5 * Math.atan2(2 * m[p][q], m[q][q] - m[p][p]), cos = Math.cos(angle);
    const sin = Math.sin(angle);
    for (const row of [...m, ...vectors])
      [row[p], row[q]] = [cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]];
    for (let k = 0; k < 3; k++)
      [m[p][k], m[q][k]] = [cos * m[p][k] - sin * m[q][k], sin * m[p][k] + cos * m[q][k]];
  }
  const largest = [0, 1, 2].reduce((best, k) => (m[k][k] > m[best][best] ? k : best));
  return vectors.map((row) => row[largest]);
}
