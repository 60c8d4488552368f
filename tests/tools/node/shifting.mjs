// Copies files.
import process from 'node:process';

const parse = (args) => {
  const result = { retries: 3, exclude: [], files: [] };
  while (args.length > 0) {
    const word = args.shift();
    if (word === '--to' || word === '-t') {
      result.to = args.shift();
    } else if (word === '--retries') {
      result.retries = Number(args.shift());
    } else if (word === '--exclude') {
      result.exclude = [...result.exclude, args.shift()];
    } else if (word === '--force') {
      result.force = true;
    } else if (word.startsWith('-')) {
      throw new Error(`unknown option: ${word}`);
    } else {
      result.files.push(word);
    }
  }
  return result;
};

const options = parse(process.argv.slice(2));
if (!options.to) {
  console.error('usage: shifting.mjs --to <folder> [--force] <files...>');
  process.exit(1);
}
console.log(JSON.stringify({
  to: options.to, retries: options.retries, exclude: options.exclude, force: options.force ?? false, files: options.files,
}));
