/* Runs the conformance cases through the Node binding. Started by run-conformance; tests/conformance/README.md says what a case
 * is and what a runner does with it. */
import {
    chmodSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    realpathSync,
    rmSync,
    writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

import { Agent, Engine, ResponseStream, Round, SkillliteError, hasFeature, probe, validate, version } from 'skilllite';
import { gc, live } from './support.mjs';

const DEFAULT_CONFIG = { policy: { min_tier: 'landlock' } };
const MIB = 1024 * 1024;

/** A value that does not fit, or a step that did not do as expected. */
class Mismatch extends Error {}

// Patterns

const kind = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
const isObject = (value) => kind(value) === 'object';
const fits = (pattern, value) => misfit(pattern, value) === undefined;

const MATCHERS = {
    $any: () => true,
    $type: (inner, value) => (inner === 'integer' ? Number.isInteger(value) : kind(value) === inner),
    $exact: (inner, value) => isDeepStrictEqual(inner, value),
    $min: (inner, value) => kind(value) === 'number' && value >= inner,
    $max: (inner, value) => kind(value) === 'number' && value <= inner,
    $length: (inner, value) =>
        (typeof value === 'string' ? Buffer.byteLength(value) : Array.isArray(value) ? value.length : -1) === inner,
    $contains: (inner, value) =>
        typeof value === 'string'
            ? typeof inner === 'string' && value.includes(inner)
            : Array.isArray(value) && value.some((item) => fits(inner, item)),
    $regex: (inner, value) => typeof value === 'string' && new RegExp(inner).test(value),
    $not: (inner, value) => !fits(inner, value),
    $one_of: (inner, value) => inner.some((each) => fits(each, value)),
};

/** Why a value does not fit a pattern; nothing if it does. */
function misfit(pattern, value, at = '') {
    const keys = isObject(pattern) ? Object.keys(pattern) : [];
    if (keys.some((key) => key.startsWith('$'))) return first(keys, (key) => misfitOf(key, pattern[key], value, at));
    const here = `at ${at || 'the top'}: ${shown(value)} is not ${shown(pattern)}`;
    if (kind(pattern) !== kind(value)) return here;
    const inside = (key) => (at ? `${at}.${key}` : `${key}`);
    if (isObject(pattern)) {
        return first(keys, (key) => {
            const isThere = Object.hasOwn(value, key);
            if (isDeepStrictEqual(pattern[key], { $absent: true })) return isThere ? `at ${inside(key)}: it is there` : undefined;
            return isThere ? misfit(pattern[key], value[key], inside(key)) : `at ${inside(key)}: it is absent`;
        });
    }
    if (Array.isArray(pattern)) {
        if (pattern.length !== value.length) return here;
        return first([...pattern.keys()], (index) => misfit(pattern[index], value[index], inside(index)));
    }
    return pattern === value ? undefined : here;
}

/** The same for one `$` key. */
function misfitOf(key, inner, value, at) {
    const why = `at ${at || 'the top'}: ${shown(value)} does not fit ${key} ${shown(inner)}`;
    if (key === '$all') return first(inner, (each) => misfit(each, value, at));
    if (key === '$json') {
        try {
            return misfit(inner, JSON.parse(value), `${at}($json)`);
        } catch (error) {
            if (error instanceof Mismatch) throw error;
            return why;
        }
    }
    const matcher = Object.hasOwn(MATCHERS, key) ? MATCHERS[key] : undefined;
    if (!matcher) throw new Mismatch(`no such matcher: ${key}`);
    return matcher(inner, value) ? undefined : why;
}

function first(items, find) {
    for (const item of items) {
        const found = find(item);
        if (found !== undefined) return found;
    }
    return undefined;
}

function shown(value) {
    const text = JSON.stringify(value) ?? 'nothing';
    return text.length < 500 ? text : `${text.slice(0, 500)} ...`;
}

// Cases

const textOf = (content) => (typeof content === 'string' ? content : content.map((line) => `${line}\n`).join(''));

/** A value that is given as a document: its text as it is, or, where there is none, the value's own. */
const document = (value, text) => text ?? (value === undefined ? undefined : JSON.stringify(value));

function octets(data) {
    let text = null;
    try {
        text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    } catch {
        // It is no UTF-8.
    }
    return { size: data.length, text, hex: data.toString('hex') };
}

/** The text as bytes, in pieces. */
function* pieces(text, cut) {
    const data = Buffer.from(text);
    const step = cut || data.length || 1;
    for (let start = 0; start === 0 || start < data.length; start += step) {
        yield { piece: data.subarray(start, start + step), isLast: start + step >= data.length };
    }
}

function replaced(value, folder) {
    if (typeof value === 'string') return value.replaceAll('@DIR@', folder);
    if (Array.isArray(value)) return value.map((item) => replaced(item, folder));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, folder)]));
    return value;
}

