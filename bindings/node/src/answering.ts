/* What lasts as long as processes do, without holding up anybody: LLM responses answered, packages installed. The functions for it block
 * their thread, and the thread pool has too few to lose one for that long: they run in workers, one for each. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { SkillliteError } from './errors.js';
import { functions } from './ffi.js';
import type { Bytes, skl_engine } from './header.js';
import { find } from './library.js';

/** The functions that block for long, and what they take between the engine and their outputs. */
export interface Inputs {
    skl_engine_handle: readonly [Bytes, number, Bytes, number, Bytes, number];
    skl_engine_prepare: readonly [Bytes, number];
}

/** What a worker starts with: the library, and a number that is 1 once it is loaded there. */
export interface Start {
    library: string;
    isLoaded: Int32Array;
}

/** What a worker is asked to do. */
export interface Question {
    engine: skl_engine;
    name: keyof Inputs;
    inputs: Inputs[keyof Inputs];
}

/** What a worker says: the function's output, or why there is none. */
export type Answer = { output: string } | { status: number; code: string; message: string };

/* A worker costs 0.1 s to start and some megabytes; an engine runs twice as many calls at once as there are processors. */
const MOST_WORKERS = 8;
const MOST_IDLE = 2;

/* Longer than it takes on any machine to load a library. */
const LOADING_MS = 10_000;

const busy = new Map<Worker, skl_engine>();
const loading = new Set<Int32Array>();
const idle: Worker[] = [];
const queue: (() => void)[] = [];
let running = 0;
let isWatchingExit = false;

/** The document that a function gives. The engine must stay alive until this settles. */
export async function answer<Output, Name extends keyof Inputs>(
    engine: skl_engine,
    name: Name,
    inputs: Inputs[Name],
): Promise<Output> {
    if (running < MOST_WORKERS) running++;
    else await new Promise<void>((resume) => queue.push(resume));
    try {
        const given = await ask(idle.pop() ?? start(), { engine, name, inputs });
        if ('output' in given) return JSON.parse(given.output) as Output;
        throw new SkillliteError(given.status, given.code, given.message);
    } finally {
        const next = queue.shift();
        if (next) next();
        else running--;
    }
}

function start(): Worker {
    if (!isWatchingExit) {
        isWatchingExit = true;
        process.once('exit', () => {
            // koffi ends the process badly where a worker is stopped while it declares functions.
            for (const isLoaded of loading) Atomics.wait(isLoaded, 0, 0, LOADING_MS);
            // Node waits for its workers when it ends, and they wait for scripts.
            for (const engine of new Set(busy.values())) functions().skl_engine_close(engine, [null]);
        });
    }
    const isLoaded = new Int32Array(new SharedArrayBuffer(4));
    const workerData: Start = { library: find(), isLoaded };
    const worker = new Worker(join(__dirname, 'answer-worker.js'), { workerData, execArgv: [] });
    loading.add(isLoaded);
    // An idle worker has nobody to tell.
    worker.on('error', () => {});
    worker.on('exit', () => {
        loading.delete(isLoaded);
        const index = idle.indexOf(worker);
        if (index >= 0) idle.splice(index, 1);
    });
    return worker;
}

async function ask(worker: Worker, question: Question): Promise<Answer> {
    worker.ref();
    busy.set(worker, question.engine);
    try {
        const given = await new Promise<Answer>((resolve, reject) => {
            const onEnd = (): void => reject(new Error(`the worker for ${question.name} has ended`));
            const settle = (answered: () => void): void => {
                worker.off('message', onMessage).off('error', onError).off('exit', onEnd);
                answered();
            };
            const onMessage = (said: Answer): void => settle(() => resolve(said));
            const onError = (error: Error): void => settle(() => reject(error));
            worker.on('message', onMessage).on('error', onError).on('exit', onEnd);
            worker.postMessage(question);
        });
        rest(worker);
        return given;
    } finally {
        busy.delete(worker);
    }
}

/** Keeps a worker for the next response. It does not keep the process. */
function rest(worker: Worker): void {
    if (idle.length >= MOST_IDLE) {
        void worker.terminate();
        return;
    }
    idle.push(worker);
    worker.unref();
}
