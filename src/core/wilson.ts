/** What a sample tells about a share. */

/** Standard deviations of a 95 % interval. */
const Z = 1.96;

/**
 * Bounds of a share at 95 % by Wilson's score interval, 0 … 1.
 *
 * @param count how many of them, 0 … total
 * @param total how many in all, > 0; both may be fractional, as of evidence that has faded
 * @see https://doi.org/10.1080/01621459.1927.10502953 (E. B. Wilson, 1927)
 */
export function wilson(count: number, total: number): readonly [lower: number, upper: number] {
  const share = count / total;
  const middle = share + Z ** 2 / (2 * total);
  const half = Z * Math.sqrt((share * (1 - share)) / total + Z ** 2 / (4 * total ** 2));
  const scale = 1 + Z ** 2 / total;
  return [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)];
}
