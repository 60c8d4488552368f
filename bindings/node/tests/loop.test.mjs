/* The event loop and libuv's threads stay free while scripts run. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { everyHandleIsFreed, footprint, open, sleeper, writeSkill } from './support.mjs';

everyHandleIsFreed();

const middle = (list) => list.sort((left, right) => left - right)[list.length >> 1];

/** The median time of reading a file, which a thread of libuv does, in milliseconds. */
async function fileLatency() {
    const times = [];
    for (let read = 0; read < 200; read++) {
        const start = performance.now();
        await readFile(new URL(import.meta.url));
        times.push(performance.now() - start);
    }
    return middle(times);
}

const asked = {
    choices: [
        {
            message: {
                role: 'assistant',
                tool_calls: [{ id: 'a', type: 'function', function: { name: 'sleeper', arguments: '{}' } }],
            },
        },
    ],
};

for (const [name, start] of [
    ['64 calls', (engine) => engine.execute('sleeper').catch(() => {})],
    ['16 responses', (engine, number) => (number < 16 ? engine.handle('openai', asked).catch(() => {}) : undefined)],
]) {
    test(`files are read as fast while ${name} run`, async (t) => {
        const engine = await sleeper({ max_running: 64, policy: { limits: { pids: 8 } } });
        await fileLatency();
        const before = await fileLatency();
        const running = Array.from({ length: 64 }, (_, number) => start(engine, number));
        await sleep(2000); // until the machine has started the interpreters
        const during = await fileLatency();
        const { threads } = footprint();
        await engine.close();
        await Promise.all(running);
        const after = await fileLatency();
        t.diagnostic(
            `${before.toFixed(3)} ms before, ${during.toFixed(3)} ms during, ${after.toFixed(3)} ms after; ${threads} threads`,
        );
        // A starved pool makes this a thousand times longer.
        assert.ok(during < 5 * Math.max(before, after, 0.1), `${before} ms, then ${during} ms`);
        assert.ok(threads < 24, `${threads} threads`);
    });
}

test('a call that leaves large files does not stall the loop', async (t) => {
    const engine = await open(writeSkill('big', "open('big.bin', 'wb').write(bytes(200_000_000))\n"));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    for (let call = 0; call < 2; call++) {
        delay.enable();
        const result = await engine.execute('big');
        delay.disable();
        assert.equal(result.files[0].size, 200_000_000);
    }
    await sleep(200); // the release of the second call
    t.diagnostic(`the longest delay was ${(delay.max / 1e6).toFixed(1)} ms`);
    // Hashing takes 200 ms on the machine that this was written on.
    assert.ok(delay.max / 1e6 < 100, `${delay.max / 1e6} ms`);
});

test('timers run while a call runs', async () => {
    const engine = await sleeper();
    const controller = new AbortController();
    const running = engine.execute('sleeper', {}, { signal: controller.signal });
    for (let tick = 0; tick < 50; tick++) await sleep(1);
    controller.abort();
    await assert.rejects(running, { name: 'AbortError' });
});

test('continuations run at once', async () => {
    // The end of a call arrives in a callback that runs no microtasks by itself.
    const engine = await open(writeSkill('hello', "print('hello')\n"));
    for (let call = 0; call < 5; call++) {
        const started = await engine.call('hello');
        await started.result();
        const start = performance.now();
        await new Promise((resolve) => process.nextTick(resolve));
        assert.ok(performance.now() - start < 1000);
        started.close();
    }
});
