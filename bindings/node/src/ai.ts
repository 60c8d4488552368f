/* The tools of an engine for the Vercel AI SDK: `generateText({ model, tools: tools(engine), … })`. An entry of its own,
 * `skilllite/ai`, because it needs the package `ai`. */
import { dynamicTool, jsonSchema, type ToolSet } from 'ai';

import type { Result } from './documents.js';
import type { Engine } from './engine.js';
import type { Arguments, CallOptions } from './options.js';

/** Options of every call, or what gives them for one. */
export type OptionsOf = CallOptions | ((tool: string, args: unknown) => CallOptions | undefined);

interface Definition {
    name: string;
    description: string;
    inputSchema: Parameters<typeof jsonSchema>[0];
}

/** The tools that the engine has now. Each gives the whole result of its call to the program, and to the model the part that
 * helps it. Aborting the SDK's request cancels the calls. What the library refuses, such as arguments that do not fit, is
 * thrown, which the SDK tells the model. */
export function tools(engine: Engine, options?: OptionsOf): ToolSet {
    const definitions = engine.tools<Definition>('mcp').map(({ name, description, inputSchema }) => {
        const definition = dynamicTool({
            description,
            inputSchema: jsonSchema(inputSchema),
            execute: (args, { toolCallId, abortSignal }) => {
                const given = typeof options === 'function' ? options(name, args) : options;
                const signals = [given?.signal, abortSignal].filter((signal) => signal !== undefined);
                const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
                return engine.execute(name, args as Arguments, { call_id: toolCallId, ...given, signal });
            },
            // Version 5 of the SDK gives the output itself, version 6 an object that has it.
            toModelOutput: (given: { toolCallId?: string; output: unknown }) => {
                const result = (given.toolCallId === undefined ? given : given.output) as Result;
                return { type: 'json', value: forModel(result) as never };
            },
        });
        return [name, definition] as const;
    });
    return Object.fromEntries(definitions);
}

/** The part of a result that helps a model, as `Engine.handle` tells it: what the script said and how it ended. */
export function forModel(result: Result): Partial<Result> {
    const told: Record<string, unknown> = { status: result.status, exit_code: result.exit_code };
    if (result.output === null) told['text'] = result.text;
    else told['output'] = result.output;
    for (const key of ['stderr', 'signal', 'limit', 'files', 'skipped_files', 'error'] as const) {
        const value = result[key];
        if (value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)) told[key] = value;
    }
    const network = result.network as { denials?: number; wanted?: boolean; allowed?: boolean } | null | undefined;
    if (network && ((network.denials ?? 0) > 0 || (network.wanted === true && network.allowed === false)))
        told['network'] = network;
    if (Object.values(result.truncated).includes(true)) told['truncated'] = result.truncated;
    return told;
}
