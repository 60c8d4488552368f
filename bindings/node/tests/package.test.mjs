/* What is published: packed, installed into an empty project outside of the checkout, and run from both kinds of modules. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import library from '../dist/library.js';
import { PACKAGE, SKILLS, atEnd, everyHandleIsFreed, folder, program } from './support.mjs';

everyHandleIsFreed();

const USE = `const engine = await Engine.open(process.argv.at(-1));
const { output, isolation } = await engine.execute('calculator', { operation: 'multiply', a: 15, b: 27 });
const call = { id: 'a', type: 'function', function: { name: 'calculator', arguments: '{"operation":"add","a":1,"b":2}' } };
const [message] = await engine.handle('openai', { choices: [{ message: { role: 'assistant', tool_calls: [call] } }] });
console.log(output.result, JSON.parse(message.content).output.result, version());
await engine.close();
`;
const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
// Not the checkout's: an installed package must not look at it.
const { SKILLLITE_LIBRARY: _, ...environment } = process.env;

test('npm pack, npm install, run', async () => {
    const place = folder();
    const node = (...args) => execFileSync(process.execPath, args, { encoding: 'utf8' });
    const packed = node(join(PACKAGE, 'pack.mjs'), join(place, 'packed'), library.find()).trim().split('\n');
    const project = join(place, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{ "name": "project", "version": "1.0.0", "private": true }\n');
    // Install scripts stay off: nothing may need one.
    const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...packed];
    execFileSync('npm', install, { cwd: project, encoding: 'utf8', stdio: 'pipe' });

    const modules = join(project, 'node_modules');
    assert.deepEqual(
        readdirSync(modules)
            .filter((name) => !name.startsWith('.'))
            .sort(),
        ['@koromix', '@skilllite', 'koffi', 'skilllite'],
    );
    const files = readdirSync(join(modules, 'skilllite'));
    assert.deepEqual(files.sort(), ['LICENSE', 'README.md', 'dist', 'package.json']);
    const manifest = JSON.parse(readFileSync(join(modules, 'skilllite', 'package.json'), 'utf8'));
    assert.ok(!('private' in manifest) && !('scripts' in manifest));
    assert.ok(manifest.optionalDependencies[`@skilllite/linux-${process.arch}`]);

    writeFileSync(join(project, 'esm.mjs'), `import { Engine, version } from 'skilllite';\n${USE}`);
    writeFileSync(join(project, 'cjs.cjs'), `const { Engine, version } = require('skilllite');\n(async () => {\n${USE}})();\n`);
    const expected = { stdout: `405 3 ${version}\n`, stderr: '', code: 0, signal: null };
    for (const file of ['esm.mjs', 'cjs.cjs']) {
        // A library that the environment names is none of an installed package's business.
        const env = { ...environment, SKILLLITE_LIBRARY: '/no/such/library.so' };
        assert.deepEqual(await program(undefined, [file, SKILLS], { cwd: project, env }), expected);
    }
    const both = `import { Engine } from 'skilllite'; import { createRequire } from 'node:module';
console.log(createRequire(process.cwd() + '/x.js')('skilllite').Engine === Engine);`;
    assert.equal((await program(both, [], { cwd: project, env: environment })).stdout, 'true\n');

    // The types, as a strict program of the project sees them.
    const source =
        "import { Engine } from 'skilllite';\nexport const tools: object[] = new Engine().tools();\n// @ts-expect-error\nnew Engine(5);\n";
    for (const name of ['use.mts', 'use.cts']) writeFileSync(join(project, name), source);
    const tsc = join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc');
    const types = [
        '--typeRoots',
        join(PACKAGE, 'node_modules', '@types'),
        '--types',
        'node',
        '--lib',
        'es2022,esnext.disposable',
    ];
    const checked = await program(
        undefined,
        [tsc, '--noEmit', '--strict', '--module', 'nodenext', ...types, 'use.mts', 'use.cts'],
        { cwd: project },
    );
    assert.deepEqual(checked, { stdout: '', stderr: '', code: 0, signal: null });
});

/** A copy of the package in a project outside of the checkout. */
function copied() {
    const project = folder();
    const target = join(project, 'node_modules', 'skilllite');
    mkdirSync(target, { recursive: true });
    execFileSync('cp', ['-r', join(PACKAGE, 'dist'), join(PACKAGE, 'package.json'), target]);
    execFileSync('ln', ['-s', join(PACKAGE, 'node_modules', 'koffi'), join(project, 'node_modules', 'koffi')]);
    return project;
}

const ASK =
    "import { useLibrary, version } from 'skilllite';\nif (process.argv[1]) useLibrary(process.argv[1]);\nconsole.log(version());";
const ask = (project, path = [], env = environment) => program(ASK, path, { cwd: project, env });

function compiled(source) {
    const path = join(folder(), 'other.so');
    execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-', '-o', path], { input: source });
    return path;
}

test('without a library', async () => {
    const { stderr, code } = await ask(copied());
    assert.equal(code, 1);
    assert.match(stderr, /LibraryError: there is no libskilllite\.so .* install @skilllite\/linux-\w+ .* useLibrary/);
    assert.match(stderr, /ERR_SKILLLITE_LIBRARY/);
});

test('outside of a checkout the environment names none', async () => {
    const { stderr } = await ask(copied(), [], { ...environment, SKILLLITE_LIBRARY: library.find() });
    assert.match(stderr, /there is no libskilllite\.so/);
});

test('the program names one', async () => {
    assert.equal((await ask(copied(), [library.find()])).stdout, `${version}\n`);
    assert.match((await ask(copied(), ['relative.so'])).stderr, /not absolute: relative\.so/);
    const late = `import { useLibrary, version } from 'skilllite';\nversion();\nuseLibrary('/other.so');`;
    assert.match((await program(late)).stderr, /in use already/);
});

test('the package for the platform comes before the environment', async () => {
    const project = copied();
    const platform = join(project, 'node_modules', '@skilllite', `linux-${process.arch}`);
    mkdirSync(platform, { recursive: true });
    copyFileSync(library.find(), join(platform, 'libskilllite.so'));
    writeFileSync(join(platform, 'package.json'), '{}');
    assert.equal((await ask(project, [], { ...environment, SKILLLITE_LIBRARY: '/no/such/library.so' })).stdout, `${version}\n`);
});

test('in a checkout the environment names one', async () => {
    assert.equal((await ask(PACKAGE, [], { ...environment, SKILLLITE_LIBRARY: library.find() })).stdout, `${version}\n`);
    assert.match(
        (await ask(PACKAGE, [], { ...environment, SKILLLITE_LIBRARY: '/no/such/library.so' })).stderr,
        /names \/no\/such\/library\.so, which is no file/,
    );
});

for (const [source, message] of [
    ['unsigned skl_abi_version(void) { return 0; }', /has ABI 0, this package needs \d+ or later/],
    ['unsigned skl_abi_version(void) { return 99; }', /says ABI 99 and lacks a function of it/],
    ['int x;', /is no SkillLite library: it has no skl_abi_version/],
]) {
    test(`a library that does not fit: ${source}`, async () => {
        const { stderr, code } = await ask(copied(), [compiled(source)]);
        assert.equal(code, 1);
        assert.match(stderr, message);
    });
}

test('a file that is no library', async () => {
    const path = join(folder(), 'text.so');
    writeFileSync(path, 'no library');
    assert.match((await ask(copied(), [path])).stderr, /LibraryError: cannot load/);
    assert.ok(existsSync(path));
    atEnd(() => {});
});
