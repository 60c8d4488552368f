/* The worker that src/answering.ts starts: one question at a time, whose processes it waits for. */
import { parentPort, workerData } from 'node:worker_threads';

import type { Answer, Question, Start } from './answering.js';
import { SkillliteError } from './errors.js';
import { functions } from './ffi.js';
import { make, text } from './handles.js';
import type { skl_buffer, skl_engine } from './header.js';
import { useLibrary } from './library.js';

const { library, isLoaded } = workerData as Start;
try {
    useLibrary(library);
    functions();
} finally {
    Atomics.store(isLoaded, 0, 1);
    Atomics.notify(isLoaded, 0);
}

parentPort?.on('message', (question: Question) => {
    parentPort?.postMessage(reply(question));
});

function reply({ engine, name, inputs }: Question): Answer {
    try {
        const block = functions()[name] as (engine: skl_engine, ...rest: unknown[]) => number;
        return { output: text(make<skl_buffer>((out, err) => block(engine, ...inputs, out, err))) };
    } catch (error) {
        if (!(error instanceof SkillliteError)) throw error;
        return { status: error.status, code: error.code, message: error.message };
    }
}
