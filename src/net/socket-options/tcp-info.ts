/** What the kernel knows of one TCP connection, read out of Linux' `struct tcp_info`. */
import { LITTLE_ENDIAN } from './linux.js';

export interface TcpInfo {
  /** Keepalive or zero-window probes sent and not yet answered. */
  readonly unansweredProbes: number;
  /** Segments sent and not yet acknowledged. */
  readonly unacknowledged: number;
  /** Segments received and sent since the connection was opened, keepalives and bare acknowledgements among them. */
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly isEstablished: boolean;
}

/** `TCP_ESTABLISHED` of `tcpi_state`. */
const ESTABLISHED = 1;
/** Offsets of `tcpi_state`, `tcpi_probes`, `tcpi_unacked`, `tcpi_segs_out` and `tcpi_segs_in`. */
const STATE = 0;
const PROBES = 3;
const UNACKNOWLEDGED = 24;
const SEGMENTS_OUT = 136;
const SEGMENTS_IN = 140;

/** As much of the structure as is read; it grows at its end from kernel to kernel, and has had this since Linux 4.2. */
export const TCP_INFO_BYTES = 144;

/** @param bytes at least `TCP_INFO_BYTES` */
export function readTcpInfo(bytes: Uint8Array): TcpInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    unansweredProbes: view.getUint8(PROBES),
    unacknowledged: view.getUint32(UNACKNOWLEDGED, LITTLE_ENDIAN),
    segmentsIn: view.getUint32(SEGMENTS_IN, LITTLE_ENDIAN),
    segmentsOut: view.getUint32(SEGMENTS_OUT, LITTLE_ENDIAN),
    isEstablished: view.getUint8(STATE) === ESTABLISHED,
  };
}
