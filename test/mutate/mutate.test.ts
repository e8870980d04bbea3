import { describe, expect, it } from 'vitest';
import { draw } from '../../mutate/draw.js';
import { fitted, instrument, type Mutant, mutate } from '../../mutate/mutants.js';
import { randomFrom } from '../support/prng.js';

describe('draw()', () => {
  const rooms = ['a', 'b', 'c'].map((room, index) =>
    Array.from({ length: 40 * (index + 1) }, (_, number) => `${room}${number}`),
  );

  it('draws as many as are wanted, each once, and so many of each room at least', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const drawn = draw(rooms, 100, 30, randomFrom(seed));
      expect(new Set(drawn).size).toBe(100);
      for (const room of ['a', 'b', 'c'])
        expect(drawn.filter((each) => each.startsWith(room)).length).toBeGreaterThanOrEqual(30);
    }
  });

  it('draws the same by the same seed and others by another', () => {
    const by = (seed: number) => draw(rooms, 100, 30, randomFrom(seed));
    expect(by(1)).toEqual(by(1));
    expect(by(1)).not.toEqual(by(2));
  });

  it('says when there are too few', () => {
    expect(() => draw(rooms, 100, 41, randomFrom(1))).toThrow('a room has fewer than 41 mutants');
    expect(() => draw(rooms, 241, 30, randomFrom(1))).toThrow('there are fewer than 241 mutants');
  });
});

describe('instrument()', () => {
  const mutantsOf = async (file: string, text: string): Promise<Mutant[]> => [
    ...(await instrument([{ file, text }])).mutants.values(),
  ];

  const all = async (text: string): Promise<string[]> =>
    (await mutantsOf('x.ts', text)).flatMap((mutant) => {
      const sound = fitted(text, mutant);
      return sound === undefined ? [] : [mutate(text, sound)];
    });

  it('lists the changes of a text, each of which changes one place', async () => {
    const text = 'export const x = (a: number): boolean => a >= 2;\n';
    const mutants = await all(text);
    expect(mutants).toContain('export const x = (a: number): boolean => (a > 2);\n');
    expect(mutants).toContain('export const x = (a: number): boolean => (true);\n');
    expect(new Set(mutants).size).toBe(mutants.length);
    expect(mutants).not.toContain(text);
  });

  it('keeps an operand one operand', async () => {
    const mutants = await all('export const x = (a = 1, b = 2, c = 3) => a && b && c;\n');
    expect(mutants).toContain('export const x = (a = 1, b = 2, c = 3) => (a || b) && c;\n');
  });

  it('leaves statements without parentheses', async () => {
    const mutants = await all('export function f(): number {\n  return 1;\n}\n');
    expect(mutants).toContain('export function f(): number {}\n');
  });

  it('says where each is', async () => {
    const [first] = await mutantsOf('x.ts', '\n\nexport const x = !y;\n');
    expect(first).toMatchObject({ file: 'x.ts', line: 3, mutator: 'BooleanLiteral', replacement: 'y' });
  });
});
