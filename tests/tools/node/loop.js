#!/usr/bin/env node
'use strict';
// Renders a page into a picture.

function usage(code) {
  console.log(`Usage: loop.js [options] <url> [output]

Options:
  -w, --width <pixels>   Width of the page
      --format <png|jpg> Kind of picture
  -q, --quiet            Say nothing
      --header <text>    A header to send; may be repeated
      --scale=<factor>   Enlarge by this
  -h, --help             Show this
`);
  process.exit(code);
}

const options = { width: 1280, format: 'png', quiet: false, headers: [], scale: 1, verbose: 0 };
let url = null;
let output = 'page.png';

const args = process.argv.slice(2);
for (let i = 0; i < args.length; i++) {
  const arg = args[i];
  if (arg.startsWith('--scale=')) {
    options.scale = parseFloat(arg.slice('--scale='.length));
    continue;
  }
  switch (arg) {
    case '-w':
    case '--width':
      options.width = Number.parseInt(args[++i], 10);
      break;
    case '--format':
      options.format = args[i + 1];
      i++;
      break;
    case '-q':
    case '--quiet':
      options.quiet = true;
      break;
    case '--header':
      options.headers.push(args[++i]);
      break;
    case '-v':
      options.verbose += 1;
      break;
    case '-h':
    case '--help':
      usage(0);
      break;
    default:
      if (arg.startsWith('-')) {
        console.error(`unknown option ${arg}`);
        process.exit(2);
      }
      if (url === null) {
        url = arg;
      } else {
        output = arg;
      }
  }
}
if (!url) usage(2);

console.log(JSON.stringify({
  url, output, width: options.width, format: options.format, quiet: options.quiet, header: options.headers,
  scale: options.scale, v: options.verbose,
}));
