// Sends a message.
const argv = process.argv;

function option(name, fallback) {
  const at = argv.indexOf(`--${name}`);
  return at !== -1 && at + 1 < argv.length ? argv[at + 1] : fallback;
}

const has = (name) => argv.includes('--' + name);

const to = option('to');
const subject = option('subject', 'no subject');
const delay = parseInt(option('delay-ms', '500'), 10);
const urgent = has('urgent');
const toneAt = argv.indexOf('--tone');
const tone = toneAt >= 0 ? argv[toneAt + 1] : 'plain';

if (!to) {
  console.error('Usage: index_of.js --to <address> [--subject <text>] [--urgent]');
  process.exit(1);
}
console.log(JSON.stringify({ to, subject, delay_ms: delay, urgent, tone }));
