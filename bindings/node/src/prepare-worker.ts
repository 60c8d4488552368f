/* The worker that src/preparing.ts starts: one question at a time, whose processes it waits for. */
import { parentPort, workerData } from 'node:worker_threads';

import { SkillliteError } from './errors.js';
import { functions } from './ffi.js';
import { make, text } from './handles.js';
import type { skl_buffer } from './header.js';
import { useLibrary } from './library.js';
import type { Answer, Question, Start } from './preparing.js';

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

function reply({ engine, skill }: Question): Answer {
    try {
        return { output: text(make<skl_buffer>((out, err) => functions().skl_engine_prepare(engine, ...skill, out, err))) };
    } catch (error) {
        if (!(error instanceof SkillliteError)) throw error;
        return { status: error.status, code: error.code, message: error.message };
    }
}
