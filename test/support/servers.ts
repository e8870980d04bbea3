/** Real Prometheus programs as child processes on loopback ports. */
import { LabProcess } from '../netns/process.js';
import { until } from '../netns/until.js';

/** Starts a program of the Prometheus family and waits until it says that it is ready at `url`. */
export async function startServer(
  argv: readonly string[],
  url: string,
  init: () => Promise<boolean> = async () => (await fetch(`${url}/-/ready`)).ok,
): Promise<LabProcess> {
  const started = new LabProcess(argv);
  try {
    await until(`${argv[0] ?? ''} is ready`, 30_000, () => {
      if (started.status !== undefined) throw new Error(started.stderr);
      return init();
    });
  } catch (error) {
    await started.stop('SIGKILL');
    throw error;
  }
  return started;
}
