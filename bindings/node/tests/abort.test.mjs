/* AbortSignal: before, during and after a call, and with many calls on one signal. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'node:test';

import { MULTIPLY, eventually, everyHandleIsFreed, gc, live, open, sleeper } from './support.mjs';

everyHandleIsFreed();

test('before: nothing starts', async () => {
    const engine = await open();
    const reason = new Error('no');
    for (const start of ['call', 'execute']) {
        await assert.rejects(
            engine[start]('calculator', MULTIPLY, { signal: AbortSignal.abort(reason) }),
            (error) => error === reason,
        );
    }
    assert.deepEqual(live(), { engine: 1 });
});

test('while it starts', async () => {
    const engine = await sleeper();
    const controller = new AbortController();
    const executing = engine.execute('sleeper', {}, { signal: controller.signal });
    controller.abort();
    await assert.rejects(executing, { name: 'AbortError' });
});

test('during: the call is cancelled and the reason is the signal’s', async () => {
    const engine = await sleeper();
    const controller = new AbortController();
    const call = await engine.call('sleeper', {}, { signal: controller.signal });
    const waiting = [call.result(), call.result()];
    const reason = { mine: true };
    controller.abort(reason);
    for (const result of [...waiting, call.result()]) await assert.rejects(result, (error) => error === reason);
    call.close();
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('after: the result stands', async () => {
    const engine = await open();
    const controller = new AbortController();
    const call = await engine.call('calculator', MULTIPLY, { signal: controller.signal });
    const result = await call.result();
    controller.abort();
    assert.equal(await call.result(), result);
    assert.equal(result.output.result, 405);
    call.close();
    controller.abort();
});

test('a signal that times out', async () => {
    const engine = await sleeper();
    await assert.rejects(engine.execute('sleeper', {}, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
});

test('the library’s own timeout is a result, also with a signal', async () => {
    const engine = await sleeper();
    const result = await engine.execute('sleeper', {}, { timeoutMs: 100, signal: new AbortController().signal });
    assert.equal(result.status, 'timeout');
});

test('64 calls on one signal', async (t) => {
    const engine = await sleeper({ max_running: 4 });
    const warnings = [];
    const note = (warning) => warnings.push(warning);
    process.on('warning', note);
    t.after(() => process.off('warning', note));
    const controller = new AbortController();
    const calls = Array.from({ length: 64 }, () => engine.execute('sleeper', {}, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 30);
    for (const ended of await Promise.allSettled(calls)) assert.equal(ended.reason?.name, 'AbortError');
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    assert.deepEqual(warnings, []);
});

test('a signal does not keep a dropped call', async () => {
    const engine = await sleeper();
    const controller = new AbortController();
    await (async () => void (await engine.call('sleeper', {}, { signal: controller.signal })))();
    await eventually(() => (gc(), !live().call), 'the call is still there');
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    controller.abort();
});
