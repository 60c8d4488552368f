/* The engine: skills in, tools for an LLM out, its calls run in a sandbox. Each method translates one function of the library;
 * what reads files or waits for processes does so in the thread pool, and nothing waits for a script there. */
import { fileURLToPath } from 'node:url';

import { Call } from './call.js';
import type {
    EngineConfig,
    LoadReport,
    Manifest,
    PrepareReport,
    ReloadReport,
    Resource,
    Result,
    ScanReport,
    Skill,
} from './documents.js';
import { functions, inPool } from './ffi.js';
import { Handle, bytes, check, json, make, readInPool, run, text } from './handles.js';
import type { Bytes, Out, skl_buffer, skl_call, skl_engine, skl_error } from './header.js';
import { callOptions, document, size, utf8, type Arguments, type CallOptions } from './options.js';
import { Pace } from './pace.js';
import { prepare } from './preparing.js';
import { Round } from './round.js';

const READ_BYTES = 1024 * 1024;

/** The library's engine, for the other rooms of this package; used before anything else runs. */
export let pointerOf: (engine: Engine) => skl_engine;

/** Skills, the policy that their calls obey, and the processes that run them.
 *
 * Methods throw or reject with a SkillliteError; a script that fails does not. Close it, or declare it with `await using`:
 * that ends its calls. An engine belongs to the thread that made it; another worker opens its own. */
export class Engine {
    static {
        pointerOf = (engine): skl_engine => engine.#handle.pointer;
    }

    readonly #handle: Handle<'skl_engine'>;
    readonly #pace = new Pace();
    #closing: Promise<void> | undefined;

