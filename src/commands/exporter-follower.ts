/** What the parts of the exporter have in common: they follow the configuration, and end. */
import type { Config } from '../config/config.js';

/** A part of the exporter. */
export interface Follower {
  /** Takes a configuration over, the first one or another. Where it throws, it is told to take the one before again. */
  apply(config: Config): Promise<void>;
  /** All have taken a configuration over: what was kept of the one before may go. */
  settle?(): Promise<void>;
  /** Says what is left to say, while all others are still there; nothing is applied afterwards. */
  conclude?(): Promise<void>;
  /** Ends, also where it never began. */
  close(): Promise<void>;
  /** How many descriptors it holds. */
  descriptors?(): number;
}

/** Ends parts: each says its last word, the last one first, then all end side by side, since their time is short. */
export async function closeAll(followers: readonly Follower[]): Promise<void> {
  for (const follower of [...followers].reverse()) await follower.conclude?.();
  await Promise.all(followers.map((follower) => follower.close()));
}
