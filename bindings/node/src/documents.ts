/* The documents of the library, as types. Keys are those of docs/api-conventions.md, unchanged; a later library may add
 * some. What each means is said there. */

/** Something to know about a skill, with a stable code. */
export interface Diagnostic {
    severity: 'error' | 'warning' | 'info';
    code: string;
    message: string;
    field: string | null;
    line: number | null;
}

/** A tier of isolation, from the weakest to the strongest. */
export type Tier = 'landlock' | 'namespaces' | 'full';

/** Bounds of one call. */
export interface Limits {
    wall_ms?: number;
    cpu_ms?: number;
    memory_bytes?: number;
    pids?: number;
    open_files?: number;
    file_bytes?: number;
    disk_bytes?: number;
    output_bytes?: number;
}

/** The hosts that calls may reach: rules `host:port`, or an object with more to say. */
export type Network = false | readonly string[] | NetworkPolicy;

/** Rules with limits of their own; see docs/network.md. */
export interface NetworkPolicy {
    allow: readonly string[];
    limits?: Record<string, number>;
    accept_port_only?: boolean;
}

/** What scripts may do at most. */
export interface Policy {
    min_tier?: Tier;
    max_tier?: Tier;
    network?: Network;
    limits?: Limits;
    env?: Record<string, string>;
    read_paths?: readonly string[];
    write_paths?: readonly string[];
    subprocess?: boolean;
    scan?: ScanPolicy;
}

/** How much a finding of a scan matters, the least first. */
export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';

/** A rule of the host's own for the static scan. */
export interface ScanRule {
    severity: Severity;
    reason: string;
    remedy?: string;
    python?: string;
    node?: string;
    shell?: string;
    unless?: 'network';
}

/** Which findings of the static scan calls are refused for. */
export interface ScanPolicy {
    deny?: Severity;
    except?: readonly string[];
    rules?: Record<string, ScanRule>;
}

/** What may be installed for skills, and from where; see docs/dependencies.md. */
export interface Dependencies {
    python_index?: string;
    node_registry?: string;
    hosts?: readonly string[];
    scripts?: boolean;
    limits?: Record<string, number>;
}

/** How an engine is configured; every key may be left out. */
export interface EngineConfig {
    policy?: Policy;
    interpreters?: { python?: string; node?: string; bash?: string; sh?: string };
    search_path?: readonly string[];
    cwd?: 'work' | 'skill';
    max_running?: number;
    max_queued?: number;
    supervisor_path?: string;
    cache_dir?: string;
    skills?: readonly string[];
    cache_dir?: string;
    dependencies?: false | Dependencies;
    warm?: false;
}

/** What one load made usable, and what not. */
export interface LoadReport {
    skills: string[];
    tools: string[];
    skipped: { path: string; diagnostics: Diagnostic[] }[];
    diagnostics: Diagnostic[];
}

/** What a reload found: all that is usable now, and the names of skills that are new, changed and gone. */
export interface ReloadReport extends LoadReport {
    added: string[];
    changed: string[];
    removed: string[];
}

/** What one `prepare` installed, or found installed. None where nothing is declared. */
export interface PrepareReport {
    environments: Environment[];
}

/** What some tools of a skill need, installed: `built` now, or `ready` before. `host`: the config installs nothing. */
export interface Environment {
    skill: string;
    tools: string[];
    language: 'python' | 'node';
    state: 'built' | 'ready' | 'host';
    /** The skill's file that declares the requirements. */
    source: string;
    requirements: string[];
    /** What was installed, with versions. */
    packages?: string[];
    key?: string;
    path?: string;
    installer?: string;
    duration_ms?: number;
    /** What the installer said, its end. */
    log?: string;
    hint?: string;
}

/** A loaded skill. `tools` are names; a skill of instructions only has none. */
export interface Skill {
    name: string;
    description: string;
    root: string;
    digest: string;
    tools: string[];
    is_enabled: boolean;
    diagnostics: Diagnostic[];
    version: string | null;
    license: string | null;
    wants_network: boolean;
    resources: number;
}

/** A file of a skill. */
export interface Resource {
    path: string;
    size: number;
    sha256: string;
    is_executable: boolean;
}

