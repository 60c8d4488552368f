#!/usr/bin/env node
const yargs = require('yargs/yargs');
const { hideBin } = require('yargs/helpers');

const KINDS = ['small', 'large'];

const argv = yargs(hideBin(process.argv))
  .usage('Usage: $0 <source> [options]')
  .option('name', { alias: 'n', type: 'string', describe: 'Whom to greet', demandOption: true })
  .option('count', { alias: 'c', type: 'number', default: 1, desc: 'How often' })
  .options({
    kind: { choices: KINDS, default: 'small', description: 'Which kind' },
    'dry-run': { type: 'boolean', describe: 'Only say what would be done' },
    tag: { type: 'array', string: true, describe: 'Several tags' },
    color: { type: 'boolean', default: true },
  })
  .option('v', { alias: 'verbose', count: true, describe: 'Say more' })
  .string('note')
  .describe('note', 'A note')
  .boolean(['quick'])
  .default('depth', 3)
  .alias('depth', 'd')
  .conflicts('quick', 'note')
  .demandCommand(1)
  .strictOptions()
  .help()
  .parse();

const [source] = argv._;
console.log(JSON.stringify({
  source: String(source), name: argv.name, count: argv.count, kind: argv.kind, dry_run: argv['dry-run'] ?? false, tag: argv.tag,
  color: argv.color, verbose: argv.v, note: argv.note, quick: argv.quick ?? false, depth: argv.depth,
}));
