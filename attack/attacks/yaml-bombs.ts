/** Configurations that are small and expand, or are huge. */
import type { Attack } from '../attack.js';
import { statusOf } from '../support/victim.js';

const PATIENCE_MS = 20_000;
const MOST_MEGABYTES = 1000;

const aliases = ['a: &a [x,x,x,x,x,x,x,x,x]'];
for (let level = 1; level < 9; level += 1) {
  const [name, before] = ['abcdefghi'.charAt(level), 'abcdefghi'.charAt(level - 1)];
  aliases.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(',')}]`);
}
const BOMBS: readonly (readonly [name: string, text: string])[] = [
  ['aliases 9^9', `${aliases.join('\n')}\n`],
  ['depth 100 000', '['.repeat(100_000)],
  ['a line of 40 MB', `targets: "${'x'.repeat(40_000_000)}"\n`],
  ['__proto__', '__proto__: {targets: []}\nconstructor: 1\n'],
];

export const attack: Attack = {
  about: 'YAML that expands, nests or is huge',
  criterion: `refused within ${PATIENCE_MS / 1000} s, below ${MOST_MEGABYTES} MB`,
  run: async (house) => {
    let refused = 0;
    let most = 0;
    let slowest = 0;
    for (const [name, text] of BOMBS) {
      const file = await house.write(`${name.replace(/\W/g, '')}.yaml`, text);
      const began = performance.now();
      const child = house.start(['--config.check', `--config.file=${file}`]);
      const look = setInterval(() => {
        most = Math.max(most, statusOf(child.pid, 'VmHWM') / 1024);
      }, 20);
      const killer = setTimeout(() => child.signal('SIGKILL'), PATIENCE_MS);
      const { code } = await child.exited;
      clearTimeout(killer);
      clearInterval(look);
      slowest = Math.max(slowest, performance.now() - began);
      if (code === 2) refused += 1;
    }
    const count = BOMBS.length;
    return {
      load: BOMBS.map(([name]) => name).join(', '),
      held: refused === count && most < MOST_MEGABYTES,
      outcome: `${refused} of ${count} refused`,
      figure: `in at most ${(slowest / 1000).toFixed(1)} s, ${most.toFixed(0)} MB`,
    };
  },
};
