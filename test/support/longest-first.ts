/** The order of test files: what waits longest starts first, so that nothing waits for it alone in the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Minutes each, the longest first; all others keep the order that vitest gives them. */
const LONGEST = ['netns/product', 'e2e/alerting', 'soak/growth', 'soak/soak', 'e2e/exporter', 'soak/fleet'];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const rank = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return rank === -1 ? LONGEST.length : rank;
};

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rankOf(a) - rankOf(b));
  }
}
