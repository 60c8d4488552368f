/* Thousands of calls leave the process as it was: descriptors, threads, memory. SKILLLITE_NODE_CALLS says how many. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { Engine } from 'skilllite';
import { eventually, everyHandleIsFreed, footprint, gc, live, open, residentBytes, sleeper, writeSkill } from './support.mjs';

everyHandleIsFreed();
const CALLS = Number(process.env.SKILLLITE_NODE_CALLS ?? 10_000);

async function settled() {
    for (let round = 0; round < 3; round++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { ...footprint(), memory: residentBytes() };
}

test(`${CALLS} calls`, async (t) => {
    const engine = await open(writeSkill('true', '#!/bin/sh\n:\n', 'bash'));
    const run = async (count) => {
        let left = count;
        // Eight at once, as a server would.
        await Promise.all(
            Array.from({ length: 8 }, async () => {
                while (left-- > 0) assert.equal((await engine.execute('true')).exit_code, 0);
            }),
        );
    };
    await run(Math.min(400, CALLS));
    const before = await settled();
    const start = performance.now();
    await run(CALLS);
    const perCall = (performance.now() - start) / CALLS;
    const after = await settled();
    t.diagnostic(`${perCall.toFixed(2)} ms a call; ${((after.memory - before.memory) / 1024).toFixed(0)} KiB more`);
    assert.deepEqual([after.fds, after.threads], [before.fds, before.threads]);
    assert.ok(after.memory - before.memory < 8 << 20, `${after.memory - before.memory} bytes more`);
    assert.deepEqual(live(), { engine: 1 });
});

test('what the library gives is freed once it is read', async () => {
    const skills = writeSkill('large', 'print(1)\n');
    writeFileSync(join(skills, 'large', 'large.bin'), Buffer.alloc(1 << 20, 'x'));
    const engine = await open(skills);
    const run = async (count) => {
        for (let read = 0; read < count; read++) assert.equal((await engine.readResource('large', 'large.bin')).length, 1 << 20);
    };
    await run(20);
    const before = await settled();
    await run(200);
    const { memory } = await settled();
    assert.ok(memory - before.memory < 64 << 20, `${memory - before.memory} bytes more`);
});

test('200 calls at once', async () => {
    const engine = await open(undefined, { max_running: 200 });
    await engine.execute('calculator', { operation: 'add', a: 1, b: 1 });
    const { threads } = footprint();
    const calls = Array.from({ length: 200 }, (_, b) => engine.execute('calculator', { operation: 'multiply', a: 15, b }));
    await Promise.race(calls);
    assert.ok(footprint().threads <= threads + 4, `${footprint().threads} threads were ${threads}`);
    for (const [index, { output }] of (await Promise.all(calls)).entries()) assert.equal(output.result, 15 * index);
});

test('engines come and go, also without being closed', async () => {
    const skills = writeSkill('hello', "print('hello')\n");
    const use = async () => (await (await Engine.open(skills)).execute('hello')).text;
    await use();
    await eventually(() => (gc(), !live().engine), 'the first engine is still there');
    const before = await settled();
    for (let engine = 0; engine < 20; engine++) assert.equal(await use(), 'hello\n');
    await eventually(
        () => (gc(), !live().engine),
        () => `engines: ${live().engine}`,
    );
    await eventually(
        () => footprint().fds <= before.fds && footprint().threads <= before.threads,
        () => JSON.stringify([before, footprint()]),
    );
});

test('a thousand calls that are given up', async () => {
    const engine = await sleeper({ max_running: 4, max_queued: 2000 });
    const before = await settled();
    const controller = new AbortController();
    const calls = Array.from({ length: 1000 }, () => engine.execute('sleeper', {}, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 500);
    for (const ended of await Promise.allSettled(calls)) assert.equal(ended.reason.name, 'AbortError');
    await eventually(
        () => footprint().fds <= before.fds + 4,
        () => JSON.stringify([before, footprint()]),
    );
});
