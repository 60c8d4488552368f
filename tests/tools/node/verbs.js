#!/usr/bin/env node
// Keeps a list of tasks.
const [command, ...rest] = process.argv.slice(2);

function add(args) {
  const [title, due] = args;
  if (!title) {
    console.error('a title is needed');
    process.exit(1);
  }
  return { title, due };
}

switch (command) {
  case 'add':
    console.log(JSON.stringify({ command, ...add(rest) }));
    break;
  case 'done':
    if (rest.length < 1) throw new Error('an id is needed');
    console.log(JSON.stringify({ command, id: rest[0] }));
    break;
  case 'list':
    console.log(JSON.stringify({ command, all: rest.includes('--all') }));
    break;
  default:
    console.error('Usage: verbs.js <add|done|list>');
    process.exit(1);
}
