/* Calls: arguments in, results out, files, options, and the ways in which a run ends. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { Engine, SkillliteError } from 'skilllite';
import { MULTIPLY, SKILLS, everyHandleIsFreed, folder, open, sleeper, writeSkill } from './support.mjs';

everyHandleIsFreed();
const CSV = 'city,visitors\nParis,120\nRome,80\nOslo,40\n';

test('the calculator', async () => {
    const engine = await open();
    const result = await engine.execute('calculator', MULTIPLY);
    assert.equal(result.output.result, 405);
    assert.deepEqual(JSON.parse(result.text), result.output);
    const { status, exit_code, signal, limit, tool, skill, stderr, error } = result;
    assert.deepEqual(
        { status, exit_code, signal, limit, tool, skill, stderr, error },
        {
            status: 'ok',
            exit_code: 0,
            signal: null,
            limit: null,
            tool: 'calculator',
            skill: 'calculator',
            stderr: '',
            error: null,
        },
    );
    assert.ok(['landlock', 'namespaces', 'full'].includes(result.isolation.tier));
    assert.ok(result.isolation.layers.some(({ name, state }) => name === 'seccomp' && state === 'active'));
    assert.ok(result.usage.wall_ms > 0);
});

for (const [name, args] of Object.entries({ object: MULTIPLY, text: JSON.stringify(MULTIPLY) })) {
    test(`arguments as ${name}`, async () => {
        const engine = await open();
        assert.equal((await engine.execute('calculator', args)).output.result, 405);
        assert.equal(engine.executeSync('calculator', args).output.result, 405);
    });
}

for (const text of ['žluťoučký kůň', '日本語', '🦀👩‍👩‍👧', 'quote " and \\ and \n line', '\u2028', 'nul \u0000 within']) {
    test(`unicode ${JSON.stringify(text)}`, async () => {
        const engine = await open();
        const result = await engine.execute('text-processor', { text, operation: 'trim', normalize: false });
        assert.equal(result.output.original, text);
    });
}

test('names and paths in unicode', async () => {
    const skills = writeSkill('echo', "import os\nprint(sorted(os.listdir('.')), os.environ['GRUSS'])\n");
    const elsewhere = join(skills, '..', 'ordner-ü-日本');
    renameSync(skills, elsewhere);
    const engine = await open(elsewhere);
    const result = await engine.execute('echo', {}, { files: { 'dätei.txt': 'x' }, env: { GRUSS: 'grüß dich' } });
    assert.equal(result.text, "['dätei.txt'] grüß dich\n");
});

test('files in', async () => {
    const engine = await open();
    const args = { file: 'table.csv', operation: 'mean', column: 'visitors' };
    const encoded = Buffer.from(CSV);
    const within = Buffer.concat([Buffer.from('xx'), encoded]).subarray(2);
    for (const content of [
        CSV,
        encoded,
        within,
        new Uint8Array(encoded),
        { text: CSV },
        { base64: encoded.toString('base64') },
    ]) {
        assert.equal((await engine.execute('data-analyzer', args, { files: { 'table.csv': content } })).output.result, 80);
    }
    const readable = folder();
    writeFileSync(join(readable, 'table.csv'), CSV);
    const reader = await open(join(SKILLS, 'data-analyzer'), { policy: { read_paths: [readable] } });
    const files = { 'table.csv': { path: join(readable, 'table.csv') } };
    assert.equal((await reader.execute('data-analyzer', args, { files })).output.result, 80);
});

test('options reach the script', async () => {
    const engine = await open(writeSkill('look', "import os\nprint(os.environ['COLOUR'], os.path.exists('SKILL.md'))\n"));
    const result = await engine.execute('look', {}, { env: { COLOUR: 'red' }, cwd: 'skill', fresh: true, call_id: 'mine' });
    assert.deepEqual([result.text, result.call_id], ['red True\n', 'mine']);
    assert.equal((await engine.execute('look', {}, { env: { COLOUR: 'blue' }, cwd: undefined })).text, 'blue False\n');
});

test('files out', async () => {
    const engine = await open(writeSkill('writer', "open('out.bin', 'wb').write(bytes(range(256)))\nopen('empty', 'w')\n"));
    const call = await engine.call('writer');
    const result = await call.result();
    assert.deepEqual(
        result.files.map(({ path, size }) => [path, size]),
        [
            ['empty', 0],
            ['out.bin', 256],
        ],
    );
    assert.deepEqual(await call.readFile('out.bin'), Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
    assert.deepEqual(await call.readFile('empty'), Buffer.alloc(0));
    await assert.rejects(call.readFile('out.bin', 255), { code: 'SKL_ERR_RESOURCE_TOO_LARGE' });
    await assert.rejects(call.readFile('out.bin', -1), RangeError);
    await assert.rejects(call.readFile('../x'), { code: 'SKL_ERR_PATH_ESCAPE' });
    const kept = folder();
    await call.keep(kept, 'empty');
    await assert.rejects(call.keep(kept), { code: 'SKL_ERR_ALREADY_EXISTS' });
    assert.deepEqual(readdirSync(kept), ['empty']);
    await call.keep(kept, 'out.bin');
    assert.equal(readFileSync(join(kept, 'out.bin')).length, 256);
    call.close();
});

test('a failing script rejects nothing', async () => {
    const engine = await open(writeSkill('fails', "import sys\nprint('half')\nsys.exit('no way')\n"));
    const { status, exit_code, text, stderr, output } = await engine.execute('fails');
    assert.deepEqual(
        { status, exit_code, text, stderr, output },
        { status: 'ok', exit_code: 1, text: 'half\n', stderr: 'no way\n', output: null },
    );
});

test('much output both ways, with standard input closed early', async () => {
    const script = "import sys\nsys.stdin.close()\nprint('x' * 3_000_000)\nprint('y' * 3_000_000, file=sys.stderr)\n";
    const engine = await open(writeSkill('chatty', script));
    const result = await engine.execute('chatty', { text: 'z'.repeat(500_000) });
    assert.equal(result.status, 'ok');
    assert.equal(result.limit, 'output');
    assert.deepEqual([result.truncated.stdout, result.truncated.stderr], [true, true]);
    assert.deepEqual(result.total_bytes, { stdout: 3_000_001, stderr: 3_000_001 });
    assert.ok(result.text.length < 2_000_000);
});

test('large arguments and answers', async () => {
    const engine = await open(writeSkill('echo', 'import sys\nsys.stdout.write(sys.stdin.read())\n'));
    const args = { text: 'ä'.repeat(300_000) };
    assert.deepEqual((await engine.execute('echo', args)).output, args);
});

test('a timeout ends the run', async () => {
    const engine = await sleeper();
    for (const result of [
        await engine.execute('sleeper', {}, { timeoutMs: 200 }),
        engine.executeSync('sleeper', {}, { timeoutMs: 200 }),
    ]) {
        assert.deepEqual([result.status, result.limit, result.exit_code], ['timeout', 'wall', null]);
    }
    await assert.rejects(engine.execute('sleeper', {}, { timeoutMs: 1000, limits: { wall_ms: 1000 } }), /say the same/);
});

test('a started call', async () => {
    const engine = await open();
    const call = await engine.call('calculator', MULTIPLY);
    const [first, second] = await Promise.all([call.result(), call.result()]);
    assert.equal(first, second);
    assert.equal(first.output.result, 405);
    assert.equal(await call.result(0), first);
    assert.equal(await call.result(1000), first);
    call.cancel();
    assert.equal(await call.result(), first);
    call.close();
    call.close();
});

test('waiting may end before the call', async () => {
    const engine = await sleeper();
    const call = await engine.call('sleeper');
    for (const timeoutMs of [0, 30, -1])
        await assert.rejects(call.result(timeoutMs), { code: 'SKL_ERR_WAIT_TIMEOUT', status: 400 });
    const waiting = [call.result(), call.result(30).catch((error) => error.code), call.result(60_000)];
    assert.equal(await waiting[1], 'SKL_ERR_WAIT_TIMEOUT');
    call.cancel();
    call.cancel();
    assert.equal((await waiting[0]).status, 'cancelled');
    assert.equal(await waiting[2], await waiting[0]);
    call.close();
});

test('closing a call that somebody waits for', async () => {
    const engine = await sleeper();
    const call = await engine.call('sleeper');
    const waiting = call.result();
    call.close();
    assert.equal((await waiting).status, 'cancelled');
});

test('use after close', async () => {
    const engine = await open();
    const call = await engine.call('calculator', MULTIPLY);
    call.close();
    call.close();
    const closed = { name: 'SkillliteError', code: 'SKL_ERR_CLOSED', status: 402 };
    await assert.rejects(call.result(), closed);
    await assert.rejects(call.readFile('x'), closed);
    await assert.rejects(call.keep('/'), closed);
    assert.throws(() => call.cancel(), closed);
    await Promise.all([engine.close(), engine.close()]);
    await engine.close();
    engine[Symbol.dispose]();
    for (const use of [
        () => engine.tools(),
        () => engine.skills(),
        () => engine.remove('x'),
        () => engine.executeSync('calculator'),
    ]) {
        assert.throws(use, closed);
    }
    for (const use of [
        engine.execute('calculator', MULTIPLY),
        engine.load(SKILLS),
        engine.reload(),
        engine.handle('openai', {}),
    ]) {
        await assert.rejects(use, closed);
    }
});

test('closing the engine ends its calls, whose results stay', async () => {
    const engine = await sleeper();
    const calls = await Promise.all([engine.call('sleeper'), engine.call('sleeper')]);
    const waiting = calls[0].result();
    await engine.close();
    assert.equal((await waiting).status, 'cancelled');
    assert.equal((await calls[1].result()).status, 'cancelled');
    for (const call of calls) call.close();
});

test('closing the engine while calls start', async () => {
    const engine = await open();
    const calls = Array.from({ length: 20 }, () =>
        engine.execute('calculator', MULTIPLY).then(
            ({ status }) => status,
            ({ code }) => code,
        ),
    );
    await engine.close();
    for (const ended of await Promise.all(calls)) assert.ok(['ok', 'cancelled', 'SKL_ERR_CLOSED'].includes(ended), ended);
});

test('disposal', async () => {
    const engine = await Engine.open(writeSkill('sleeper', 'import signal\nsignal.pause()\n'));
    const call = await engine.call('sleeper');
    const other = await engine.call('sleeper');
    call[Symbol.dispose]();
    await assert.rejects(call.result(), { code: 'SKL_ERR_CLOSED' });
    await other[Symbol.asyncDispose]();
    await engine[Symbol.asyncDispose]();
    const second = new Engine();
    second[Symbol.dispose]();
    assert.throws(() => second.skills(), { code: 'SKL_ERR_CLOSED' });
});

test('engines and calls that are dropped are collected', async () => {
    const skills = writeSkill('hello', "print('hello')\n");
    const result = await (async () => {
        let engine = await Engine.open(skills);
        const call = await engine.call('hello');
        engine = undefined;
        return call.result();
    })();
    assert.equal(result.text, 'hello\n'); // and everyHandleIsFreed looks whether the garbage collector freed both
});

const refused = [
    ['an unknown tool', (engine) => engine.call('nope'), 'SKL_ERR_TOOL_NOT_FOUND', 200, /no tool 'nope'/],
    [
        'arguments that do not fit',
        (engine) => engine.call('calculator', { operation: 'multiply', a: 'x', b: 1 }),
        'SKL_ERR_INVALID_ARGUMENTS',
        201,
        /a/,
    ],
    ['arguments that are no JSON', (engine) => engine.call('calculator', '{'), 'SKL_ERR_INVALID_JSON', 3, /./],
    ['arguments that are no object', (engine) => engine.call('calculator', '[]'), 'SKL_ERR_INVALID_ARGUMENTS', 201, /object/],
    ['an unknown option', (engine) => engine.call('calculator', MULTIPLY, { colour: 1 }), 'SKL_ERR_INVALID_CONFIG', 4, /colour/],
    [
        'a wider limit',
        (engine) => engine.call('calculator', MULTIPLY, { limits: { wall_ms: 60_000 } }),
        'SKL_ERR_POLICY_WIDENED',
        305,
        /wall_ms/,
    ],
    ['a NUL in a name', (engine) => engine.call('cal\0culator'), 'SKL_ERR_INVALID_UTF8', 2, /./],
    ['a folder that is not there', (engine) => engine.load('/no/such/folder'), 'SKL_ERR_SKILL_DIRECTORY', 100, /no.such.folder/],
    ['an unknown dialect', async (engine) => engine.tools('klingon'), 'SKL_ERR_UNKNOWN_DIALECT', 202, /klingon/],
    ['an unknown skill', async (engine) => engine.instructions('nope'), 'SKL_ERR_SKILL_NOT_FOUND', 101, /nope/],
];
for (const [name, use, code, status, message] of refused) {
    test(`refused: ${name}`, async () => {
        const engine = await open();
        await assert.rejects(use(engine), (error) => {
            assert.ok(error instanceof SkillliteError);
            assert.ok(error instanceof Error);
            assert.deepEqual([error.name, error.code, error.status], ['SkillliteError', code, status]);
            assert.match(error.message, message);
            assert.match(error.stack, /SkillliteError: /);
            return true;
        });
    });
}

test('a config that is refused', () => {
    assert.throws(() => new Engine({ polcy: {} }), { code: 'SKL_ERR_INVALID_CONFIG', message: /polcy/ });
    assert.throws(() => new Engine('{"policy":'), { code: 'SKL_ERR_INVALID_JSON' });
    assert.throws(() => new Engine(() => {}), TypeError);
});

test('a skill that changed on disk does not run', async () => {
    const skills = writeSkill('hello', "print('hello')\n");
    const engine = await open(skills);
    writeFileSync(join(skills, 'hello', 'scripts', 'main.py'), "print('other')\n");
    await assert.rejects(engine.execute('hello'), { code: 'SKL_ERR_SKILL_CHANGED' });
    await engine.load(skills);
    assert.equal((await engine.execute('hello')).text, 'other\n');
    mkdirSync(join(skills, 'empty'));
});
