/* Packages installed, without holding up anybody. The function for it blocks its thread, and the thread pool has too few to lose one for
 * that long: it runs in workers, one for each. */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import type { PrepareReport } from './documents.js';
import { SkillliteError } from './errors.js';
import { functions } from './ffi.js';
import type { Bytes, skl_engine } from './header.js';
import { find } from './library.js';

/** What a worker starts with: the library, and a number that is 1 once it is loaded there. */
export interface Start {
    library: string;
    isLoaded: Int32Array;
}

/** What a worker is asked to do. */
export interface Question {
    engine: skl_engine;
    skill: readonly [Bytes, number];
}

/** What a worker says: the function's output, or why there is none. */
export type Answer = { output: string } | { status: number; code: string; message: string };

/* A worker costs 0.1 s to start and some megabytes. */
const MOST_WORKERS = 8;
const MOST_IDLE = 1;

/* Longer than it takes on any machine to load a library. */
const LOADING_MS = 10_000;

const busy = new Map<Worker, skl_engine>();
const loading = new Set<Int32Array>();
const idle: Worker[] = [];
const queue: (() => void)[] = [];
let running = 0;
let isWatchingExit = false;

/** What `skl_engine_prepare` gives. The engine must stay alive until this settles. */
export async function prepare(engine: skl_engine, skill: readonly [Bytes, number]): Promise<PrepareReport> {
    if (running < MOST_WORKERS) running++;
    else await new Promise<void>((resume) => queue.push(resume));
    try {
        const given = await ask(idle.pop() ?? start(), { engine, skill });
        if ('output' in given) return JSON.parse(given.output) as PrepareReport;
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
            // Node waits for its workers when it ends, and they wait for installations.
            for (const engine of new Set(busy.values())) functions().skl_engine_close(engine, [null]);
        });
    }
    const isLoaded = new Int32Array(new SharedArrayBuffer(4));
    const workerData: Start = { library: find(), isLoaded };
    const worker = new Worker(join(__dirname, 'prepare-worker.js'), { workerData, execArgv: [] });
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
            const onEnd = (): void => reject(new Error('the worker for an installation has ended'));
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

/** Keeps a worker for the next installation. It does not keep the process. */
function rest(worker: Worker): void {
    if (idle.length >= MOST_IDLE) {
        void worker.terminate();
        return;
    }
    idle.push(worker);
    worker.unref();
}
