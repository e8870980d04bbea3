declare module 'snappyjs' {
  /** Compresses into the block format of Snappy. */
  export function compress(data: Uint8Array): Uint8Array;
  /** @throws Error if the data is not in the block format of Snappy */
  export function uncompress(data: Uint8Array): Uint8Array;
}
