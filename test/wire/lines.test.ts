import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LineSplitter, MAX_LINE_BYTES, splitLines } from '../../src/wire/lines.js';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Streams in which line ends, long lines and the longest allowed line are frequent. */
const streams = fc
  .array(
    fc.oneof(
      fc.constant([0x0a]),
      fc.constant([0x0d, 0x0a]),
      fc.uint8Array({ maxLength: 20 }).map((part) => [...part]),
      fc.integer({ min: 505, max: 515 }).map((length) => new Array<number>(length).fill(0x61)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Uint8Array.from(parts.flat()));

/** The plain meaning: cut the whole stream at once, stop at the first line that is too long. */
function reference(stream: Uint8Array): { lines: string[]; oversized: boolean } {
  const text = String.fromCharCode(...stream);
  const parts = text.split('\n');
  const rest = parts.pop() ?? '';
  const lines: string[] = [];
  for (const part of parts) {
    if (part.length + 1 > MAX_LINE_BYTES) return { lines, oversized: true };
    lines.push(part.endsWith('\r') ? part.slice(0, -1) : part);
  }
  return { lines, oversized: rest.length >= MAX_LINE_BYTES };
}

// The many inputs take seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

describe('splitLines', () => {
  it('cuts every stream alike at whatever boundaries it arrives', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat({ max: 600 }), { maxLength: 12 }), (stream, sizes) => {
        const splitter = new LineSplitter();
        const lines: string[] = [];
        let oversized = false;
        let start = 0;
        for (const size of [...sizes, stream.length]) {
          const got = splitter.push(stream.subarray(start, start + size));
          lines.push(...got.lines);
          oversized = got.oversized;
          start += size;
        }
        expect({ lines, oversized }).toEqual(reference(stream));
      }),
      { numRuns: 20_000 },
    );
  });

  it('never holds a whole line', () => {
    fc.assert(
      fc.property(fc.array(streams, { maxLength: 5 }), (chunks) => {
        let pending: Uint8Array | undefined;
        for (const chunk of chunks) {
          const split = splitLines(pending, chunk);
          expect(split.pending?.length ?? 0).toBeLessThan(MAX_LINE_BYTES);
          if (split.oversized) return;
          pending = split.pending;
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it('keeps a copy, not a view of the read buffer', () => {
    const chunk = bytes('PING');
    const { pending } = splitLines(undefined, chunk);
    chunk.fill(0);
    expect(splitLines(pending, bytes(' x\r\n')).lines).toEqual(['PING x']);
  });

  it('accepts a line of exactly 512 bytes and refuses one of 513', () => {
    expect(splitLines(undefined, bytes(`${'a'.repeat(511)}\n`)).lines).toHaveLength(1);
    expect(splitLines(undefined, bytes(`${'a'.repeat(512)}\n`)).oversized).toBe(true);
    expect(splitLines(undefined, bytes('a'.repeat(512))).oversized).toBe(true);
  });

  it('delivers nothing after an oversized line', () => {
    const splitter = new LineSplitter();
    expect(splitter.push(bytes(`A\n${'b'.repeat(600)}`))).toEqual({
      lines: ['A'],
      pending: undefined,
      oversized: true,
    });
    expect(splitter.push(bytes('C\n'))).toEqual({ lines: [], oversized: true });
  });
});
