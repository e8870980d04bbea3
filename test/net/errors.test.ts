import { describe, expect, it } from 'vitest';
import { classifyError, type LinkEnd } from '../../src/net/errors.js';

const failed = (code: string): LinkEnd => classifyError(Object.assign(new Error('failed'), { code }));

describe('classifyError()', () => {
  it.each<[LinkEnd['kind'], readonly string[]]>([
    ['reset', ['ECONNRESET', 'EPIPE', 'ECONNABORTED']],
    ['silence', ['ETIMEDOUT']],
    ['refused', ['ECONNREFUSED']],
    ['unreachable', ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN']],
    ['local', ['EADDRNOTAVAIL', 'EADDRINUSE', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EPERM']],
  ])('takes for %s: %j, and says so in words', (kind, codes) => {
    for (const code of codes) {
      expect(failed(code).kind).toBe(kind);
      expect(failed(code).detail).toMatch(/^[a-z][a-z ()]{10,}$/);
    }
  });

  it('never takes what it does not know for a word about the path', () => {
    expect(failed('EWHATEVER')).toEqual({ kind: 'local', detail: 'EWHATEVER' });
    expect(classifyError(new Error('odd'))).toEqual({ kind: 'local', detail: 'odd' });
  });
});
