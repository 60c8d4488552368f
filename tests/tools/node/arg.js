const arg = require('arg');

const args = arg({
  '--port': Number,
  '--name': String,
  '--tag': [String],
  '--verbose': arg.COUNT,
  '--dry-run': Boolean,
  '-n': '--name',
  '-v': '--verbose',
  '-k': String,
});

if (args['--name'] === undefined) {
  throw new Error('missing required argument: --name');
}
console.log(JSON.stringify({
  port: args['--port'], name: args['--name'], tag: args['--tag'], verbose: args['--verbose'], k: args['-k'],
  dry_run: args['--dry-run'] ?? false, files: args._,
}));
