/**
 * Regenerates reports/schema/ from the schemas in harness/result.ts: `node dist/reports/write-schema.js` in the
 * checkout. A unit test fails while the committed files differ from what this writes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchemas } from './json.ts';

for (const [name, text] of Object.entries(jsonSchemas())) {
  const path = join('reports', 'schema', name);
  writeFileSync(path, text);
  console.log(path);
}
