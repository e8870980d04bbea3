/**
 * A process that keeps one Vitest for many runs: `node --import tsx mutate/vitest-process.ts`, asked over IPC, in the
 * folder of the tests; what it says first is the list of them. What it transformed for one run serves all others, but for the files that are said to have changed.
 */
import { relative, resolve } from 'node:path';
import { createVitest, type TestSpecification } from 'vitest/node';
import {
  type Answer,
  type Done,
  type Project,
  type Question,
  type TestFile,
  WORKERS,
} from './vitest-process-messages.js';

let order = new Map<string, number>();

/** Runs the files in the order in which they are asked for. */
class AsAsked {
  sort(files: TestSpecification[]): TestSpecification[] {
    const rank = ({ moduleId }: TestSpecification) => order.get(moduleId) ?? 0;
    return [...files].sort((a, b) => rank(a) - rank(b));
  }
  shard(files: TestSpecification[]): TestSpecification[] {
    return files;
  }
}

const [bail = '1', ...setupFiles] = process.argv.slice(2);
const vitest = await createVitest('test', {
  watch: false,
  bail: Number(bail),
  maxWorkers: WORKERS,
  reporters: [
    {
      onTestModuleEnd({ moduleId }) {
        process.send?.({ done: relative(process.cwd(), moduleId) } satisfies Done);
      },
    },
  ],
  sequence: { sequencer: AsAsked },
  onConsoleLog: () => false,
});
for (const project of vitest.projects) {
  project.config.maxWorkers = WORKERS;
  project.config.setupFiles = [...setupFiles.map((file) => resolve(file)), ...project.config.setupFiles];
}

async function run({ tests, changed }: Question): Promise<Answer> {
  for (const file of changed) vitest.invalidateFile(resolve(file));
  order = new Map(tests.map(({ file }, index) => [resolve(file), index]));
  vitest.state.filesMap.clear();
  vitest.state.errorsSet.clear();
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(
    tests.map(({ project, file }) => vitest.getProjectByName(project).createSpecification(resolve(file))),
  );
  const named = testModules.map((module) => ({ name: relative(process.cwd(), module.moduleId), module }));
  return {
    failed: named.flatMap(({ name, module }) => (module.state() === 'failed' ? [name] : [])),
    outside: unhandledErrors.length > 0,
    seconds: Object.fromEntries(
      named.flatMap(({ name, module }) => {
        const { duration, collectDuration, setupDuration } = module.diagnostic();
        return module.state() === 'queued' || module.state() === 'pending'
          ? []
          : [[name, (duration + collectDuration + setupDuration) / 1000]];
      }),
    ),
  };
}

process.on('message', (question) => {
  void run(question as Question).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
const projects: readonly Project[] = ['unit', 'simulation', 'process'];
const specifications = await vitest.globTestSpecifications();
process.send?.(
  specifications.flatMap(({ project: { name }, moduleId }): TestFile[] => {
    const project = projects.find((each) => each === name);
    return project === undefined ? [] : [{ project, file: relative(process.cwd(), moduleId) }];
  }),
);
