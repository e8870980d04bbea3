/** The changes chosen by hand still name places of the program. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { BY_HAND } from '../../mutate/by-hand.js';
import { mutate, replaced } from '../../mutate/mutants.js';

describe('the changes chosen by hand', () => {
  it.each(BY_HAND)('so that $does: one place of $file, and still a program', (change) => {
    const text = readFileSync(change.file, 'utf8');
    const changed = mutate(text, replaced(text, change));
    expect(changed).not.toBe(text);
    const { diagnostics } = ts.transpileModule(changed, { fileName: change.file, reportDiagnostics: true });
    expect(diagnostics).toEqual([]);
  });

  it('are each told apart', () => {
    expect(new Set(BY_HAND.map(({ does }) => does)).size).toBe(BY_HAND.length);
  });
});

describe('replaced()', () => {
  const change = { does: 'b is gone', file: 'x.ts', find: 'b', put: '' };

  it('says where the place is', () => {
    expect(replaced('a\nb\n', change)).toMatchObject({ from: 2, to: 3, line: 2, replacement: '' });
  });

  it('refuses what stands nowhere, or in two places', () => {
    expect(() => replaced('a', change)).toThrow('x.ts does not have once what is replaced so that b is gone');
    expect(() => replaced('bb', change)).toThrow('does not have once');
  });
});
