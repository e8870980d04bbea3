/** A copy of this repository to which a patch of a recipe has been applied, compiled. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The recipes of CONTRIBUTING.md that are kept as patches. */
export const RECIPES = ['add-a-mode', 'add-a-far-end'] as const;

export type Recipe = (typeof RECIPES)[number];

/** A file of a patch; what commands generate is in none. */
export interface PatchedFile {
  readonly path: string;
  readonly isNew: boolean;
}

const patchOf = (recipe: Recipe): string => join(ROOT, 'test/recipes', `${recipe}.patch`);

/** The files that a recipe's patch changes or makes, in its order. */
export function filesOf(recipe: Recipe): PatchedFile[] {
  const parts = readFileSync(patchOf(recipe), 'utf8')
    .split(/^diff --git a\//m)
    .slice(1);
  return parts.map((part) => ({
    path: part.slice(0, part.indexOf(' ')),
    isNew: part.includes('\nnew file mode '),
  }));
}

export class PatchedCopy {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** Copies, applies the patch and compiles. @throws Error where the patch or what it makes is no good */
  static make(recipe: Recipe): PatchedCopy {
    const copy = new PatchedCopy(mkdtempSync(join(tmpdir(), `${recipe}-`)));
    try {
      copy.#fill(recipe);
    } catch (error) {
      copy.close();
      throw error;
    }
    return copy;
  }

  #fill(recipe: Recipe): void {
    const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    for (const file of files.split('\0').filter((name) => name !== '' && existsSync(join(ROOT, name)))) {
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      cpSync(join(ROOT, file), join(this.root, file));
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
    try {
      this.run('git', ['apply', patchOf(recipe)]);
    } catch (error) {
      const how = 'CONTRIBUTING.md says under "Renewing a recipe" how to renew it';
      throw new Error(`test/recipes/${recipe}.patch does not apply any more: ${how}`, { cause: error });
    }
    this.run('npm', ['run', '--silent', 'build']);
  }

  /** The compiled program. */
  get main(): string {
    return join(this.root, 'dist/main.js');
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8');
  }

  /** Runs a command in the copy. @throws with its output when it fails */
  run(command: string, args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(command, args, {
      cwd: this.root,
      encoding: 'utf8',
      // The copy is no repository; git must not take one above it for its own.
      env: { ...process.env, GIT_CEILING_DIRECTORIES: dirname(this.root) },
    });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`);
    return stdout;
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
