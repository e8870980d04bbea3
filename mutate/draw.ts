/** Draws mutants by a seed, so many of each room at least. */

/** A source of numbers in [0, 1). */
type Random = () => number;

/**
 * Draws `count` mutants without repetition: `least` of each room first, the rest out of all that are left.
 * @throws when there are not as many
 */
export function draw<T>(
  rooms: readonly (readonly T[])[],
  count: number,
  least: number,
  random: Random,
): readonly T[] {
  const shuffled = rooms.map((room) => shuffle(room, random));
  if (shuffled.some((room) => room.length < least)) throw new Error(`a room has fewer than ${least} mutants`);
  const quotas = shuffled.flatMap((room) => room.slice(0, least));
  const rest = shuffle(
    shuffled.flatMap((room) => room.slice(least)),
    random,
  );
  const drawn = [...quotas, ...rest.slice(0, Math.max(0, count - quotas.length))];
  if (drawn.length < count) throw new Error(`there are fewer than ${count} mutants`);
  return drawn;
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
