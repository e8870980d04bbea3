/** A copy of the repository in which files may be changed. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Source } from './mutants.js';

/** Holds all that git knows or would add, with the packages of the original. */
export class Copy {
  readonly root: string;
  #built = false;

  constructor(original: string) {
    this.root = mkdtempSync(join(tmpdir(), 'mutate-'));
    const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: original,
      encoding: 'utf8',
    });
    for (const file of files.split('\0')) {
      if (file === '' || !existsSync(join(original, file))) continue;
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      cpSync(join(original, file), join(this.root, file));
    }
    symlinkSync(join(original, 'node_modules'), join(this.root, 'node_modules'));
  }

  /** Compiles the program: some tests run it, and pass with it, though they see no mutant. */
  build(): void {
    if (!this.#built) execFileSync('npm', ['run', '--silent', 'build'], { cwd: this.root });
    this.#built = true;
  }

  has(file: string): boolean {
    return existsSync(join(this.root, file));
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), 'utf8');
  }

  write({ file, text }: Source): void {
    writeFileSync(join(this.root, file), text);
  }

  /** The TypeScript files below a folder. */
  sources(folder: string): Source[] {
    return readdirSync(join(this.root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .sort()
      .map((name) => ({ file: `${folder}/${name}`, text: this.read(`${folder}/${name}`) }));
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
