#!/usr/bin/env node
/*
 * Compares two files.
 * Usage: node place.js <left> <right> [context] [--json]
 *   left     the older file
 *   right    the newer file
 *   context  lines around a difference
 */
const [left, right] = process.argv.slice(2);
const context = Number(process.argv[4] || 3);
const json = process.argv.includes('--json');
if (process.argv.length < 4) {
  console.error('two files are needed');
  process.exit(1);
}
console.log(JSON.stringify({ left, right, context, json }));
