/**
 * Remote write 1.0 for an exporter that cannot be scraped: text of metrics → series → bounded queue → receiver.
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
export { createSend, type Outcome, type Send } from './send.js';
export { type DropReason, RemoteWriter, type RemoteWriteStats } from './writer.js';
