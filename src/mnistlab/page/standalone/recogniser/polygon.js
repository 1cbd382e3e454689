// Polygon: the convex hull of points, and what lies in and around it.

/** @typedef {[number, number]} Point row and column */

const turn = (a, b, c) => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);

/**
 * The corners of the convex hull, in order (Andrew, 1979); fewer than three if all points lie on a
 * line.
 * @param {Point[]} points
 * @returns {Point[]}
 */
export function hullOf(points) {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (from) => {
    const chain = [];
    for (const point of from) {
      while (chain.length > 1 && turn(chain.at(-2), chain.at(-1), point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

/** @param {Point[]} corners */
export function areaOf(corners) {
  return Math.abs(corners.reduce((sum, [y, x], i) => {
    const [nextY, nextX] = corners[(i + 1) % corners.length];
    return sum + y * nextX - x * nextY;
  }, 0)) / 2;
}

/**
 * The area of the smallest rectangle around a convex polygon; it shares a side with it.
 * @param {Point[]} corners
 */
export function leastRectangle(corners) {
  const areas = corners.map(([y, x], i) => {
    const [nextY, nextX] = corners[(i + 1) % corners.length];
    const length = Math.hypot(nextY - y, nextX - x);
    const [down, across] = [(nextY - y) / length, (nextX - x) / length];
    const along = corners.map((corner) => corner[0] * down + corner[1] * across);
    const aside = corners.map((corner) => corner[1] * down - corner[0] * across);
    return (Math.max(...along) - Math.min(...along)) * (Math.max(...aside) - Math.min(...aside));
  });
  return Math.min(...areas);
}
