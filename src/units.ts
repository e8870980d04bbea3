/** Units of time as types: seconds inside the program, milliseconds only where a timer is set. */

/**
 * A duration or a moment in seconds. The tag makes the compiler refuse a `Milliseconds` where seconds
 * are wanted; a plain number literal is accepted.
 */
export type Seconds = number & { readonly __unit?: 'seconds' };

/** A duration in milliseconds, used only at the edge where a timer is set. */
export type Milliseconds = number & { readonly __unit?: 'milliseconds' };

/** Converts seconds to the milliseconds that a timer wants. */
export function toMilliseconds(duration: Seconds): Milliseconds {
  return (duration as number) * 1000;
}
