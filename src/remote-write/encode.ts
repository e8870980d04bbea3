/** Series at one moment as the compressed body of a remote write request. */
import { PbfWriter } from 'pbf';
import { compress } from 'snappyjs';
import type { Milliseconds } from '../units.js';

/** Protobuf's wire type of 64 bits. */
const FIXED64 = 1;
/** Prometheus' staleness marker, lower and upper half: a NaN that JavaScript would not keep apart from others. */
const STALE = [0x0000_0002, 0x7ff0_0000] as const;

/** One series with its value. */
export interface Series {
  /** Names and values, `__name__` among them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A series with one sample; without a value it is a staleness marker. */
interface TimeSeries {
  readonly labels: Series['labels'];
  readonly value: number | undefined;
  readonly timestamp: Milliseconds;
}

/**
 * One sample of each series.
 *
 * @param timestamp Unix time, whole milliseconds
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
export function encodeSamples(series: readonly Series[], timestamp: Milliseconds): Uint8Array {
  return encode(series.map(({ labels, value }) => ({ labels, value, timestamp })));
}

/** A staleness marker for each series: it has ended. */
export function encodeStale(series: readonly Series[], timestamp: Milliseconds): Uint8Array {
  return encode(series.map(({ labels }) => ({ labels, value: undefined, timestamp })));
}

/** The numbers are those of the fields in Prometheus' prompb/remote.proto and prompb/types.proto. */
function encode(timeseries: readonly TimeSeries[]): Uint8Array {
  const writer = new PbfWriter();
  for (const each of timeseries) writer.writeMessage(1, writeTimeSeries, each);
  return compress(writer.finish());
}

function writeTimeSeries(series: TimeSeries, writer: PbfWriter): void {
  // In the order that the protocol demands: by the bytes of their names.
  const sorted = Object.entries(series.labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  for (const label of sorted) writer.writeMessage(1, writeLabel, label);
  writer.writeMessage(2, writeSample, series);
}

function writeLabel([name, value]: readonly [string, string], writer: PbfWriter): void {
  writer.writeStringField(1, name);
  writer.writeStringField(2, value);
}

function writeSample({ value, timestamp }: TimeSeries, writer: PbfWriter): void {
  if (value === undefined) {
    writer.writeTag(1, FIXED64);
    for (const half of STALE) writer.writeFixed32(half);
  } else writer.writeDoubleField(1, value);
  writer.writeVarintField(2, timestamp);
}
