import { program } from 'commander';

const show = (command, values) => console.log(JSON.stringify({ command, ...values }));

program.name('notes').description('Keeps notes.').option('--store <path>', 'where the notes are', 'notes.db');

program
  .command('add <title> [words...]')
  .alias('a')
  .description('Adds a note')
  .option('-p, --priority <n>', 'how urgent', (value) => parseInt(value, 10), 1)
  .action((title, words, options) => show('add', { title, words, priority: options.priority, store: program.opts().store }));

const list = program.command('list').description('Lists notes');
list.option('--all', 'old ones, too');
list.action((options) => show('list', { all: options.all ?? false, store: program.opts().store }));

const remote = program.command('remote').description('Other stores');
remote
  .command('link')
  .argument('<url>')
  .requiredOption('--token <token>')
  .action((url, options) => show('remote', { subcommand: 'link', url, token: options.token }));
remote.command('drop').action(() => show('remote', { subcommand: 'drop' }));

await program.parseAsync();
