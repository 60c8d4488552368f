/* The binding as a guest in its process: signals, children, directories, output and the end of the process. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';

import {
    MULTIPLY,
    PACKAGE,
    SKILLS,
    eventually,
    everyHandleIsFreed,
    open,
    program,
    runs,
    sleeper,
    writeSkill,
} from './support.mjs';

everyHandleIsFreed();
const OPEN = "import { Engine } from 'skilllite';\nconst engine = await Engine.open(process.argv[1]);\n";
const SLEEPER = 'import signal\nsignal.pause()\n';

/** What of this process the library must leave as it is. */
function state() {
    const kept = /^(Umask|Sig(Blk|Ign|Cgt)|NoNewPrivs|Seccomp|Cap\w+|[UG]id|Groups):.*$/gm;
    return {
        status: readFileSync('/proc/self/status', 'utf8').match(kept),
        limits: readFileSync('/proc/self/limits', 'utf8'),
        mounts: readFileSync('/proc/self/mountinfo', 'utf8').replace(/\/\S*skilllite\S*/g, ''),
        cwd: process.cwd(),
        umask: process.umask(),
        env: { ...process.env },
    };
}

test('signals, limits, folder, umask and environment stay as they are', async () => {
    const before = state();
    const engine = await open();
    const calls = Array.from({ length: 50 }, (_, b) => engine.execute('calculator', { ...MULTIPLY, b }));
    assert.deepEqual(state(), before);
    assert.deepEqual(
        (await Promise.all(calls)).map(({ output }) => output.result),
        Array.from({ length: 50 }, (_, b) => 15 * b),
    );
    assert.deepEqual(state(), before);
});

test('the host has children of its own while 50 calls run', async () => {
    const engine = await open();
    const seen = [];
    process.on('SIGCHLD', () => seen.push('SIGCHLD'));
    const calls = Array.from({ length: 50 }, () => engine.execute('calculator', MULTIPLY));
    const own = Array.from({ length: 30 }, (_, code) =>
        promisify(execFile)('sh', ['-c', `exit ${code}`]).catch((error) => error.code),
    );
    const codes = (await Promise.all(own)).map((ended) => (typeof ended === 'number' ? ended : 0));
    assert.deepEqual(
        codes,
        Array.from({ length: 30 }, (_, code) => code),
    );
    for (const { output } of await Promise.all(calls)) assert.equal(output.result, 405);
    // Signals of the host's own children may still be on their way; calls have none.
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen.length = 0;
    for (let call = 0; call < 10; call++) assert.equal((await engine.execute('calculator', MULTIPLY)).output.result, 405);
    assert.deepEqual(seen, []);
    process.removeAllListeners('SIGCHLD');
});

test('a host that ignores the end of its children', async () => {
    const code = `${OPEN}console.log((await engine.execute('hello')).text.trim());\nawait engine.close();`;
    const skills = writeSkill('hello', "print('hello')\n");
    const shell = ['-c', `trap '' CHLD; exec "$0" --input-type=module --eval "$@"`, process.execPath, code, skills];
    assert.deepEqual(await program(undefined, shell, { command: 'sh' }), {
        stdout: 'hello\n',
        stderr: '',
        code: 0,
        signal: null,
    });
});

test('somebody who takes the status of every child finds none of the library’s', async () => {
    // In a process without children of its own.
    const code = `import { createRequire } from 'node:module';
${OPEN}
const koffi = createRequire(${JSON.stringify(`${PACKAGE}/`)})('koffi');
const libc = koffi.load('libc.so.6');
const waitpid = libc.func('int waitpid(int, void *, int)');
const found = [];
const [WNOHANG, WALL] = [1, 0x40000000];
const look = (more = 0) => { const pid = waitpid(-1, null, WNOHANG | more); if (pid !== -1) found.push(pid); };
const watching = setInterval(() => look(), 1);
for (let call = 0; call < 10; call++) if ((await engine.execute('hello')).exit_code !== 0) found.push('failed');
clearInterval(watching);
look(WALL);
await engine.close();
look(WALL);
console.log(JSON.stringify(found));`;
    assert.deepEqual(await program(code, [writeSkill('hello', "print('hello')\n")]), {
        stdout: '[]\n',
        stderr: '',
        code: 0,
        signal: null,
    });
});

test('a host without standard descriptors', async () => {
    const skills = writeSkill('hello', "import sys\nprint('hello', sys.stdin.read())\nprint('no', file=sys.stderr)\n");
    const code = `import { closeSync, writeFileSync } from 'node:fs';
for (const fd of [0, 1, 2]) closeSync(fd);
${OPEN}
const texts = [];
for (let call = 0; call < 3; call++) texts.push((await engine.execute('hello', { call })).text);
await engine.close();
writeFileSync(process.argv[1] + '/told', JSON.stringify(texts));
process.exit(0);`;
    assert.equal((await program(code, [skills])).code, 0);
    assert.deepEqual(
        JSON.parse(readFileSync(join(skills, 'told'), 'utf8')),
        [0, 1, 2].map((call) => `hello {"call":${call}}\n`),
    );
});

