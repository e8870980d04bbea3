/** What only a change of the configuration can end: which key of a target it is, told along with the error. */

/** A key of a target. */
export type Remedy =
  | 'host'
  | 'family'
  | 'local_address'
  | 'interface'
  | 'modes'
  | 'token_file'
  | 'identity_file'
  | 'known_hosts_file';

/** An error that may know its remedy; trying again without it is in vain. */
interface Remediable {
  readonly remedy?: Remedy | undefined;
  readonly cause?: unknown;
}

/** The key that has to be set right before it can work, of the error or of its cause; undefined where time may help. */
export function remedyOf(error: unknown): Remedy | undefined {
  if (!(error instanceof Error)) return undefined;
  const { remedy, cause }: Remediable = error;
  return remedy ?? (cause === undefined ? undefined : remedyOf(cause));
}
