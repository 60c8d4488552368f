/* Worker threads: each opens engines of its own, side by side, and may end at any time. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { Worker } from 'node:worker_threads';

import { MULTIPLY, SKILLS, eventually, everyHandleIsFreed, footprint, open, program, runs, writeSkill } from './support.mjs';

everyHandleIsFreed();

const PRELUDE = `const { parentPort, workerData } = require('node:worker_threads');
const { Engine } = require('skilllite');
const multiply = { operation: 'multiply', a: 15, b: 27 };
`;

function start(code, data = SKILLS) {
    return new Worker(`${PRELUDE}(async () => {${code}})()`, { eval: true, workerData: data });
}

test('four workers and the main thread at once', async () => {
    const code = `const engine = await Engine.open(workerData);
const results = await Promise.all(Array.from({ length: 10 }, () => engine.execute('calculator', multiply)));
const call = { id: 'a', type: 'function', function: { name: 'calculator', arguments: JSON.stringify(multiply) } };
const [message] = await engine.handle('openai', { choices: [{ message: { role: 'assistant', tool_calls: [call] } }] });
await engine.close();
parentPort.postMessage([results.map(({ output }) => output.result), JSON.parse(message.content).output.result]);`;
    const workers = Array.from({ length: 4 }, () => start(code));
    const exits = workers.map((worker) => once(worker, 'exit'));
    const messages = workers.map((worker) => once(worker, 'message'));
    const engine = await open();
    const own = Array.from({ length: 10 }, () => engine.execute('calculator', MULTIPLY));
    for (const { output } of await Promise.all(own)) assert.equal(output.result, 405);
    for (const [[all, handled]] of await Promise.all(messages)) assert.deepEqual([all, handled], [Array(10).fill(405), 405]);
    for (const [code] of await Promise.all(exits)) assert.equal(code, 0);
});

test('a worker that ends closes what it left open', async () => {
    const word = `left-${process.pid}`;
    const skills = writeSkill(word, 'import signal\nsignal.pause()\n');
    const code = `globalThis.engine = await Engine.open(workerData);
globalThis.call = await globalThis.engine.call('${word}');
parentPort.postMessage('running');`;
    const first = start(code, skills);
    await once(first, 'exit');
    const before = footprint();
    for (let round = 0; round < 5; round++) assert.deepEqual(await once(start(code, skills), 'exit'), [0]);
    await eventually(() => !runs(skills), 'a script is still there');
    await eventually(
        () => footprint().fds <= before.fds && footprint().threads <= before.threads,
        () => JSON.stringify([before, footprint()]),
    );
});

for (const [name, code] of Object.entries({
    'while calls run': "engine.execute('sleeper');",
    'while calls start': "for (let n = 0; n < 50; n++) engine.execute('sleeper');",
    'while output is read':
        "(async () => { const call = await engine.call('sleeper', {}, { stream: true }); for await (const _ of call.output()); })();",
    'while it loads': 'for (let n = 0; n < 100; n++) engine.load(workerData);',
})) {
    test(`terminating a worker ${name} leaves the process intact`, async () => {
        const skills = writeSkill('sleeper', 'import signal\nsignal.pause()\n');
        // In a process of its own, whose end also ends what a terminated worker cannot close.
        const host = `import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { Engine } from 'skilllite';
for (let round = 0; round < 4; round++) {
    const worker = new Worker(${JSON.stringify(`${PRELUDE}(async () => { const engine = await Engine.open(workerData); ${code} parentPort.postMessage('running'); })()`)}, { eval: true, execArgv: [], workerData: process.argv[1] });
    await once(worker, 'message');
    await new Promise((resolve) => setTimeout(resolve, round * 40));
    await worker.terminate();
}
const engine = await Engine.open(${JSON.stringify(SKILLS)});
console.log((await engine.execute('calculator', { operation: 'multiply', a: 15, b: 27 })).output.result);
await engine.close();`;
        assert.deepEqual(await program(host, [skills]), { stdout: '405\n', stderr: '', code: 0, signal: null });
    });
}