test('the library’s processes are no children of the host', async () => {
    const engine = await sleeper();
    const call = await engine.call('sleeper');
    const children = readdirSync('/proc/self/task').flatMap((task) =>
        readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    assert.deepEqual(children, []);
    call.close();
});

test('children of the host get nothing of the library', async () => {
    const engine = await sleeper();
    const call = await engine.call('sleeper');
    void call.result();
    const list = ['-e', "console.log(require('fs').readdirSync('/proc/self/fd').length)"];
    const during = await program(undefined, list);
    call.close();
    await engine.close();
    assert.deepEqual(during, await program(undefined, list));
});

test('nothing is printed, and the process ends by itself', async () => {
    const code = `${OPEN}
await engine.execute('calculator', { operation: 'add', a: 1, b: 2 });
await engine.handle('openai', { choices: [{ message: { role: 'assistant', content: 'x' } }] });
await engine.execute('nope').catch(() => {});
await engine.close();`;
    assert.deepEqual(await program(code, [SKILLS]), { stdout: '', stderr: '', code: 0, signal: null });
});

for (const [name, end] of Object.entries({
    'with everything open': '',
    'with calls that nobody waits for': "await engine.call('NAME');\n",
    'with process.exit while calls run': "engine.execute('NAME'); await engine.call('NAME');\nprocess.exit(0);\n",
    'with process.exit while a response is answered':
        "engine.handle('openai', { choices: [{ message: { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'NAME', arguments: '{}' } }] } }] });\nsetTimeout(() => process.exit(0), 400);\n",
    'with an exception while calls run':
        "process.once('uncaughtException', () => process.exit(0));\nengine.execute('NAME').catch(() => {});\nsetTimeout(() => { throw new Error('x'); }, 50);\n",
})) {
    test(`the process ends ${name}`, async () => {
        const word = `sleeper-${process.pid}-${name.length}`;
        const skills = writeSkill(word, SLEEPER);
        const before = performance.now();
        const ended = await program(OPEN + end.replaceAll('NAME', word), [skills]);
        assert.deepEqual(ended, { stdout: '', stderr: '', code: 0, signal: null });
        // Long before the wall limit of 30 s.
        assert.ok(performance.now() - before < 10_000);
        await eventually(() => !runs(`${word}/scripts`) && !runs(skills), 'the script is still there');
    });
}

test('a killed host leaves no script', async () => {
    const skills = writeSkill('orphan', `import subprocess, sys, time\nsubprocess.run(['sleep', '86399'])\n`);
    const ended = await program(`${OPEN}engine.execute('orphan');\nsetTimeout(() => console.log('ready'), 800);`, [skills], {
        onStdout: (_, child) => {
            if (runs('86399')) child.kill('SIGKILL');
            else setTimeout(() => child.kill('SIGKILL'), 500);
        },
    });
    assert.equal(ended.signal, 'SIGKILL');
    await eventually(() => !runs('86399'), 'the script is still there');
});

test('a timeout ends what detached itself', async () => {
    const mark = `${86_000 + (process.pid % 1000)}.25`;
    const script = `setsid sh -c 'sleep ${mark}' &\n(sleep ${mark} &)\nexec sleep ${mark}\n`;
    const engine = await open(writeSkill('family', script, 'bash'));
    const running = engine.execute('family', {}, { timeoutMs: 1500 });
    await eventually(() => runs(`sleep\0${mark}`), 'the script does not run');
    assert.equal((await running).status, 'timeout');
    await eventually(() => !runs(`sleep\0${mark}`), 'something of the script is still there');
});

test('SIGINT reaches the host and not the script', async () => {
    const skills = writeSkill('patient', "import time\ntime.sleep(0.5)\nprint('done')\n");
    const code = `${OPEN}process.once('SIGINT', () => console.log('interrupted'));
const running = engine.execute('patient');
process.kill(process.pid, 'SIGINT');
console.log((await running).text.trim());
await engine.close();`;
    assert.equal((await program(code, [skills])).stdout, 'interrupted\ndone\n');
});

test('without a descriptor left, calls still end', async () => {
    const code = `import { openSync, closeSync } from 'node:fs';
${OPEN}
const first = await engine.execute('hello');
const call = await engine.call('sleeper');
const taken = [];
try { for (;;) taken.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
await call.result(60).catch((error) => console.log(error.code));
setTimeout(() => call.cancel(), 60);
console.log((await call.result()).status);
taken.forEach((fd) => closeSync(fd));
await engine.close();`;
    const skills = writeSkill('hello', "print('hello')\n");
    const both = [skills, writeSkill('sleeper', SLEEPER)];
    const ended = await program(
        undefined,
        [
            '-c',
            'ulimit -n 64; exec "$0" --input-type=module --eval "$@"',
            process.execPath,
            code.replace('Engine.open(process.argv[1])', 'Engine.open(process.argv.slice(1))'),
            ...both,
        ],
        { command: 'sh' },
    );
    assert.equal(ended.stderr, '');
    assert.equal(ended.stdout, 'EMFILE\nSKL_ERR_WAIT_TIMEOUT\ncancelled\n');
});