/** A call, and what of its output was read and belongs to the other stream. */
class Running {
    left = { stdout: [], stderr: [] };

    constructor(call) {
        this.call = call;
    }

    ended(timeoutMs) {
        return this.call instanceof Round ? this.call.messages(timeoutMs) : this.call.result(timeoutMs);
    }

    async *read(stream) {
        while (this.left[stream].length > 0) yield this.left[stream].shift();
        this.output ??= this.call.output();
        for (;;) {
            const { done, value } = await this.output.next();
            if (done) return;
            if (value.stream === stream) yield value.data;
            else this.left[value.stream].push(value.data);
        }
    }
}

/** One case while it runs: its folder, its engine, its agent, its calls by name, what it saved. */
class Case {
    calls = new Map();
    saved = new Map();

    constructor(written, folder) {
        this.written = replaced(written, folder);
        this.folder = folder;
    }

    async run() {
        for (const [path, content] of Object.entries(this.written.files ?? {})) {
            const given = isObject(content) ? content : { text: content };
            this.put(path, given.text, given.mode ?? '0644');
        }
        const { steps } = this.written;
        const unwritten = [];
        if (steps[0].do !== 'new') {
            unwritten.push({ do: 'new' });
            const skills = join(this.folder, 'skills');
            if (existsSync(skills)) unwritten.push({ do: 'load', dir: skills });
        }
        for (const [index, step] of [...unwritten, ...steps].entries()) {
            try {
                await this.perform(step);
            } catch (error) {
                throw new Mismatch(`(step ${index + 1 - unwritten.length}, ${step.do}): ${error.message}`);
            }
        }
    }

    async perform({ do: name, error, message, save, expect, ...inputs }) {
        const step = Object.hasOwn(STEPS, name) ? STEPS[name] : undefined;
        if (!step) throw new Mismatch('no such step');
        for (const [key, value] of Object.entries(inputs)) {
            if (!step.inputs.includes(key)) throw new Mismatch(`no such input: ${key}`);
            if (isObject(value) && isDeepStrictEqual(Object.keys(value), ['$saved'])) inputs[key] = this.recall(value.$saved);
        }
        let output;
        try {
            output = (await step.perform(this, inputs)) ?? null;
        } catch (caught) {
            if (!(caught instanceof SkillliteError)) throw caught;
            if (caught.code !== error) throw new Mismatch(`${caught.code}: ${caught.message}`);
            const why = message === undefined ? undefined : misfit(message, caught.message, 'message');
            if (why) throw new Mismatch(why);
            return;
        }
        if (error !== undefined) throw new Mismatch(`it is no failure: ${shown(output)}`);
        const why = expect === undefined ? undefined : misfit(expect, output);
        if (why) throw new Mismatch(why);
        if (save !== undefined) this.saved.set(save, output);
    }

    recall(path) {
        const [name, ...rest] = path.split('.');
        if (!this.saved.has(name)) throw new Mismatch(`nothing is saved as ${name}`);
        const value = this.saved.get(name);
        return rest.length > 0 ? value[rest.join('.')] : value;
    }

    call(name = 'call') {
        const running = this.calls.get(name);
        if (!running) throw new Mismatch(`there is no call ${name}`);
        return running;
    }

    put(path, text, mode) {
        const parts = dirname(path).split('/');
        for (const [index] of parts.entries()) {
            const folder = join(this.folder, ...parts.slice(0, index + 1));
            if (existsSync(folder)) continue;
            mkdirSync(folder);
            chmodSync(folder, 0o755);
        }
        writeFileSync(join(this.folder, path), textOf(text));
        chmodSync(join(this.folder, path), Number.parseInt(mode, 8));
    }

