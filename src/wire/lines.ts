/** Cuts a stream of bytes into lines without ever holding more than one line of it. */

/** Longest line in bytes, its terminator included. */
export const MAX_LINE_BYTES = 512;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** What one chunk of bytes completed. */
export interface Split {
  /** Complete lines without their terminator, one character a byte (0 to 255). */
  readonly lines: readonly string[];
  /** The bytes of the line that is not complete yet; fewer than `MAX_LINE_BYTES`. */
  readonly pending: Uint8Array | undefined;
  /** A line was longer than `MAX_LINE_BYTES`; it and all that follows is lost. */
  readonly oversized: boolean;
}

/**
 * Cuts what is pending and a new chunk into lines ended by LF or CR LF. For holders of very many connections:
 * between two chunks the only state is `pending`. After `oversized` the stream cannot be followed any more.
 */
export function splitLines(pending: Uint8Array | undefined, chunk: Uint8Array): Split {
  const lines: string[] = [];
  let start = 0;
  let head = pending;
  for (;;) {
    const end = chunk.indexOf(LINE_FEED, start);
    const headLength = head?.length ?? 0;
    const length = headLength + (end === -1 ? chunk.length : end + 1) - start;
    // The unfinished line still needs room for its terminator.
    if (length > MAX_LINE_BYTES - (end === -1 ? 1 : 0)) return { lines, pending: undefined, oversized: true };
    if (end === -1) {
      return { lines, pending: join(head, chunk.subarray(start)), oversized: false };
    }
    const tail = chunk.subarray(start, end);
    lines.push(textOf(head === undefined ? tail : join(head, tail)));
    head = undefined;
    start = end + 1;
  }
}

/** A copy of both parts, so that no part of a read buffer is kept alive. */
function join(head: Uint8Array | undefined, tail: Uint8Array): Uint8Array | undefined {
  if (tail.length === 0) return head;
  const joined = new Uint8Array((head?.length ?? 0) + tail.length);
  if (head !== undefined) joined.set(head);
  joined.set(tail, head?.length ?? 0);
  return joined;
}

function textOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return '';
  const end = bytes[bytes.length - 1] === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  return String.fromCharCode.apply(undefined, bytes.subarray(0, end) as unknown as number[]);
}

/** `splitLines` for a holder of few connections: keeps the state itself. */
export class LineSplitter {
  #pending: Uint8Array | undefined;
  #oversized = false;

  /** Takes the next bytes of the stream; after `oversized` it returns no line any more. */
  push(chunk: Uint8Array): { readonly lines: readonly string[]; readonly oversized: boolean } {
    if (this.#oversized) return { lines: [], oversized: true };
    const split = splitLines(this.#pending, chunk);
    this.#pending = split.pending;
    this.#oversized = split.oversized;
    return split;
  }
}
