#!/usr/bin/env node
/**
 * Reads records and prints them.
 *
 * Usage: parse_args.mjs [options] <input> [output]
 *
 *   --format <name>   how to print
 *   -q, --quiet       say nothing
 */
import { parseArgs } from 'node:util';

const options = {
  format: { type: 'string', short: 'f', default: 'json' },
  quiet: { type: 'boolean', short: 'q' },
  'max-items': { type: 'string' },
  include: { type: 'string', multiple: true },
  verbose: { type: 'boolean', short: 'v', multiple: true },
  token: { type: 'string' },
};
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [input, output = 'out.txt'] = positionals;

if (!input || !values.token) {
  console.error('input and --token are needed');
  process.exit(2);
}
if (!['json', 'text'].includes(values.format)) {
  console.error('unknown format');
  process.exit(2);
}
const maxItems = Number.parseInt(values['max-items'] ?? '100', 10);
console.log(JSON.stringify({
  input, output, format: values.format, quiet: values.quiet ?? false, max_items: maxItems, include: values.include,
  verbose: (values.verbose ?? []).length, token: values.token,
}));
