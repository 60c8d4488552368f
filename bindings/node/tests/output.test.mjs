/* Output while the script runs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { MULTIPLY, eventually, everyHandleIsFreed, footprint, gc, live, open, writeSkill } from './support.mjs';

everyHandleIsFreed();

/** All of both streams, and in how many pieces. */
async function all(call) {
    const read = { stdout: [], stderr: [] };
    for await (const { stream, data } of call.output()) read[stream].push(data);
    return { stdout: Buffer.concat(read.stdout), stderr: Buffer.concat(read.stderr), pieces: read.stdout.length };
}

test('output comes while the script runs, and the result has it all the same', async () => {
    const script = `import signal, sys
for n in range(3):
    print(n, flush=True)
    print('e', n, file=sys.stderr, flush=True)
signal.pause()
`;
    const engine = await open(writeSkill('counter', script));
    const call = await engine.call('counter', {}, { stream: true });
    const seen = { stdout: '', stderr: '' };
    const expected = { stdout: '0\n1\n2\n', stderr: 'e 0\ne 1\ne 2\n' };
    for await (const { stream, data } of call.output()) {
        assert.ok(Buffer.isBuffer(data) && data.length > 0);
        seen[stream] += data;
        if (seen.stdout.length < expected.stdout.length || seen.stderr.length < expected.stderr.length) continue;
        await assert.rejects(call.result(0), { code: 'SKL_ERR_WAIT_TIMEOUT' }); // it does not end by itself
        call.cancel();
    }
    assert.deepEqual(seen, expected);
    const { status, text, stderr } = await call.result();
    assert.deepEqual([status, { stdout: text, stderr }], ['cancelled', seen]);
    call.close();
});

test('much output, faster than it is read', async () => {
    const engine = await open(
        writeSkill(
            'chatty',
            "import sys\nfor n in range(3000):\n    sys.stdout.write('%0999d\\n' % n)\n    sys.stderr.write('x')\n",
        ),
    );
    const call = await engine.call('chatty', {}, { stream: true });
    const read = { stdout: [], stderr: [] };
    for await (const { stream, data } of call.output()) {
        read[stream].push(data);
        if (read.stdout.length % 10 === 1) await sleep(2);
    }
    const lines = Buffer.concat(read.stdout).toString().trimEnd().split('\n');
    assert.deepEqual(
        lines.map(Number),
        Array.from({ length: 3000 }, (_, line) => line),
    );
    assert.equal(Buffer.concat(read.stderr).length, 3000);
    assert.equal((await call.result()).total_bytes.stdout, 3_000_000);
    call.close();
});

test('bytes are as the script wrote them', async () => {
    const engine = await open(writeSkill('raw', 'import sys\nsys.stdout.buffer.write(bytes(range(256)) * 300)\n'));
    const call = await engine.call('raw', {}, { stream: true });
    const { stdout, stderr } = await all(call);
    assert.deepEqual(stdout, Buffer.concat(Array(300).fill(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))));
    assert.equal(stderr.length, 0);
    call.close();
});

test('after the end, and again', async () => {
    const engine = await open();
    const call = await engine.call('calculator', MULTIPLY, { stream: true });
    const result = await call.result();
    assert.equal((await all(call)).stdout.toString(), result.text);
    assert.equal((await all(call)).stdout.length, 0);
    call.close();
    await assert.rejects(all(call), { code: 'SKL_ERR_CLOSED' });
});

test('leaving the loop leaves the rest', async () => {
    const engine = await open(writeSkill('two', "import sys\nsys.stdout.write('x' * 200_000)\nsys.stdout.write('y')\n"));
    const call = await engine.call('two', {}, { stream: true });
    let first = '';
    for await (const { data } of call.output()) {
        first += data;
        break;
    }
    assert.ok(first.length > 0 && first.length < 200_001);
    assert.equal(first + (await all(call)).stdout, `${'x'.repeat(200_000)}y`);
    call.close();
});

test('a call without the option', async () => {
    const engine = await open();
    const call = await engine.call('calculator', MULTIPLY);
    await assert.rejects(all(call), { code: 'SKL_ERR_UNSUPPORTED', message: /stream/ });
    call.close();
});

test('an abort ends the output', async () => {
    const engine = await open(
        writeSkill('endless', "import time\nwhile True:\n    print('tick', flush=True)\n    time.sleep(0.02)\n"),
    );
    const controller = new AbortController();
    const call = await engine.call('endless', {}, { stream: true, signal: controller.signal });
    let ticks = 0;
    for await (const { data } of call.output()) {
        ticks += data.length / 5;
        if (ticks >= 3) controller.abort();
    }
    assert.ok(ticks >= 3);
    await assert.rejects(call.result(), { name: 'AbortError' });
    call.close();
});

test('closing a call that is read ends the reading', async () => {
    const engine = await open(writeSkill('quiet', 'import signal\nsignal.pause()\n'));
    const call = await engine.call('quiet', {}, { stream: true });
    const reading = all(call);
    setTimeout(() => call.close(), 50);
    assert.equal((await reading).stdout.length, 0);
});

test('100 calls that are read leave no descriptors', async () => {
    const engine = await open(writeSkill('hello', '#!/bin/sh\necho hello\n', 'bash'));
    const run = async () => {
        const call = await engine.call('hello', {}, { stream: true });
        assert.equal((await all(call)).stdout.toString(), 'hello\n');
        call.close();
    };
    for (let call = 0; call < 10; call++) await run();
    const before = footprint();
    for (let batch = 0; batch < 20; batch++) await Promise.all([run(), run(), run(), run(), run()]);
    await eventually(
        () => (gc(), footprint().fds <= before.fds),
        () => JSON.stringify([before, footprint()]),
    );
    assert.equal(live().call, undefined);
});
