/** The truth table of docs/LOCALIZATION.md, written from the rows that the tests assert. */
import { hopLabel } from '../../src/core/locate/places.js';
import { NOT_LOCATED } from '../../src/core/locate/localization.js';
import { hopsOf } from '../support/simulated-chain.js';
import { type ChainCase, CHAIN_CASES } from './chain-cases.js';
import type { LabBox } from './chains.js';

const HEAD = `| what forgets | path | mode | kc | ks | kc + ks | kind | hop |
|---|---|---|---|---|---|---|---|`;

/** \`r\` a router, \`b\` a bridge, in capitals where it forgets. */
function letter({ kind, timeout }: LabBox): string {
  const name = kind === 'router' ? 'r' : 'b';
  return timeout === undefined ? name : name.toUpperCase();
}

function line({ what, boxes, mode, how, said }: ChainCase): string {
  const hops = hopsOf(boxes);
  const path = `\`${boxes.map(letter).join(' ')}\`${how?.family === 'v6' ? ', IPv6' : ''}`;
  if (typeof said === 'string')
    return `| ${what} | ${path} | ${mode} |  |  |  | not located: ${NOT_LOCATED[said]} |  |`;
  const { kc, ks } = said;
  const sum = kc === undefined || ks === undefined ? '' : `h + ${kc + ks - hops}`;
  const cells = [what, path, mode, kc ?? '', ks ?? '', sum, `\`${said.kind}\``, hopLabel(said, hops)];
  return `| ${cells.join(' | ')} |`;
}

/** The table's text. */
export function chainTruth(): string {
  return [HEAD, ...CHAIN_CASES.map(line)].join('\n');
}
