import { describe, expect, test } from 'vitest';
import { ConfigError } from '../src/config/problem.js';
import { createLogger, type Logger, type LogFormat, type LogLevel } from '../src/log.js';

/** What a logger writes while `use` runs, its times replaced by T. */
function logged(use: (log: Logger) => void, level: LogLevel = 'info', format: LogFormat = 'logfmt'): string {
  let text = '';
  use(
    createLogger({
      level,
      format,
      stream: {
        write: (line) => {
          text += line;
        },
      },
    }),
  );
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'T');
}

describe('a line of logfmt', () => {
  test.each([
    [{ a: 'plain', b: 1, c: true, d: null }, 'a=plain b=1 c=true d=null'],
    [{ a: 'two words', b: '', c: 'x=y', d: 'say "hi"' }, 'a="two words" b="" c="x=y" d="say \\"hi\\""'],
    [{ a: 'line\nbreak\ttab\\', b: 'back\\slash' }, 'a="line\\nbreak\\ttab\\\\" b=back\\slash'],
    [{ a: '\u0000\u007f\u2028' }, 'a="\\u0000\\u007f\\u2028"'],
    [{ a: undefined, b: [1, 'x'], c: { d: 1 } }, 'b=1,x c.d=1'],
    [{ b: [], c: {}, d: [{ path: 'x y' }, { path: 'z' }], e: [null] }, 'b="" d.0.path="x y" d.1.path=z e=""'],
    [{ 'a b': 1, 'c="d': 2, '': 3 }, 'a_b=1 c__d=2 _=3'],
    [{ site: 'Zürich', path: '/a:b' }, 'site=Zürich path=/a:b'],
  ])('writes the fields %j', (fields, line) => {
    expect(logged((log) => log.info(fields, 'm'))).toBe(`ts=T level=info msg=m ${line}\n`);
  });
});

describe('createLogger()', () => {
  test('writes time, level and message before the fields', () => {
    expect(
      logged((log) => {
        log.info({ target: 'vps' }, 'far end answers');
      }),
    ).toBe('ts=T level=info msg="far end answers" target=vps\n');
  });

  test('writes the same as one JSON object', () => {
    const text = logged(
      (log) => {
        log.child({ mode: 'send' }).warn({ idle: 20 }, 'died');
      },
      'info',
      'json',
    );
    expect(text).toBe('{"ts":"T","level":"warn","msg":"died","mode":"send","idle":20}\n');
  });

  test('leaves out what is below its level', () => {
    const all = (log: Logger): void => {
      log.debug('d');
      log.info('i');
      log.warn('w');
      log.error('e');
    };
    expect(logged(all, 'warn')).toBe('ts=T level=warn msg=w\nts=T level=error msg=e\n');
    expect(logged(all, 'debug').split('\n')).toHaveLength(5);
  });

  test.each(['token', 'Authorization', 'web_password', 'basic.secret'])('replaces the value of %s', (key) => {
    const text = logged((log) => {
      log.info({ [key]: 'swordfish', deep: { [key]: ['swordfish'] } }, 'm');
      log.child({ [key]: 'swordfish' }).info('m');
    });
    expect(text).not.toContain('swordfish');
    expect(text.match(/<secret>/g)).toHaveLength(3);
  });

  test('shows what only looks like a secret', () => {
    expect(
      logged((log) => {
        log.info({ token_file: '/run/token', machine: 'm' }, 'm');
      }),
    ).toContain('token_file=/run/token machine=m');
  });

  test("tells a user's mistake without a stack", () => {
    const error = new ConfigError([{ file: 'c.yaml', path: 'schedule', rule: 'is bad' }]);
    expect(
      logged((log) => {
        log.error({ err: error }, 'reload failed');
      }),
    ).toBe('ts=T level=error msg="reload failed" err="c.yaml: schedule: is bad"\n');
  });

  test('tells what the network did without a stack, its cause included', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), {
      syscall: 'connect',
      code: 'ECONNREFUSED',
    });
    expect(
      logged((log) => {
        log.info({ err: cause }, 'm');
      }),
    ).toBe('ts=T level=info msg=m err="connect ECONNREFUSED"\n');
    const text = logged(
      (log) => {
        log.info({ err: new Error('no hello', { cause }) }, 'm');
      },
      'info',
      'json',
    );
    expect(JSON.parse(text)).toMatchObject({ err: 'no hello: connect ECONNREFUSED' });
  });

  test('gives a bug its stack, and everything at debug', () => {
    expect(
      logged((log) => {
        log.error({ err: new TypeError('bug') }, 'm');
      }),
    ).toContain('stack="TypeError: bug\\n');
    const user = new ConfigError([{ file: 'c.yaml', rule: 'is empty' }]);
    expect(
      logged((log) => {
        log.error({ err: user }, 'm');
      }, 'debug'),
    ).toContain('stack="ConfigError');
  });

  test('survives what cannot be told whole', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(
      logged((log) => {
        log.info({ circle, big: 10n, at: new Date(Number.NaN) }, 'm');
      }),
    ).toBe('ts=T level=info msg=m circle.self.self.self=… big=10 at="invalid date"\n');
  });
});
