import type { Config } from '../../src/config/config.js';
import { checkConfig } from '../../src/config/load.js';
import { parseYaml } from '../../src/config/yaml.js';

/** The configuration that a file of this name and text has. @throws ConfigError holding every problem */
export function parseConfig(source: string, file: string): Config {
  return checkConfig(parseYaml(source, file), file);
}
