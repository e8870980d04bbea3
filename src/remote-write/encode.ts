/** Series at one moment as the compressed body of a remote write request. */
import { serialize } from 'prometheus-remote-write';
import { compress } from 'snappyjs';
import type { Milliseconds } from '../units.js';
import type { Series } from './exposition.js';

/** The field `value` of a sample (number 1, 64 bits) that holds JavaScript's NaN, as protobuf writes it. */
const NAN_FIELD = Buffer.from([0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
/** The same field with Prometheus' staleness marker, a NaN that JavaScript would not keep apart from others. */
const STALE_FIELD = Buffer.from([0x09, 0x02, 0, 0, 0, 0, 0, 0xf0, 0x7f]);

/** Labels in the order that the protocol demands: by the bytes of their names. */
function sortedLabels(labels: Series['labels']): { name: string; value: string }[] {
  return Object.entries(labels)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

async function protobuf(series: readonly Series[], timestamp: Milliseconds): Promise<Buffer> {
  const request = {
    timeseries: series.map(({ labels, value }) => ({
      labels: sortedLabels(labels),
      samples: [{ value, timestamp }],
    })),
  };
  // The package's types describe one series; what it takes is a whole request.
  return Buffer.from((await serialize(request as never)) as unknown as Uint8Array);
}

/**
 * One sample of each series.
 *
 * @param timestamp Unix time, whole milliseconds
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
export async function encodeSamples(series: readonly Series[], timestamp: Milliseconds): Promise<Uint8Array> {
  return compress(await protobuf(series, timestamp));
}

/** A staleness marker for each series: it has ended. */
export async function encodeStale(series: readonly Series[], timestamp: Milliseconds): Promise<Uint8Array> {
  const body = await protobuf(
    series.map(({ labels }) => ({ labels, value: Number.NaN })),
    timestamp,
  );
  // No label can hold these bytes: 0xf8 does not occur in UTF-8.
  for (let at = body.indexOf(NAN_FIELD); at >= 0; at = body.indexOf(NAN_FIELD, at + 1))
    STALE_FIELD.copy(body, at);
  return compress(body);
}
