/* The agent with a model that says what each test wants, and once over HTTP. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import test from 'node:test';

import { Agent } from 'skilllite';
import { MULTIPLY, atEnd, eventually, everyHandleIsFreed, gc, live, open, sleeper, writeSkill } from './support.mjs';

everyHandleIsFreed();

const answer = (content) => ({ choices: [{ message: { role: 'assistant', content }, finish_reason: 'stop' }] });
const calls = (...wanted) => {
    const tool_calls = wanted.map(([id, name, args]) => ({
        id,
        type: 'function',
        function: { name, arguments: JSON.stringify(args) },
    }));
    return { choices: [{ message: { role: 'assistant', content: null, tool_calls }, finish_reason: 'tool_calls' }] };
};

function start(engine, config, options) {
    const agent = new Agent(engine, { dialect: 'openai', ...config }, options);
    atEnd(() => agent.close());
    return agent;
}

const FORMS = {
    object: (agent, response) => agent.feed(response),
    text: (agent, response) => agent.feed(JSON.stringify(response)),
    bytes: (agent, response) => agent.feed(Buffer.from(JSON.stringify(response))),
    pieces: (agent, response) => {
        for (const byte of Buffer.from(JSON.stringify(response))) agent.feed(Uint8Array.of(byte), false);
        agent.feed();
    },
    events: (agent, { choices: [{ message, finish_reason }] }) => {
        const delta = { ...message, tool_calls: message.tool_calls?.map((call, index) => ({ index, ...call })) };
        agent.feed({ choices: [{ index: 0, delta }] }, false);
        agent.feed({ choices: [{ index: 0, delta: {}, finish_reason }] }, false);
        agent.feed();
    },
};
for (const [form, say] of Object.entries(FORMS)) {
    test(`a turn, with responses as ${form}`, async () => {
        const engine = await open();
        const seen = [];
        const agent = start(
            engine,
            { model: 'm', system: 'Be brief.', request: { temperature: 0 } },
            { onEvent: ({ event }) => seen.push(event) },
        );
        assert.deepEqual(await agent.next(), { step: 'ask' });
        agent.ask('What is 15 times 27?');
        const first = await agent.next();
        assert.deepEqual(
            [first.step, first.path, first.body.temperature, first.is_last],
            ['request', '/chat/completions', 0, false],
        );
        say(agent, calls(['i', 'calculator', MULTIPLY]));
        const second = await agent.next();
        assert.match(second.body.messages.at(-1).content, /405/);
        say(agent, answer('405.'));
        const last = await agent.next();
        assert.deepEqual([last.step, last.text, last.iterations], ['answer', '405.', 2]);
        assert.deepEqual(seen.slice(0, 3), ['iteration', 'call_started', 'call_finished']);
        assert.equal(seen.includes('answer_delta'), form === 'events');
        assert.deepEqual(agent.events(), []);
        const again = start(engine, { messages: agent.transcript() });
        assert.equal((await again.next()).text, '405.');
    });
}

test('approval', async () => {
    const agent = start(await open(), { approval: 'ask' });
    agent.ask('Go.', { messages: [{ role: 'user', content: 'First.' }] });
    assert.equal((await agent.next()).body.messages.length, 3);
    agent.feed(calls(['yes', 'calculator', MULTIPLY], ['no', 'calculator', MULTIPLY]));
    const step = await agent.next();
    assert.deepEqual([step.step, step.calls.map(({ call_id }) => call_id)], ['approval', ['yes', 'no']]);
    assert.throws(() => agent.approve('other'), { code: 'SKL_ERR_OUT_OF_TURN', message: /yes/ });
    agent.approve('yes');
    agent.deny('no', 'not today');
    const [yes, no] = (await agent.next()).body.messages.slice(-2);
    assert.match(yes.content, /405/);
    assert.match(no.content, /not today/);
});

test('waiting ends before the calls do, and a cancel ends them', async () => {
    const agent = start(await sleeper());
    agent.ask('Go.');
    await agent.next();
    agent.feed(calls(['a', 'sleeper', {}]));
    for (const timeoutMs of [0, 30]) assert.equal((await agent.next(timeoutMs)).step, 'running');
    const waiting = agent.next();
    agent.cancel();
    agent.cancel();
    const { step, reason } = await waiting;
    assert.deepEqual([step, reason], ['stopped', 'cancelled']);
});

test('a signal ends its turn, and no other', async () => {
    const agent = start(await sleeper());
    assert.throws(() => agent.ask('Go.', { signal: AbortSignal.abort() }), { name: 'AbortError' });
    const [first, second] = [new AbortController(), new AbortController()];
    agent.ask('Go.', { signal: first.signal });
    await agent.next();
    agent.feed(answer('Done.'));
    assert.equal((await agent.next()).step, 'answer');
    agent.ask('And now?', { signal: second.signal });
    await agent.next();
    agent.feed(calls(['a', 'sleeper', {}]));
    first.abort();
    assert.equal((await agent.next(20)).step, 'running');
    setTimeout(() => second.abort(), 20);
    assert.equal((await agent.next()).reason, 'cancelled');
});

test('output comes as an event while the script runs', async () => {
    const engine = await open(writeSkill('talker', "import signal\nprint('hello', flush=True)\nsignal.pause()\n"));
    let said = '';
    const agent = start(
        engine,
        { call_options: { stream: true } },
        {
            onEvent: ({ event, text }) => {
                if (event !== 'output') return;
                said += text;
                if (said === 'hello\n') agent.cancel();
            },
        },
    );
    agent.ask('Go.');
    await agent.next();
    agent.feed(calls(['a', 'talker', {}]));
    assert.equal((await agent.next()).reason, 'cancelled');
    assert.equal(said, 'hello\n');
});

test('what is refused', async () => {
    const engine = await open();
    assert.throws(() => new Agent(engine, { dialect: 'klingon' }), { code: 'SKL_ERR_UNKNOWN_DIALECT' });
    assert.throws(() => new Agent(engine, { dialect: 'openai', tools: ['nope'] }), { code: 'SKL_ERR_TOOL_NOT_FOUND' });
    const agent = start(engine);
    assert.throws(() => agent.feed(answer('x')), { code: 'SKL_ERR_OUT_OF_TURN' });
    agent.ask('Go.');
    assert.throws(() => agent.ask('Go.'), { code: 'SKL_ERR_OUT_OF_TURN' });
    const request = await agent.next();
    assert.throws(() => agent.feed('<html>'), { code: 'SKL_ERR_INVALID_RESPONSE' });
    assert.deepEqual(await agent.next(), request);
});

test('life: closed while it waits, closed after its engine, dropped', async () => {
    const engine = await sleeper();
    const waits = start(engine);
    waits.ask('Go.');
    await waits.next();
    waits.feed(calls(['a', 'sleeper', {}]));
    const waiting = waits.next();
    waits.close();
    waits.close();
    assert.equal((await waiting).step, 'stopped');
    await assert.rejects(waits.next(), { code: 'SKL_ERR_CLOSED' });
    const late = start(engine);
    (() => void new Agent(engine, { dialect: 'openai' }).ask('Go.', { signal: new AbortController().signal }))();
    await eventually(
        () => (gc(), live().agent === 1),
        () => JSON.stringify(live()),
    );
    await engine.close();
    assert.throws(() => new Agent(engine, { dialect: 'openai' }), { code: 'SKL_ERR_CLOSED' });
    late[Symbol.dispose]();
});

test('over HTTP', async () => {
    const says = [calls(['a', 'calculator', MULTIPLY]), answer('It is 405.')];
    const asked = [];
    const server = createServer(async (request, response) => {
        const body = [];
        for await (const chunk of request) body.push(chunk);
        asked.push([request.url, JSON.parse(Buffer.concat(body)).messages.length]);
        response.end(JSON.stringify(says.shift()));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const agent = start(await open(), { model: 'm' });
    agent.ask('What is 15 times 27?');
    let step = await agent.next();
    while (step.step === 'request') {
        const url = `http://127.0.0.1:${server.address().port}/v1${step.path}`;
        agent.feed(await (await fetch(url, { method: 'POST', body: JSON.stringify(step.body) })).text());
        step = await agent.next();
    }
    assert.equal(step.text, 'It is 405.');
    assert.deepEqual(asked, [
        ['/v1/chat/completions', 2],
        ['/v1/chat/completions', 4],
    ]);
    server.closeAllConnections();
    server.close();
});
