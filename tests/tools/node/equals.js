// Cleans a folder.
const options = { depth: '2', mode: 'soft' };
for (const arg of process.argv.slice(2)) {
  const match = arg.match(/^--([^=]+)=(.*)$/);
  if (match) options[match[1]] = match[2];
}
const depth = Number(options.depth);
console.log(JSON.stringify({ depth, mode: options.mode, root: options.root }));
