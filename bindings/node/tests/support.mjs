/* What the tests share: engines over the project's skills and over skills that a test writes, and a look at this process. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach } from 'node:test';
import assert from 'node:assert/strict';

import { Engine } from 'skilllite';
import handles from '../dist/handles.js';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const PACKAGE = fileURLToPath(new URL('../', import.meta.url));
export const SKILLS = join(ROOT, 'skills');
export const MULTIPLY = { operation: 'multiply', a: 15, b: 27 };
export const { live } = handles;

setFlagsFromString('--expose-gc');
export const gc = runInNewContext('gc');

/** Waits until `isSo`, which becomes so without being told; fails after ten seconds. */
export async function eventually(isSo, message) {
    const deadline = performance.now() + 10_000;
    while (!isSo()) {
        assert.ok(performance.now() < deadline, typeof message === 'function' ? message() : message);
        await sleep(5);
    }
}

const endings = [];

/** Done at the end of the test, the last first. */
export function atEnd(work) {
    endings.push(work);
}

/** In each test of a file: what the binding was given by the library was given back. */
export function everyHandleIsFreed() {
    let before;
    beforeEach(() => (before = live()));
    afterEach(async () => {
        while (endings.length > 0) await endings.pop()();
        await eventually(
            () => (gc(), same(live(), before)),
            () => `handles: ${JSON.stringify(live())}, before: ${JSON.stringify(before)}`,
        );
    });
}

function same(left, right) {
    return JSON.stringify(Object.entries(left).sort()) === JSON.stringify(Object.entries(right).sort());
}

/** A folder of the test's own, which goes with it. Scripts run under another user id, so it is readable by all. */
export function folder() {
    const path = mkdtempSync(join(tmpdir(), 'skilllite-node-'));
    chmodSync(path, 0o755);
    atEnd(() => rmSync(path, { recursive: true, force: true }));
    return path;
}

/** Writes a skill of one script that takes any arguments; gives the folder of skills that it is in. */
export function writeSkill(name, script, language = 'python') {
    const skills = join(folder(), 'skills');
    const file = { python: 'main.py', bash: 'main.sh' }[language];
    mkdirSync(join(skills, name, 'scripts'), { recursive: true });
    writeFileSync(join(skills, name, 'scripts', file), script);
    const runtime = JSON.stringify({ entry_point: `scripts/${file}`, language, input_schema: { type: 'object' } });
    const front = `---\nname: ${name}\ndescription: A skill of the tests\n---\n`;
    writeFileSync(join(skills, name, 'SKILL.md'), `${front}\n## Runtime\n\n\`\`\`yaml\n${runtime}\n\`\`\`\n`);
    return skills;
}

/** An engine that the test closes at its end. */
export async function open(skills = SKILLS, config = undefined) {
    const engine = await Engine.open(skills, config);
    atEnd(() => engine.close());
    return engine;
}

/** An engine with one tool, `sleeper`, that does not end by itself. */
export async function sleeper(config = undefined) {
    return open(writeSkill('sleeper', 'import signal\nsignal.pause()\n'), config);
}

/** Open descriptors and threads of this process. */
export function footprint() {
    return { fds: readdirSync('/proc/self/fd').length, threads: readdirSync('/proc/self/task').length };
}

/** Resident memory, without the pages that V8 keeps for objects to come: it takes more of them the longer it runs. */
export function residentBytes() {
    const { total_physical_size, used_heap_size } = getHeapStatistics();
    return process.memoryUsage.rss() - (total_physical_size - used_heap_size);
}

/** Whether a process with this word in its command line is there. */
export function runs(word) {
    return readdirSync('/proc').some((pid) => {
        try {
            return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
        } catch {
            return false;
        }
    });
}

/** Runs a program of modules; gives what it printed and how it ended. */
export async function program(code, args = [], { env = process.env, cwd = PACKAGE, command = process.execPath, onStdout } = {}) {
    const flags = code === undefined ? [] : ['--input-type=module', '--eval', code];
    const child = spawn(command, [...flags, ...args], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (data) => {
        stdout += data;
        onStdout?.(stdout, child);
    });
    child.stderr.setEncoding('utf8').on('data', (data) => (stderr += data));
    const [code_, signal] = await new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (...ended) => resolve(ended));
    });
    return { stdout, stderr, code: code_, signal };
}
