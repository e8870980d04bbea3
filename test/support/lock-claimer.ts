/** A process that claims each directory it is sent, says whether it got it, and gives it back when it is sent none. */
import { type DirectoryLock, lockDirectory } from '../../src/net/directory-lock.js';

let held: DirectoryLock | undefined;

process.on('message', (directory: string) => {
  const answer = directory === '' ? release() : claim(directory);
  void answer.then((text) => process.send?.(text));
});
process.send?.('ready');

async function claim(directory: string): Promise<string> {
  try {
    held = await lockDirectory(directory);
    return 'held';
  } catch (error) {
    return (error as Error).message;
  }
}

async function release(): Promise<string> {
  await held?.release();
  held = undefined;
  return 'released';
}
