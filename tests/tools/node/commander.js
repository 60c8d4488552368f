#!/usr/bin/env node
// Converts a file, in every way that commander has options.
const { Command, Option, Argument } = require('commander');

const FORMATS = ['json', 'csv', 'text'];
const DEFAULTS = { limit: 10, format: 'json' };

const collect = (value, previous) => previous.concat([value]);

function levels(value) {
  return parseInt(value, 10);
}

const program = new Command();

program
  .name('convert')
  .description('Converts one file into another format.')
  .version('1.2.3')
  .argument('<source>', 'what to read')
  .addArgument(new Argument('[target]', 'where to write').default('out.txt'))
  .option('-d, --dry-run', 'only say what would be done')
  .option('-l, --limit <number>', 'most records', parseInt, DEFAULTS.limit)
  .option('--ratio <ratio>', 'share to keep', Number)
  .option('--level <level>', 'how deep', levels)
  .option('-x <value>', 'a short one')
  .option('--no-color', 'no colours')
  .option('--cheese [kind]', 'with cheese, of a kind')
  .option('-t, --tag <tag>', 'may be repeated', collect, [])
  .option('--files <paths...>', 'several files')
  .option('--camelCase <word>', 'as it is written')
  .option('--header-name <name>', 'a name', 'none')
  .requiredOption('--user <user>', 'who does it')
  .addOption(new Option('-f, --format <format>', 'how to write').choices(FORMATS).default(DEFAULTS.format))
  .addOption(new Option('--data <json>', 'any JSON').argParser(JSON.parse))
  .addOption(new Option('--fast', 'quickly').conflicts('slow'))
  .addOption(new Option('--slow', 'carefully'))
  .addOption(new Option('--mode <mode>').choices(['a', 'b']).makeOptionMandatory().default('a'))
  .action((source, target, options) => {
    const o = options;
    console.log(JSON.stringify({
      source, target, dry_run: o.dryRun ?? false, limit: o.limit, ratio: o.ratio, level: o.level, x: o.x,
      color: o.color, cheese: o.cheese, tag: o.tag, files: o.files, camelCase: o.camelCase,
      header_name: o.headerName, user: o.user, format: o.format, data: o.data, fast: o.fast ?? false,
      slow: o.slow ?? false, mode: o.mode,
    }));
  });

program.parse(process.argv);
