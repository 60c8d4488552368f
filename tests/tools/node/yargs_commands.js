const yargs = require('yargs');

const show = (command, argv) => {
  const { _, $0, ...rest } = argv;
  console.log(JSON.stringify({ command, ...rest }));
};

const remove = {
  command: 'remove <id>',
  describe: 'Removes an entry',
  builder: { force: { type: 'boolean', describe: 'Without asking' } },
  handler: (argv) => show('remove', argv),
};

yargs(process.argv.slice(2))
  .command(
    'add <title> [words..]',
    'Adds an entry',
    (y) => y.positional('title', { type: 'string', describe: 'Its title' }).option('priority', { type: 'number', default: 1 }),
    (argv) => show('add', argv),
  )
  .command(remove)
  .option('store', { type: 'string', default: 'store.db', describe: 'Where it is kept' })
  .demandCommand(1)
  .strict()
  .parse();
