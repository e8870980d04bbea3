/** The sockets that a process has open, as its kernel counts them. */
import { readdirSync, readlinkSync } from 'node:fs';

/** How long a test waits for something that must happen. */
const DEADLINE_MS = 15_000;

/** How many sockets a process has open; this one without a number. */
export function openSockets(pid: number | 'self' = 'self'): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      // It was closed in between.
      return false;
    }
  }).length;
}

/** Waits until a process has so many sockets open again; fails with the number that stays. */
export async function socketsFallTo(count: number, pid: number | 'self' = 'self'): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (openSockets(pid) > count) {
    if (performance.now() > end) throw new Error(`${openSockets(pid) - count} sockets stay open`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until something in the same process has become true. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`${what} did not become true`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
