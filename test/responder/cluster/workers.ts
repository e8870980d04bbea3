/** The worker processes of a clustered responder that runs in this process: who they are, and who accepts. */
import { readFileSync } from 'node:fs';

/** Child processes of this one that run a worker, the oldest first. */
export function workerPids(): number[] {
  return readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1')
    .split(' ')
    .filter((pid) => pid !== '')
    .map(Number)
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('cluster/worker.'));
}

/**
 * Has everybody connect to one worker only: the others are stopped by their signal meanwhile. Without it the kernel
 * wakes whom it likes.
 */
export async function withOnly<Value>(worker: number, run: () => Promise<Value>): Promise<Value> {
  const others = workerPids().filter((pid) => pid !== worker);
  for (const pid of others) process.kill(pid, 'SIGSTOP');
  try {
    return await run();
  } finally {
    for (const pid of others) process.kill(pid, 'SIGCONT');
  }
}