    /** An engine without skills yet. `config` is that of docs/api-conventions.md#config, or its JSON text. */
    constructor(config?: EngineConfig | string) {
        const pointer = make<skl_engine>((out, err) => functions().skl_engine_new(...document(config), out, err));
        this.#handle = new Handle('engine', pointer, (engine, isLast) => {
            // The last handle of an engine ends its processes and waits for that.
            if (isLast) functions().skl_engine_free(engine);
            else void inPool('skl_engine_free', engine);
        });
    }

    /** An engine with the skills of a folder, or of several. */
    static async open(directories: string | URL | readonly (string | URL)[], config?: EngineConfig | string): Promise<Engine> {
        const engine = new Engine(config);
        try {
            for (const directory of Array.isArray(directories) ? directories : [directories]) await engine.load(directory);
        } catch (error) {
            await engine.close();
            throw error;
        }
        return engine;
    }

    // Skills

    /** Adds the skills of a folder: it is a skill, or holds skills. A folder loaded before is read anew. */
    async load(directory: string | URL): Promise<LoadReport> {
        return this.#handle.lend(async (engine) => json(await readInPool('skl_engine_load', engine, ...path(directory))));
    }

    /** Reads every folder that was loaded anew. If one cannot be read, nothing changes. */
    async reload(): Promise<ReloadReport> {
        return this.#handle.lend(async (engine) => json(await readInPool('skl_engine_reload', engine)));
    }

    /** Takes a skill and its tools out, until its folder is loaded again. */
    remove(skill: string): void {
        run((err) => functions().skl_engine_remove(this.#handle.pointer, ...utf8(skill), err));
    }

    /** Gives the tools of a skill out and lets them be called, or no longer. */
    enable(skill: string, isEnabled = true): void {
        run((err) => functions().skl_engine_enable(this.#handle.pointer, ...utf8(skill), isEnabled, err));
    }

    /** Installs what the scripts of a skill declare to need, or of every enabled one, and waits for that, which holds up nothing.
     *
     * Without it, calls of such a skill reject with SKL_ERR_NOT_PREPARED where the config has `dependencies`. `close` ends it. */
    async prepare(skill = ''): Promise<PrepareReport> {
        return this.#handle.lend((engine) => prepare(engine, utf8(skill)));
    }

    /** The loaded skills, in load order. */
    skills(): Skill[] {
        return json(make<skl_buffer>((out, err) => functions().skl_engine_skills(this.#handle.pointer, out, err)));
    }

    /** The text of the skill's SKILL.md without the front matter. */
    instructions(skill: string): string {
        return text(
            make<skl_buffer>((out, err) => functions().skl_engine_instructions(this.#handle.pointer, ...utf8(skill), out, err)),
        );
    }

    /** What a system prompt says of the skills; empty without one. The options are those of docs/disclosure.md. */
    prompt(options: Record<string, unknown> = {}): string {
        const document = utf8(JSON.stringify(options));
        return text(make<skl_buffer>((out, err) => functions().skl_engine_prompt(this.#handle.pointer, ...document, out, err)));
    }

    /** The files of the skill other than SKILL.md. */
    resources(skill: string): Resource[] {
        return json(
            make<skl_buffer>((out, err) => functions().skl_engine_resources(this.#handle.pointer, ...utf8(skill), out, err)),
        );
    }

    /** The content of one of `resources`. A file larger than `maxBytes` is an error, never cut. */
    async readResource(skill: string, file: string, maxBytes = READ_BYTES): Promise<Buffer> {
        return this.#handle.lend(async (engine) =>
            bytes(await readInPool('skl_engine_read_resource', engine, ...utf8(skill), ...utf8(file), size(maxBytes))),
        );
    }

    /** What the skill declares, its files with their digests, and its tools with their schemas. */
    manifest(skill: string): Manifest {
        return json(
            make<skl_buffer>((out, err) => functions().skl_engine_manifest(this.#handle.pointer, ...utf8(skill), out, err)),
        );
    }

    /** What the sources of the skill look like they might do, by rules over their syntax (docs/scan.md). Advice, and never isolation. */
    scan(skill: string): ScanReport {
        return json(make<skl_buffer>((out, err) => functions().skl_engine_scan(this.#handle.pointer, ...utf8(skill), out, err)));
    }

    // Tools

    /** The tools of all skills, for the `tools` field of a request as it is. Dialects are those of docs/dialects.md. */
    tools<Definition = any>(dialect = 'openai'): Definition[] {
        return json(
            make<skl_buffer>((out, err) => functions().skl_engine_tools(this.#handle.pointer, ...utf8(dialect), out, err)),
        );
    }

    // Calls

    /** Starts a call of a tool. If it rejects, nothing was started; what goes wrong later is in the result. */
    async call(tool: string, args?: Arguments, options?: CallOptions): Promise<Call> {
        const inputs = [...utf8(tool), ...document(args), ...callOptions(options)] as const;
        const pointer = await this.#start('skl_engine_call', `call ${tool}`, inputs, options?.signal);
        return new Call(pointer, tool, this.#pace, options?.signal);
    }

    /** Runs a tool and gives the result. A script that fails rejects nothing: look at `status`, `exit_code`, `stderr`. */
    async execute(tool: string, args?: Arguments, options?: CallOptions): Promise<Result> {
        const call = await this.call(tool, args, options);
        try {
            return await call.result();
        } finally {
            call.close();
        }
    }

    /** `execute` for programs that have nothing else to do: blocks this thread until the script has ended. */
    executeSync(tool: string, args?: Arguments, options?: Omit<CallOptions, 'signal'>): Result {
        const inputs = [...utf8(tool), ...document(args), ...callOptions(options)] as const;
        return json(make<skl_buffer>((out, err) => functions().skl_engine_execute(this.#handle.pointer, ...inputs, out, err)));
    }

    /** What `call` would do, as a numbered list of the sandbox's steps. Nothing of the skill is run. */
    async plan(tool: string, args?: Arguments, options?: CallOptions): Promise<string> {
        const inputs = [...utf8(tool), ...document(args), ...callOptions(options)] as const;
        return this.#handle.lend(async (engine) => text(await readInPool('skl_engine_plan', engine, ...inputs)));
    }

    /** Runs every tool call that an LLM's response asks for, in parallel, and gives the messages to append, in order.
     *
     * `response` is the response body, its JSON text, or what `ResponseStream.response()` gives. Options apply to each call. The
     * array is empty when the response asks for nothing. When the signal aborts, the calls are cancelled and this rejects. */
    async handle<Message = any>(dialect: string, response: object | string, options?: CallOptions): Promise<Message[]> {
        const round = await this.respond<Message>(dialect, response, options);
        try {
            return await round.messages();
        } finally {
            round.close();
        }
    }

    /** Starts every tool call that an LLM's response asks for, as `handle` does. For the output and the files of a call start it by
     * itself. */
    async respond<Message = any>(dialect: string, response: object | string, options?: CallOptions): Promise<Round<Message>> {
        const inputs = [...utf8(dialect), ...document(response), ...callOptions(options)] as const;
        const pointer = await this.#start('skl_engine_respond', 'respond', inputs, options?.signal);
        return new Round(pointer, this.#pace, options?.signal);
    }

    async #start(
        name: 'skl_engine_call' | 'skl_engine_respond',
        step: string,
        inputs: readonly [Bytes, number, Bytes, number, Bytes, number],
        signal: AbortSignal | undefined,
    ): Promise<skl_call> {
        signal?.throwIfAborted();
        const out: Out<skl_call> = [null];
        const err: Out<skl_error> = [null];
        // The first call starts the supervisor, and each looks whether the skill's files are still what was loaded.
        const status = await this.#handle.lend((engine) =>
            this.#pace.run(
                step,
                () => functions()[name](engine, ...inputs, out, err),
                () => inPool(name, engine, ...inputs, out, err),
            ),
        );
        check(status, err);
        return out[0] as skl_call;
    }

    // Life

    /** Ends the calls in flight, whose results then say `cancelled`, and releases the engine. May be repeated. */
    close(): Promise<void> {
        this.#closing ??= this.#close();
        return this.#closing;
    }

    async #close(): Promise<void> {
        const err: Out<skl_error> = [null];
        const closed = this.#handle.lend((engine) => inPool('skl_engine_close', engine, err));
        this.#handle.close();
        check(await closed, err);
    }

    /** `close` that blocks this thread for some milliseconds. */
    [Symbol.dispose](): void {
        if (this.#handle.isClosed) return;
        run((err) => functions().skl_engine_close(this.#handle.pointer, err));
        this.#handle.close();
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }
}

function path(value: string | URL): ReturnType<typeof utf8> {
    return utf8(value instanceof URL ? fileURLToPath(value) : value);
}
