/** `npm run generate:schemas`: writes the shipped JSON Schemas. */
import { writeFileSync } from 'node:fs';
import { SCHEMAS } from './schemas.js';

for (const [path, text] of Object.entries(SCHEMAS)) {
  writeFileSync(new URL(`../${path}`, import.meta.url), text);
  console.log(`wrote ${path}`);
}
