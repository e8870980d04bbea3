/** The JSON Schemas that are shipped, by their files: of the configuration and of what `--json` prints. */
import { z } from 'zod';
import { auditSchema } from '../src/audit/audit-document.js';
import { configJsonSchema } from '../src/config/schema.js';
import { documentSchema } from '../src/report/report-document.js';

const written = (schema: unknown): string => `${JSON.stringify(schema, undefined, 2)}\n`;

export const SCHEMAS = {
  'config.schema.json': written(configJsonSchema()),
  'docs/measure.schema.json': written(z.toJSONSchema(documentSchema)),
  'docs/audit.schema.json': written(z.toJSONSchema(auditSchema)),
};