    async end() {
        this.agent?.close();
        for (const { call } of this.calls.values()) call.close();
        await this.engine?.close();
    }
}

const step = (inputs, perform) => ({ inputs: inputs.split(' ').filter(Boolean), perform });
const call = (perform, more = '') => {
    const inputs = `tool arguments arguments_text options ${more}`;
    return step(inputs, (run, { tool, arguments: args, arguments_text, options, ...rest }) =>
        perform(run, tool, document(args, arguments_text), options, rest),
    );
};

const STEPS = {
    version: step('', () => version()),
    has_feature: step('name', (_, { name }) => hasFeature(name)),
    probe: step('', () => probe()),
    new: step('config', async (run, { config }) => {
        await run.engine?.close();
        run.engine = undefined;
        run.engine = new Engine(config ?? run.written.config ?? DEFAULT_CONFIG);
    }),
    load: step('dir', (run, { dir }) => run.engine.load(dir)),
    reload: step('', (run) => run.engine.reload()),
    prepare: step('skill', (run, { skill }) => run.engine.prepare(skill)),
    remove: step('skill', (run, { skill }) => run.engine.remove(skill)),
    enable: step('skill is_enabled', (run, { skill, is_enabled }) => run.engine.enable(skill, is_enabled)),
    skills: step('', (run) => run.engine.skills()),
    tools: step('dialect', (run, { dialect }) => run.engine.tools(dialect)),
    instructions: step('skill', (run, { skill }) => run.engine.instructions(skill)),
    resources: step('skill', (run, { skill }) => run.engine.resources(skill)),
    read_resource: step('skill path max_bytes', async (run, { skill, path, max_bytes = MIB }) =>
        octets(await run.engine.readResource(skill, path, max_bytes)),
    ),
    manifest: step('skill', (run, { skill }) => run.engine.manifest(skill)),
    scan: step('skill', (run, { skill }) => run.engine.scan(skill)),
    validate: step('dir', (_, { dir }) => validate(dir)),
    plan: call((run, ...inputs) => run.engine.plan(...inputs.slice(0, 3))),
    execute: call((run, ...inputs) => run.engine.execute(...inputs.slice(0, 3))),
    start: call(async (run, tool, args, options, { call = 'call' }) => {
        run.calls.set(call, new Running(await run.engine.call(tool, args, options)));
    }, 'call'),
    wait: step('call timeout_ms', (run, { call: name, timeout_ms = -1 }) =>
        run.call(name).ended(timeout_ms < 0 ? undefined : timeout_ms),
    ),
    cancel: step('call', (run, { call: name }) => run.call(name).call.cancel()),
    read_file: step('call path max_bytes', async (run, { call: name, path, max_bytes = MIB }) =>
        octets(await run.call(name).call.readFile(path, max_bytes)),
    ),
    keep: step('call path dest', (run, { call: name, path = '', dest }) => run.call(name).call.keep(dest, path)),
    output: step('call stream until', async (run, { call: name, stream = 1, until = '' }) => {
        let read = Buffer.alloc(0);
        for await (const piece of run.call(name).read(stream === 1 ? 'stdout' : 'stderr')) {
            read = Buffer.concat([read, piece]);
            if (until && read.includes(until)) return octets(read);
        }
        if (until) throw new Mismatch(`the stream ended after ${shown(read.toString())}`);
        return octets(read);
    }),
    free: step('call', (run, { call: name = 'call' }) => {
        run.call(name).call.close();
        run.calls.delete(name);
    }),
    handle: step('dialect response response_text options', (run, { dialect, response, response_text, options }) =>
        run.engine.handle(dialect, document(response, response_text), options),
    ),
    respond: step(
        'dialect response response_text options call',
        async (run, { dialect, response, response_text, options, call = 'call' }) => {
            run.calls.set(call, new Running(await run.engine.respond(dialect, document(response, response_text), options)));
        },
    ),
    stream: step('dialect text cut', (_, { dialect, text, cut }) => {
        const stream = new ResponseStream(dialect);
        try {
            for (const { piece } of pieces(textOf(text), cut)) stream.feed(piece);
            return { is_complete: stream.isComplete, response: stream.response() };
        } finally {
            stream.close();
        }
    }),
    agent: step('config', (run, { config }) => {
        run.agent?.close();
        run.agent = undefined;
        run.agent = new Agent(run.engine, config);
    }),
    agent_ask: step('words messages', (run, { words, messages }) => run.agent.ask(words, { messages })),
    agent_next: step('timeout_ms', (run, { timeout_ms = -1 }) => run.agent.next(timeout_ms < 0 ? undefined : timeout_ms)),
    agent_feed: step('response text cut is_end', (run, { response, text = '', cut, is_end = true }) => {
        const body = response === undefined ? textOf(text) : JSON.stringify(response);
        for (const { piece, isLast } of pieces(body, cut)) run.agent.feed(piece, is_end && isLast);
    }),
    agent_approve: step('call_id is_allowed reason', (run, { call_id, is_allowed = true, reason }) =>
        is_allowed ? run.agent.approve(call_id) : run.agent.deny(call_id, reason),
    ),
    agent_events: step('', (run) => run.agent.events()),
    agent_cancel: step('', (run) => run.agent.cancel()),
    agent_transcript: step('', (run) => run.agent.transcript()),
    close: step('', (run) => run.engine.close()),
    write: step('path text mode', (run, { path, text, mode = '0644' }) => run.put(path, text, mode)),
    delete: step('path', (run, { path }) => rmSync(join(run.folder, path), { recursive: true })),
};

