import { PbfReader } from 'pbf';
import { uncompress } from 'snappyjs';
import { expect, test } from 'vitest';
import { encodeSamples, encodeStale } from '../../src/remote-write/encode.js';

interface Decoded {
  readonly labels: string[];
  readonly samples: (readonly [value: number, timestamp: number])[];
}

/** Reads a request field by field, by the numbers of Prometheus' prompb/types.proto. */
function decoded(body: Uint8Array): Decoded[] {
  const reader = new PbfReader(uncompress(body));
  return fieldsOf(reader, reader.length, () => {
    const series: Decoded = { labels: [], samples: [] };
    fieldsOf(reader, reader.readVarint() + reader.pos, (tag) => {
      const end = reader.readVarint() + reader.pos;
      if (tag === 1) series.labels.push(fieldsOf(reader, end, () => reader.readString()).join('='));
      else {
        const [value = 0, timestamp = 0] = fieldsOf(reader, end, (field) =>
          field === 1 ? reader.readDouble() : reader.readVarint(),
        );
        series.samples.push([value, timestamp]);
      }
    });
    return series;
  });
}

function fieldsOf<Value>(reader: PbfReader, end: number, read: (tag: number) => Value): Value[] {
  const values: Value[] = [];
  while (reader.pos < end) values.push(read(reader.readVarint() >> 3));
  return values;
}

const AT = 1_772_356_400_123;

test('encodeSamples() writes labels in the order of their bytes, the value and the moment', () => {
  const body = encodeSamples(
    [
      { labels: { mode: 'send', a_b: 'ü', __name__: 'm', Z: '1' }, value: -2.5 },
      { labels: { __name__: 'n', empty: '' }, value: 0 },
      { labels: { __name__: 'o' }, value: Infinity },
    ],
    AT,
  );
  expect(decoded(body)).toEqual([
    { labels: ['Z=1', '__name__=m', 'a_b=ü', 'mode=send'], samples: [[-2.5, AT]] },
    { labels: ['__name__=n', 'empty='], samples: [[0, AT]] },
    { labels: ['__name__=o'], samples: [[Infinity, AT]] },
  ]);
});

test("encodeStale() writes Prometheus' own marker, bit by bit, and encodeSamples() never does", () => {
  const series = ['a', 'b', 'c'].map((name) => ({ labels: { __name__: name }, value: Number.NaN }));
  const stale = Buffer.from([0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f]);
  const count = (body: Uint8Array): number =>
    Buffer.from(uncompress(body)).toString('latin1').split(stale.toString('latin1')).length - 1;
  expect(count(encodeStale(series, AT))).toBe(3);
  expect(count(encodeSamples(series, AT))).toBe(0);
});
