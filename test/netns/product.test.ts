/**
 * The product on real kernel NATs, known only by its command line and its metrics page. All tests of this file run
 * side by side, each in a lab of its own: they mostly wait.
 */
import { describeAddresses } from './addresses.cases.js';
import { describeFaults } from './faults.cases.js';
import { describeFindings } from './findings.cases.js';
import { describeLab, hasProgram } from './requirements.js';
import { describeTruth } from './truth.cases.js';

const NEEDS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['faketime', 'faketime'],
  ['prometheus', 'prometheus'],
];

describeLab(
  'the product on a real kernel NAT',
  () => {
    // The longest tests first: they start in this order, a few at a time.
    describeFaults();
    describeAddresses();
    describeFindings();
    describeTruth();
  },
  NEEDS.filter(([program]) => !hasProgram(program)).map(
    ([program, debianPackage]) => `${program} (Debian package ${debianPackage})`,
  ),
);
