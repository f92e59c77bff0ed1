// node check.mjs SCHEMA DASHBOARD...: what is wrong with each dashboard, as JSON
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const Ajv = createRequire(join(process.cwd(), 'here'))('ajv');
const [schema, ...boards] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const validate = new Ajv({ allErrors: true, strict: false }).compile(schema);
const said = boards.map((board) => (validate(board) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message}`)));
console.log(JSON.stringify(said));