/** A tool, independent of a vendor's dialect. `parameters` is a JSON Schema. */
export interface ToolDefinition {
    name: string;
    description: string;
    parameters: Record<string, unknown>;
    script: string;
    language: string | null;
    provenance: unknown;
}

/** What a skill declares, its files and its tools. */
export interface Manifest {
    name: string;
    description: string;
    root: string;
    digest: string;
    files: unknown[];
    declared: Record<string, unknown>;
    tools: ToolDefinition[];
}

/** A place where a rule of the scan matched, why somebody should look, and what to do then. */
export interface ScanFinding {
    rule: string;
    severity: Severity;
    file: string;
    line: number;
    column: number;
    excerpt: string;
    reason: string;
    remedy: string;
}

/** What the sources of a skill look like they might do; the worst finding comes first. */
export interface ScanReport {
    skill: string;
    digest: string;
    is_denied: boolean;
    highest: Severity | null;
    files_scanned: number;
    findings: ScanFinding[];
    omitted: number;
    skipped: { file: string; reason: string }[];
}

/** One layer of the sandbox, and how it held. */
export interface Layer {
    name: string;
    state: 'active' | 'partial' | 'absent';
    detail: string | null;
}

/** What isolation this host can give. `tier` is the strongest, or null. */
export interface Probe {
    tier: Tier | null;
    tiers: { tier: Tier; is_available: boolean }[];
    layers: Layer[];
    obstacles: { tier: Tier; cause: string; remedy: string }[];
    platform: string;
    version: string;
}

/** A file that a script left in its work folder. */
export interface OutputFile {
    path: string;
    size: number;
    sha256: string | null;
}

/** How a call ended. `status` is `ok` when the script ended by itself, whatever its exit code. */
export interface Result {
    status: 'ok' | 'error' | 'timeout' | 'cancelled' | 'limit' | 'denied';
    exit_code: number | null;
    signal: number | null;
    /** Standard output parsed, if it is one JSON document. */
    output: any;
    text: string;
    stderr: string;
    truncated: { stdout: boolean; stderr: boolean; files: boolean };
    lossy: { stdout: boolean; stderr: boolean };
    total_bytes: { stdout: number; stderr: number };
    limit: 'wall' | 'cpu' | 'memory' | 'pids' | 'disk' | 'output' | null;
    files: OutputFile[];
    skipped_files: { path: string; kind: string }[];
    usage: { wall_ms: number; cpu_ms: number | null; peak_memory_bytes: number | null; sandbox_ms: number | null } | null;
    isolation: { tier: Tier; layers: Layer[] } | null;
    error: { code: number; message: string } | null;
    network?: Record<string, unknown>;
    tool: string;
    skill: string;
    call_id: string;
}

/** What an agent does with a call that the model asks for. */
export type Approval = 'allow' | 'ask' | 'deny';

/** How an agent is configured. Keys beside the dialect may be left out; docs/agent.md#config says what they mean. */
export interface AgentConfig {
    dialect: string;
    model?: string;
    system?: string;
    context?: boolean;
    messages?: readonly object[];
    tools?: readonly string[];
    stream?: boolean;
    request?: Record<string, unknown>;
    limits?: {
        iterations?: number;
        tool_output_tokens?: number;
        result_tokens?: number;
        wall_ms?: number;
        parallel_calls?: number;
    };
    approval?: Approval | { default?: Approval; tools?: Record<string, Approval> };
    call_options?: Record<string, unknown>;
}

/** A call in a step of an agent. */
export interface AgentCall {
    call_id: string;
    tool: string;
    skill: string;
    arguments: any;
}

/** What the host of an agent does next. */
export type Step =
    | { step: 'ask' }
    | { step: 'request'; dialect: string; path: string; body: any; iteration: number; is_last: boolean; is_streamed: boolean }
    | { step: 'approval'; calls: AgentCall[] }
    | { step: 'running'; calls: AgentCall[] }
    | { step: 'answer'; text: string; finish: string | null; is_cut: boolean; iterations: number }
    | {
          step: 'stopped';
          reason: 'iterations' | 'tool_output' | 'wall' | 'cancelled' | 'refused';
          text?: string;
          iterations: number;
      };

/** What happened in an agent; docs/agent.md#events has the fields of each. */
export interface AgentEvent {
    event: string;
    [field: string]: any;
}
