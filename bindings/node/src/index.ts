/* Run Agent Skills safely inside your program: skills in, tools for an LLM out, its calls run in a native sandbox.
 *
 *     import { Engine } from 'skilllite';
 *
 *     const engine = await Engine.open('skills');
 *     const tools = engine.tools();                              // for the request to the LLM
 *     const messages = await engine.handle('openai', response);  // the answers to its tool calls
 *     const result = await engine.execute('calculator', { operation: 'multiply', a: 15, b: 27 });
 *
 * A thin binding of libskilllite.so: types, memory, errors and cancellation in JavaScript's idiom, no logic of its own. */
import { fileURLToPath } from 'node:url';

import type { Diagnostic, Probe } from './documents.js';
import { functions } from './ffi.js';
import { json, readInPool } from './handles.js';
import { utf8 } from './options.js';

export { Agent, type AgentOptions, type AskOptions } from './agent.js';
export { Call, type OutputChunk } from './call.js';
export type * from './documents.js';
export { Engine } from './engine.js';
export { LibraryError, SkillliteError, type StatusName } from './errors.js';
export { STATUS, VERSION } from './header.js';
export { useLibrary } from './library.js';
export type { Arguments, CallOptions, FileContent } from './options.js';
export { Round } from './round.js';
export { ResponseStream } from './stream.js';

/** The version of the loaded library; `VERSION` is that of this package. */
export function version(): string {
    return functions().skl_version() ?? '';
}

/** Whether the loaded library has an optional feature, such as "inference". */
export function hasFeature(name: string): boolean {
    return functions().skl_has_feature(...utf8(name));
}

/** Finds out by trying what isolation this host can give, and what stands in the way of more. */
export async function probe(): Promise<Probe> {
    return json(await readInPool('skl_probe'));
}

/** Judges a skill by the specification to the letter; violations have the severity "error". */
export async function validate(directory: string | URL): Promise<Diagnostic[]> {
    const path = directory instanceof URL ? fileURLToPath(directory) : directory;
    return json(await readInPool('skl_skill_validate', ...utf8(path)));
}
