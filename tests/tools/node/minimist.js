// Looks for a text in files.
const argv = require('minimist')(process.argv.slice(2), {
  string: ['pattern', 'id'],
  boolean: ['all', 'color'],
  alias: { p: 'pattern', a: 'all' },
  default: { color: true, depth: 2 },
});

if (!argv.pattern) throw new Error('--pattern is needed');
const root = argv._[0] || '.';
const out = argv.out || 'found.txt';
console.log(JSON.stringify({
  pattern: argv.pattern, id: argv.id, all: argv.all, color: argv.color, depth: argv.depth, root: String(root), out,
}));
