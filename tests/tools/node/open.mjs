// Takes a picture of a page.
const args = process.argv.slice(2);
const flags = {};
const positional = [];
const switches = new Set(['list', 'check']);

for (let i = 0; i < args.length; i++) {
  if (args[i].startsWith('--')) {
    const key = args[i].slice(2);
    if (switches.has(key)) {
      flags[key] = true;
    } else if (i + 1 < args.length) {
      flags[key] = args[++i];
    }
  } else {
    positional.push(args[i]);
  }
}
const width = parseInt(flags.width || '1200', 10);
const css = flags.css || '';
const [url, out] = positional;
if (!url) {
  console.error('Usage: open.mjs <url> [out] [--width <n>] [--css <text>] [--list] [--check]');
  process.exit(1);
}
console.log(JSON.stringify({ url, out, width, css, list: !!flags.list, check: !!flags.check }));