/** What a case needs and this host does not have; nothing if it has all. */
async function lacking({ programs = [], features = [], tier, ...unknown }) {
    if (Object.keys(unknown).length > 0) throw new Mismatch(`no such need: ${Object.keys(unknown)}`);
    const folders = (process.env.PATH ?? '').split(':');
    const program = programs.find((name) => !folders.some((folder) => existsSync(join(folder, name))));
    if (program !== undefined) return `${program} is not installed`;
    const feature = features.find((name) => !hasFeature(name));
    if (feature !== undefined) return `the library has no feature ${feature}`;
    const tiers = tier === undefined ? [] : (await probe()).tiers;
    if (tier !== undefined && !tiers.some((found) => found.tier === tier && found.is_available))
        return `this host does not give the tier ${tier}`;
    return undefined;
}

// Leaks

const descriptors = () => readdirSync('/proc/self/fd').length;

/** What is left over; nothing if nothing is. Releases that take their time in the thread pool get some. */
async function leaks(before) {
    let left;
    for (let round = 0; round < 200; round++) {
        gc();
        await sleep(10);
        const handles = live();
        if (Object.keys(handles).length > 0) left = `handles that were not freed: ${shown(handles)}`;
        else if (descriptors() > before) left = `${descriptors()} descriptors are open, ${before} were`;
        else left = undefined;
        if (left === undefined) break;
    }
    const children = readdirSync('/proc/self/task').flatMap((task) =>
        readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
    return left ?? (children.length > 0 ? `there are children: ${children}` : undefined);
}

/** Starts what stays: libuv's threads, and the worker that installs packages, which has descriptors of its own. */
async function warm() {
    const engine = new Engine();
    await engine.prepare();
    await engine.close();
}

async function main([folder, ...names]) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    await warm();
    let before;
    for (const file of readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .sort()) {
        for (const written of JSON.parse(readFileSync(join(folder, file), 'utf8'))) {
            const { name, needs = {} } = written;
            if (names.length > 0 && !names.some((start) => name.startsWith(start))) continue;
            const why = await lacking(needs);
            if (why !== undefined) {
                counts.skipped++;
                console.error(`skipped ${name}: ${why}`);
                continue;
            }
            const place = realpathSync(mkdtempSync(join(tmpdir(), 'conformance.')));
            chmodSync(place, 0o755);
            const running = new Case(written, place);
            try {
                await running.run();
                counts.passed++;
            } catch (error) {
                counts.failed++;
                console.error(`FAILED ${name} ${error.message}`);
            } finally {
                await running.end();
                rmSync(place, { recursive: true, force: true });
            }
            before ??= descriptors();
        }
    }
    const left = before === undefined ? undefined : await leaks(before);
    if (left !== undefined) {
        counts.failed++;
        console.error(`FAILED leaks: ${left}`);
    }
    console.log(`Node: ${counts.passed} passed, ${counts.failed} failed${counts.skipped ? `, ${counts.skipped} skipped` : ''}`);
    process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}

await main(process.argv.slice(2));
