/* The generated file fits the header, and no function of the header is missing in the binding. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import ffi from '../dist/ffi.js';
import header from '../dist/header.js';
import { parse, render } from '../generate.mjs';
import { PACKAGE, ROOT } from './support.mjs';

const HEADER = readFileSync(join(ROOT, 'include', 'skilllite.h'), 'utf8');
const CODE = HEADER.replace(/\/\*[^]*?\*\//g, '');
const SOURCES = readdirSync(join(PACKAGE, 'src')).map((name) => ({
    name,
    text: readFileSync(join(PACKAGE, 'src', name), 'utf8'),
}));

test('src/header.ts is current', () => {
    assert.equal(readFileSync(join(PACKAGE, 'src', 'header.ts'), 'utf8'), render(parse(HEADER)));
});

test('every function of the header is declared, exported and used', () => {
    // Counted by other means than the generator's parser: a name directly before a parenthesis, outside of comments.
    const names = [...new Set([...CODE.matchAll(/\b(skl_\w+)\(/g)].map((match) => match[1]))].sort();
    assert.ok(names.length > 30);
    assert.deepEqual(Object.keys(header.PROTOTYPES).sort(), names);
    assert.deepEqual(Object.keys(ffi.functions()).sort(), names);
    const used = SOURCES.filter(({ name }) => name !== 'header.ts')
        .map(({ text }) => text)
        .join('\n');
    // The status of an error is what its function returned; Engine.handle blocks no thread.
    const without = ['skl_error_status', 'skl_engine_handle'];
    const unused = names.filter((name) => !without.includes(name) && !new RegExp(`\\b${name}\\b`).test(used));
    assert.deepEqual(unused, []);
});

test('every status has the name that the library gives it', () => {
    const numbers = [...CODE.matchAll(/^ +(SKL_\w+) = (\d+),/gm)].map(([, name, number]) => [name, Number(number)]);
    assert.ok(numbers.length > 30);
    assert.deepEqual(header.STATUS, Object.fromEntries(numbers));
    for (const [name, number] of numbers) assert.equal(ffi.functions().skl_status_name(number), name);
});

test('only one file knows koffi', () => {
    const knowing = SOURCES.filter(({ text }) => /require\('koffi'\)|from 'koffi'/.test(text)).map(({ name }) => name);
    assert.deepEqual(knowing, ['ffi.ts']);
});

for (const line of ['void skl_new_thing(struct other *x);', 'union skl_u;', 'SKL_STRANGE = 1,']) {
    test(`what the parser does not know is an error: ${line}`, () => {
        const text = HEADER.replace('void skl_call_free', `${line}\nvoid skl_call_free`);
        assert.throws(() => render(parse(text)), /no TypeScript type|not understood/);
    });
}
