/** What the letter asks for where it is known which box forgets: of whoever runs the line, or of nobody. */
import { placeAdvice } from '../core/locate/place-advice.js';
import { longestRequired } from '../core/modes.js';
import type { TargetSnapshot } from '../engine/snapshot.js';

/** Undefined where no box of a mode that is not compliant was located. */
export function askByPlace({ locating, modes, config }: TargetSnapshot): string | undefined {
  const required = longestRequired(config.modes);
  const short = modes.flatMap(({ mode, finding }) => (finding.compliant === false ? [mode] : []));
  const advice = (locating?.modes ?? []).flatMap(({ mode, found }) =>
    found === undefined || !short.includes(mode)
      ? []
      : (placeAdvice(found, locating?.addresses ?? [], required) ?? []),
  );
  if (advice.length === 0) return undefined;
  const letters = advice.flatMap(({ letter }) => letter ?? []);
  const own = advice.flatMap(({ letter, todo }) => (letter === undefined ? [todo] : []));
  return [
    ...new Set(letters),
    ...(own.length === 0
      ? []
      : [`${letters.length === 0 ? 'None of the provider. ' : 'Besides: '}${[...new Set(own)].join(' ')}`]),
  ].join(' ');
}
