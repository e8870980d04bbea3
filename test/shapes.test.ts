/**
 * What is made thousands of times a second shares its hidden class. `{ ...old, added: 1 }` does not in V8 11: each copy
 * gets a class of its own. Copying a search's state took five times as long, accepting a connection a third longer.
 */
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import { type SearchState } from '../src/core/search/state.js';
import { createSearch, step } from '../src/core/search/step.js';
import { publish } from '../src/core/search/finding-of.js';
import { draftOf } from '../src/core/search/state.js';
import { searchOptions } from '../src/engine/judge.js';
import { decodeClientMessage, encodeClientMessage } from '../src/wire/codec.js';
import { PROTOCOL_VERSION } from '../src/wire/messages.js';
import { makeConfig } from './support/fake-view.js';

setFlagsFromString('--allow-natives-syntax');
const shareClass = runInThisContext('((a, b) => %HaveSameMap(a, b))') as (a: object, b: object) => boolean;
// V8 reads the body only now.
shareClass({}, {});
setFlagsFromString('--no-allow-natives-syntax');

/** Whether what is made late shares its class with what is made next. */
function shares(make: (index: number) => object): boolean {
  const made = Array.from({ length: 2000 }, (_, index) => make(index));
  return shareClass(made.at(-1) as object, made.at(-2) as object);
}

/**
 * Each has a field of its own. Not an object literal: V8 11 remembers at most 1536 first fields of `{}`, and what is
 * begun as `{}` after that shares no class either, in this whole process.
 */
class Odd {
  readonly [field: string]: number;
  constructor(index: number) {
    (this as Record<string, number>)[`a${String(index)}`] = index;
  }
}

test('the measure sees classes that are not shared', () => {
  expect(shares((index) => ({ a: index }))).toBe(true);
  expect(shares((index) => new Odd(index))).toBe(false);
});

test('the HELLO of a probe', () => {
  const line = encodeClientMessage({
    kind: 'hello',
    version: PROTOCOL_VERSION,
    role: 'probe',
    session: 'a'.repeat(32),
    nonce: 'b'.repeat(32),
    probe: 7,
  }).trimEnd();
  expect(
    shares(() => {
      const decoded = decodeClientMessage(line);
      if (!decoded.ok) throw new Error(decoded.problem);
      return decoded.message;
    }),
  ).toBe(true);
});

test('the drafts of a search, the states of a search and their connections', () => {
  const states: SearchState[] = [];
  const advance = (at: number, event: Parameters<typeof step>[2]): SearchState => {
    const { state } = step(states.at(-1) ?? fresh, at, event);
    states.push(state);
    return state;
  };
  const fresh = createSearch(searchOptions(makeConfig('home'), 'late'));
  advance(0, { kind: 'start' });
  for (let at = 1; at < 600; at++) {
    for (const { id, state } of states.at(-1)?.connections ?? [])
      if (state === 'opening') advance(at, { kind: 'opened', id });
    advance(at, { kind: 'tick' });
    for (const { id, state, testAt = 0 } of states.at(-1)?.connections ?? [])
      if (state === 'testing') advance(at, { kind: 'verdict', id, verdict: { kind: 'alive' }, idle: testAt });
  }
  const [last, before] = [states.at(-1) as SearchState, states.at(-2) as SearchState];
  expect(shares((index) => draftOf(index % 2 === 0 ? last : before))).toBe(true);
  expect(shareClass(last, before)).toBe(true);
  const idle = last.connections.filter(({ state }) => state === 'idle');
  expect(idle.length).toBeGreaterThan(10);
  // One class for those that know when they are to be tested, one for the others.
  const strangers = idle.filter(
    (each, index) => !idle.slice(0, index).some((other) => shareClass(each, other)),
  );
  expect(strangers.length).toBeLessThanOrEqual(3);
});

test('the brackets that a search looks at in each step', () => {
  const settled = createSearch(searchOptions(makeConfig('home'), 'late'));
  expect(
    shares(() => {
      const draft = draftOf({ ...settled, lower: settled.options.maxIdle });
      publish(draft);
      if (draft.published === null) throw new Error('nothing is published');
      return draft.published;
    }),
  ).toBe(true);
});
