/** From the pattern of the modes' results to a short list of explanations, never more certain than the data. */
import type { Mode } from '../modes.js';
import { explainEnds } from './explain-ends.js';
import { explainPattern } from './explain-pattern.js';
import {
  answeredBetween,
  dependsOnConnections,
  eaten,
  fixedLifetime,
  mixture,
} from './explain-conditions.js';
import type { Explanation } from './explanation.js';
import { knownValues } from './known.js';
import { configuredModes, type DiagnosisInput, forgetting, type Outcome, outcomeOf } from './outcome.js';
import { eatenModes, EMPTY_MODES, type FindingsByMode, uncheckedModes } from './publishable.js';
import { explainAddresses, explainConntrack, explainSeveralAnswers } from './surroundings.js';

/**
 * Explains what the findings over the modes may mean. Empty while any configured mode is still undecided. Where
 * two causes look alike from here, both are named. Nothing is said while it is checked whether deaths depend on how many
 * connections are open, and nothing else where they do.
 *
 * @returns what was measured first, then the surroundings, then hints
 */
export function explain(input: DiagnosisInput): readonly Explanation[] {
  const { quota } = input;
  if (quota?.kind === 'quota') return [dependsOnConnections(quota)];
  if (uncheckedModes(findingsOf(input), input.limits, quota).length > 0) return [];
  const outcomes = new Map<Mode, Outcome>();
  for (const mode of configuredModes(input)) {
    const evidence = input.modes[mode];
    if (evidence !== undefined) outcomes.set(mode, outcomeOf(evidence, input.limits));
  }
  const explanations: Explanation[] = [];
  if (input.keepalivesAnsweredBetween === true) {
    explanations.push(answeredBetween(outcomes));
    for (const mode of EMPTY_MODES) outcomes.delete(mode);
  }
  if (outcomes.size === 0 || [...outcomes.values()].some(({ kind }) => kind === 'open')) return [];

  const silent = eatenModes(findingsOf(input), input.limits).filter((mode) => outcomes.has(mode));
  if (silent.length > 0) explanations.push(eaten(outcomes, input.limits.minIdle));
  for (const mode of silent) outcomes.delete(mode);
  if (input.fixedLifetime !== undefined) explanations.push(fixedLifetime(input.fixedLifetime, outcomes));
  // What holds for a share of the connections only is no pattern over the modes.
  const shares = mixture(outcomes);
  const patterns = shares.length > 0 ? shares : explainPattern(outcomes, input);
  explanations.push(...patterns, ...explainEnds(outcomes));
  explanations.push(...explainConntrack(outcomes, patterns, input));
  explanations.push(...explainSeveralAnswers(input), ...explainAddresses(outcomes, input));
  // What is built in is no product.
  const builtIn = input.addresses.local === 'loopback';
  // Nor is a timeout known of a NAT where somebody closes connections.
  const closed = forgetting(outcomes).some(([, { manner }]) => manner === 'closed');
  const known =
    builtIn || closed
      ? undefined
      : knownValues(
          forgetting(outcomes),
          patterns.map(({ id }) => id),
          input.limits.guard,
        );
  if (known !== undefined) explanations.push(known);
  return explanations;
}

function findingsOf(input: DiagnosisInput): FindingsByMode {
  return Object.fromEntries(configuredModes(input).map((mode) => [mode, input.modes[mode]?.finding]));
}
