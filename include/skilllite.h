/*
 * SkillLite: run Agent Skills safely inside other people's programs.
 *
 * An engine loads folders of skills, gives their tools as JSON for an LLM's request, and runs the calls that the LLM
 * makes in a native sandbox:
 *
 *     skl_engine *engine = NULL;
 *     skl_error *err = NULL;
 *     skl_buffer *out = NULL;
 *     if (skl_engine_new(NULL, 0, &engine, &err) == SKL_OK && skl_engine_load(engine, dir, strlen(dir), &out, &err) == SKL_OK)
 *         ...
 *
 * What holds for every function (docs/api-conventions.md has it in full):
 *   - A string comes in as pointer and length, is UTF-8 without NUL bytes, and is borrowed for the call. NULL with
 *     length 0 is the empty string.
 *   - Outputs come last. They are set to NULL first and to a handle only on SKL_OK; the caller frees each with the
 *     `_free` function of its type.
 *   - `err` may be NULL. Otherwise it is set to NULL on SKL_OK and to an error, which the caller frees, on failure.
 *   - `_free(NULL)` is a no-op. A handle is not used after it was freed.
 *   - Comments name statuses without SKL_ERR_. SKL_ERR_PANIC and SKL_ERR_INTERNAL, bugs of the library, can come from any
 *     function that returns a status.
 *   - Every function may be called from any thread. A handle made before a fork() gives SKL_ERR_FORKED in the child.
 *
 * Generated from src/capi by cbindgen; do not edit.
 */

#ifndef SKILLLITE_H
#define SKILLLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Major version of the library this header belongs to.
 */
#define SKL_VERSION_MAJOR 0

/**
 * Minor version.
 */
#define SKL_VERSION_MINOR 1

/**
 * Patch version.
 */
#define SKL_VERSION_PATCH 0

/**
 * The version as one number: major * 1000000 + minor * 1000 + patch.
 */
#define SKL_VERSION_NUMBER 1000

/**
 * The ABI this header describes. A library whose `skl_abi_version()` is at least this has every function of it.
 */
#define SKL_ABI_VERSION 1

/**
 * What a function returns: SKL_OK, or why it failed. Numbers are grouped by area and never reused; a later version
 * may add some, so treat an unknown number as a failure.
 */
enum skl_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It worked.
     */
    SKL_OK = 0,
    /**
     * A required pointer was NULL.
     */
    SKL_ERR_NULL_ARGUMENT = 1,
    /**
     * A string was not UTF-8, or held a NUL byte.
     */
    SKL_ERR_INVALID_UTF8 = 2,
    /**
     * A document was not JSON.
     */
    SKL_ERR_INVALID_JSON = 3,
    /**
     * A config or option key is unknown, of the wrong type or out of range.
     */
    SKL_ERR_INVALID_CONFIG = 4,
    /**
     * The library panicked: a bug in it, not in the caller.
     */
    SKL_ERR_PANIC = 5,
    /**
     * The handle was made before a fork() and is used in the child.
     */
    SKL_ERR_FORKED = 6,
    /**
     * The host is out of a resource: descriptors, memory, threads.
     */
    SKL_ERR_RESOURCES = 7,
    /**
     * This version or this platform has no such feature.
     */
    SKL_ERR_UNSUPPORTED = 8,
    /**
     * Reading or writing a file failed.
     */
    SKL_ERR_IO = 9,
    /**
     * An invariant of the library did not hold.
     */
    SKL_ERR_INTERNAL = 10,
    /**
     * The directory of skills does not exist or is no directory.
     */
    SKL_ERR_SKILL_DIRECTORY = 100,
    /**
     * No loaded skill has this name.
     */
    SKL_ERR_SKILL_NOT_FOUND = 101,
    /**
     * The skill's SKILL.md or layout is unusable.
     */
    SKL_ERR_SKILL_INVALID = 102,
    /**
     * There is no such file.
     */
    SKL_ERR_RESOURCE_NOT_FOUND = 103,
    /**
     * The file is larger than the bound of the read.
     */
    SKL_ERR_RESOURCE_TOO_LARGE = 104,
    /**
     * A path leaves the folder it belongs to.
     */
    SKL_ERR_PATH_ESCAPE = 105,
    /**
     * The skill's files changed since it was loaded.
     */
    SKL_ERR_SKILL_CHANGED = 106,
    /**
     * The static scan found what the policy denies in the skill.
     */
    SKL_ERR_SCAN_DENIED = 107,
    /**
     * No tool has this name.
     */
    SKL_ERR_TOOL_NOT_FOUND = 200,
    /**
     * The arguments do not fit the tool's schema.
     */
    SKL_ERR_INVALID_ARGUMENTS = 201,
    /**
     * No dialect has this name.
     */
    SKL_ERR_UNKNOWN_DIALECT = 202,
    /**
     * The LLM's response is not of the dialect's shape.
     */
    SKL_ERR_INVALID_RESPONSE = 203,
    /**
     * The host cannot give the isolation that the policy asks for.
     */
    SKL_ERR_ISOLATION_UNAVAILABLE = 300,
    /**
     * A limit of the policy cannot be enforced on this host.
     */
    SKL_ERR_LIMIT_UNENFORCEABLE = 301,
    /**
     * No interpreter for the script's language was found.
     */
    SKL_ERR_INTERPRETER_NOT_FOUND = 302,
    /**
     * The supervisor process could not be started or was lost.
     */
    SKL_ERR_SUPERVISOR = 303,
    /**
     * A step of building the sandbox failed.
     */
    SKL_ERR_SPAWN = 304,
    /**
     * A call asked for more than the engine's policy allows.
     */
    SKL_ERR_POLICY_WIDENED = 305,
    /**
     * Waiting ended before the call did; the call goes on.
     */
    SKL_ERR_WAIT_TIMEOUT = 400,
    /**
     * Too many calls are waiting.
     */
    SKL_ERR_QUEUE_FULL = 401,
    /**
     * The engine is closed.
     */
    SKL_ERR_CLOSED = 402,
    /**
     * The call was cancelled before it started; found in results only.
     */
    SKL_ERR_CANCELLED = 403,
    /**
     * There is something of this name, and nothing is overwritten.
     */
    SKL_ERR_ALREADY_EXISTS = 404,
    /**
     * The agent's turn is another one: its last step says what it waits for.
     */
    SKL_ERR_OUT_OF_TURN = 500,
    /**
     * What the skill declares to need has not been installed: call skl_engine_prepare().
     */
    SKL_ERR_NOT_PREPARED = 600,
    /**
     * Installing what a skill declares to need failed.
     */
    SKL_ERR_BUILD_FAILED = 601,
    /**
     * What a skill declares to need cannot be understood, or the config names no index for it.
     */
    SKL_ERR_INVALID_DEPENDENCIES = 602,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum skl_status skl_status;
#else
typedef int32_t skl_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The loop between a model and an engine's tools. It says what to post to the model, takes what the model says, runs the
 * calls that it asks for, and bounds all of it. It opens no connection, has no thread and calls nothing back.
 *
 * Threads: every function may be called from any thread, concurrently with every other one, except that
 * `skl_agent_free()` must not run before a function given the same handle has been entered. A conversation has one
 * order, so one thread at a time asks and feeds; others may cancel, approve, and read events and the transcript meanwhile.
 */
typedef struct skl_agent skl_agent;

/**
 * Bytes owned by the host: a document, a text or the content of a file. Immutable; may be used from any thread.
 */
typedef struct skl_buffer skl_buffer;

/**
 * A started call of a tool, or all calls that a response asks for (`skl_engine_respond()`), which are waited for, cancelled and
 * watched as one.
 *
 * Threads: every function may be called from any thread, concurrently with every other one, except that
 * `skl_call_free()` must not run before a function given the same handle has been entered. It may run while another
 * thread waits: the wait then ends with the result "cancelled".
 */
typedef struct skl_call skl_call;

/**
 * One configured instance: the skills it knows, the policy its calls obey, the processes that run them.
 *
 * Threads: every function may be called from any thread, concurrently with every other one, except that
 * `skl_engine_free()` must not run before a function given the same handle has been entered.
 */
typedef struct skl_engine skl_engine;

/**
 * Why a function failed, in a line for a person. Immutable; may be used from any thread.
 */
typedef struct skl_error skl_error;

/**
 * A streamed response of an LLM that is being put together. It opens nothing and reads nothing by itself.
 *
 * Threads: every function may be called from any thread; functions given the same handle take turns, so feed it from
 * one thread to keep the order. Plain memory: it may be used after a fork(), unless a thread was inside it.
 */
typedef struct skl_stream skl_stream;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The ABI version of the loaded library. It grows when functions are added; what is there does not change while the
 * library's SONAME stays the same. Compare it with SKL_ABI_VERSION at load. Threads: any. Since 0.1.0.
 */
uint32_t skl_abi_version(void);

/**
 * The version of the loaded library, "major.minor.patch". A static string. Threads: any. Since 0.1.0.
 */
const char *skl_version(void);

/**
 * Whether the loaded library has an optional feature: "agent", "dependencies", "dialects", "disclosure", "inference", "network",
 * "scan", "validation", "warm". False for any other name, and for one that is no UTF-8. Threads: any. Since 0.1.0.
 */
bool skl_has_feature(const char *name,
                     size_t name_len);

/**
 * Finds out by trying what isolation this host can give. It starts a supervisor process and ends it again.
 *
 * On SKL_OK the caller owns `*report`: `{"tier", "tiers", "layers", "obstacles", "platform", "version"}`; "tier" is the
 * strongest tier or null, and each obstacle says which tier it puts out of reach, its cause and the remedy.
 * Statuses: NULL_ARGUMENT, RESOURCES, UNSUPPORTED, SUPERVISOR. Threads: any. Since 0.1.0.
 */
skl_status skl_probe(skl_buffer **report,
                     skl_error **err);

/**
 * The name of a status, as in this header, such as "SKL_ERR_CLOSED". A static string; "unknown status" for a number
 * that this version does not have. Threads: any. Since 0.1.0.
 */
const char *skl_status_name(int32_t status);

/**
 * The status of an error, the same that the function returned. SKL_OK for NULL. Threads: any. Since 0.1.0.
 */
skl_status skl_error_status(const skl_error *error);

/**
 * One line for a person: what failed, which thing, the limit, the remedy. UTF-8, NUL-terminated, without line breaks;
 * valid until the error is freed. "" for NULL. Threads: any. Since 0.1.0.
 */
const char *skl_error_message(const skl_error *error);

/**
 * Frees an error. NULL is a no-op. Threads: any. Since 0.1.0.
 */
void skl_error_free(skl_error *error);

/**
 * The bytes, followed by a NUL byte that is not counted; valid until the buffer is freed. Documents and texts are
 * UTF-8; the content of a file is what it is and may hold NUL bytes. NULL for NULL. Threads: any. Since 0.1.0.
 */
const char *skl_buffer_data(const skl_buffer *buffer);

/**
 * How many bytes the buffer holds, without the closing NUL. 0 for NULL. Threads: any. Since 0.1.0.
 */
size_t skl_buffer_len(const skl_buffer *buffer);

/**
 * Frees a buffer. NULL is a no-op. Threads: any. Since 0.1.0.
 */
void skl_buffer_free(skl_buffer *buffer);

/**
 * Makes an engine. It reads PATH, HOME and the variables of version managers once, and starts nothing yet.
 *
 * `config` is a JSON document (docs/api-conventions.md#config), borrowed for the call; empty or NULL with length 0
 * means the safe defaults. On SKL_OK the caller owns `*out` and releases it with `skl_engine_free()`.
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON, INVALID_CONFIG (names the key), UNSUPPORTED (names the key).
 * Threads: any. Since 0.1.0.
 */
skl_status skl_engine_new(const char *config,
                          size_t config_len,
                          skl_engine **out,
                          skl_error **err);

/**
 * Ends the calls in flight, whose results then say "cancelled", and makes every later function of this engine fail
 * with SKL_ERR_CLOSED; waits until the processes are gone. Results of calls can still be read. Repeating it does nothing.
 * The handle must still be freed.
 *
 * Statuses: NULL_ARGUMENT, FORKED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_close(skl_engine *engine,
                            skl_error **err);

/**
 * Releases an engine. Calls that it started go on, keep what they need and may be waited for; to end them, use
 * `skl_engine_close()` or `skl_call_cancel()` first. Freeing the last handle, calls included, ends the supervisor process
 * and waits for that, which takes some milliseconds. NULL is a no-op. In a forked child the handle is left alone.
 *
 * Threads: any. Since 0.1.0.
 */
void skl_engine_free(skl_engine *engine);

/**
 * The tools of all skills as a JSON array that goes into a request's "tools" field as it is.
 *
 * `dialect` names the vendor's shape: "openai", "openai-responses", "anthropic", "gemini" or "mcp"; the first three also
 * with ":strict" after it, for definitions that bind the model to the schema (docs/dialects.md). On SKL_OK the caller
 * owns `*out`. Statuses: NULL_ARGUMENT, INVALID_UTF8, UNKNOWN_DIALECT (names the known ones), FORKED, CLOSED. Threads: any.
 * Since 0.1.0.
 */
skl_status skl_engine_tools(const skl_engine *engine,
                            const char *dialect,
                            size_t dialect_len,
                            skl_buffer **out,
                            skl_error **err);

/**
 * Starts a call of a tool and returns at once.
 *
 * `args` is a JSON object that fits the tool's schema, `options` a JSON document (docs/api-conventions.md#options);
 * either may be empty. On SKL_OK the caller owns `*out` and releases it with `skl_call_free()`. A failure means that
 * nothing was started; what goes wrong later is in the call's result.
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON, INVALID_CONFIG, IO, TOOL_NOT_FOUND, INVALID_ARGUMENTS,
 * SKILL_CHANGED, SCAN_DENIED, NOT_PREPARED (call `skl_engine_prepare()` first), INVALID_DEPENDENCIES, ISOLATION_UNAVAILABLE, LIMIT_UNENFORCEABLE, INTERPRETER_NOT_FOUND, SUPERVISOR, POLICY_WIDENED,
 * RESOURCES, QUEUE_FULL, FORKED, CLOSED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_call(skl_engine *engine,
                           const char *tool,
                           size_t tool_len,
                           const char *args,
                           size_t args_len,
                           const char *options,
                           size_t options_len,
                           skl_call **out,
                           skl_error **err);

/**
 * Tells what `skl_engine_call()` would do with the same inputs: every step of building the sandbox, in order, as a
 * numbered list for a person to read. Nothing of the skill is run.
 *
 * On SKL_OK the caller owns `*plan`, UTF-8 text whose lines may change between versions. Statuses: those of
 * `skl_engine_call()` except QUEUE_FULL. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_plan(skl_engine *engine,
                           const char *tool,
                           size_t tool_len,
                           const char *args,
                           size_t args_len,
                           const char *options,
                           size_t options_len,
                           skl_buffer **plan,
                           skl_error **err);

/**
 * `skl_engine_call()` and `skl_call_wait()` in one: runs a tool and blocks this thread until it has ended, which the
 * policy's wall limit bounds.
 *
 * On SKL_OK the caller owns `*result`, the call's result document (docs/api-conventions.md#result); a script that
 * fails is no failure of this function. Statuses: those of `skl_engine_call()`. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_execute(skl_engine *engine,
                              const char *tool,
                              size_t tool_len,
                              const char *args,
                              size_t args_len,
                              const char *options,
                              size_t options_len,
                              skl_buffer **result,
                              skl_error **err);

/**
 * Starts every tool call that an LLM's response asks for, in parallel, and returns at once with one call that stands for all.
 *
 * `response` is the response body in the named dialect, or what `skl_stream_response()` gives; `options` applies to each call.
 * On SKL_OK the caller owns `*out` and releases it with `skl_call_free()`. Its descriptor becomes readable when the last call
 * has ended; its result is then a JSON array, in the order of the calls, to append to the conversation, empty when the
 * response asks for nothing. Cancelling it ends every call, and the messages say so. It has no output and no files: for these
 * start each call with `skl_engine_call()`. What a model can repair (an unknown tool, bad arguments) is an error answer among
 * the messages; what only the host can repair is a failure, and then no call goes on. Statuses: those of `skl_engine_call()`
 * that are the host's, UNKNOWN_DIALECT, INVALID_RESPONSE, UNSUPPORTED (the option "stream"). Threads: any. Since 0.1.0.
 */
skl_status skl_engine_respond(skl_engine *engine,
                              const char *dialect,
                              size_t dialect_len,
                              const char *response,
                              size_t response_len,
                              const char *options,
                              size_t options_len,
                              skl_call **out,
                              skl_error **err);

/**
 * `skl_engine_respond()` and `skl_call_wait()` in one: runs every tool call that an LLM's response asks for, and blocks this thread
 * until the last has ended, which the policy's wall limit bounds.
 *
 * On SKL_OK the caller owns `*messages`, the array of answers. Statuses: those of `skl_engine_respond()`. Threads: any.
 * Since 0.1.0.
 */
skl_status skl_engine_handle(skl_engine *engine,
                             const char *dialect,
                             size_t dialect_len,
                             const char *response,
                             size_t response_len,
                             const char *options,
                             size_t options_len,
                             skl_buffer **messages,
                             skl_error **err);

/**
 * Loads the skills of a folder and adds them to those that the engine has: the folder is a skill, or holds skills. Of
 * two skills with one name the first stays. A folder that was loaded before is read anew.
 *
 * `dir` is a path, borrowed for the call. On SKL_OK the caller owns `*report`: `{"skills", "tools", "skipped",
 * "diagnostics"}`; a skill that cannot be used is skipped for a stated reason and is no failure.
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_DIRECTORY, IO, FORKED, CLOSED. Threads: any; loads take turns, and
 * calls go on with what they had. Since 0.1.0.
 */
skl_status skl_engine_load(skl_engine *engine,
                           const char *dir,
                           size_t dir_len,
                           skl_buffer **report,
                           skl_error **err);

/**
 * Reads every folder that was loaded anew, in the same order. What is unchanged stays as it is; a skill that is gone is
 * taken out; one whose name was taken may come into its own. A folder that cannot be read is an error, and then nothing
 * changes. Calls in flight go on with what they had.
 *
 * On SKL_OK the caller owns `*report`: what `skl_engine_load()` gives, and the names "added", "changed", "removed".
 * Statuses: NULL_ARGUMENT, SKILL_DIRECTORY, FORKED, CLOSED. Threads: any; loads take turns. Since 0.1.0.
 */
skl_status skl_engine_reload(skl_engine *engine,
                             skl_buffer **report,
                             skl_error **err);

/**
 * Takes a skill and its tools out, until its folder is loaded again. Calls in flight go on.
 *
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_remove(skl_engine *engine, const char *skill, size_t skill_len, skl_error **err);

/**
 * Gives the tools of a skill out and lets them be called, or no longer: a call of a tool of a disabled skill is
 * SKL_ERR_TOOL_NOT_FOUND, with a message that says so. Skills begin enabled; the choice outlives a reload.
 *
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_enable(skl_engine *engine,
                             const char *skill,
                             size_t skill_len,
                             bool is_enabled,
                             skl_error **err);

/**
 * Installs the packages that the scripts of a skill declare (PEP 723, requirements.txt, package.json, SKILL.md), each set
 * once below the config's "cache_dir", and blocks this thread until that is done, which "dependencies.limits" bounds. A call
 * installs nothing: without this it fails with SKL_ERR_NOT_PREPARED. Programs of the host (uv or pip, npm) do it in a
 * sandbox that reaches the configured index alone.
 *
 * An empty `skill` means every enabled one. On SKL_OK the caller owns `*report` (docs/dependencies.md#report):
 * `{"environments"}`, for each its "state": "built", "ready" (it was there) or "host" (the config installs nothing); empty where
 * nothing is declared. `skl_engine_close()` from another thread ends it. Statuses: NULL_ARGUMENT, INVALID_UTF8,
 * SKILL_NOT_FOUND, BUILD_FAILED (with what the installer said), INVALID_DEPENDENCIES, INTERPRETER_NOT_FOUND, SKILL_CHANGED,
 * INVALID_CONFIG, IO, UNSUPPORTED (a build without the feature "dependencies"), ISOLATION_UNAVAILABLE, SUPERVISOR, RESOURCES,
 * QUEUE_FULL, FORKED, CLOSED. Threads: any; who wants the same packages waits for who began. Since 0.1.0.
 */
skl_status skl_engine_prepare(skl_engine *engine,
                              const char *skill,
                              size_t skill_len,
                              skl_buffer **report,
                              skl_error **err);

/**
 * The catalogue: a JSON array with one object for each skill, in load order, with at least "name", "description",
 * "root", "digest", "tools" (names) and "diagnostics".
 *
 * On SKL_OK the caller owns `*out`. Statuses: NULL_ARGUMENT, FORKED, CLOSED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_skills(const skl_engine *engine,
                             skl_buffer **out,
                             skl_error **err);

/**
 * The instructions of a skill: the Markdown text of its SKILL.md without the front matter.
 *
 * On SKL_OK the caller owns `*out`, a text and no JSON. Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND,
 * FORKED, CLOSED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_instructions(const skl_engine *engine,
                                   const char *skill,
                                   size_t skill_len,
                                   skl_buffer **out,
                                   skl_error **err);

/**
 * The files of a skill other than SKILL.md: a JSON array of `{"path", "size", "sha256", "is_executable"}`.
 *
 * On SKL_OK the caller owns `*out`. Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED.
 * Threads: any. Since 0.1.0.
 */
skl_status skl_engine_resources(const skl_engine *engine,
                                const char *skill,
                                size_t skill_len,
                                skl_buffer **out,
                                skl_error **err);

/**
 * The content of one file of a skill, as it was when the skill was loaded. `path` is one of those that
 * `skl_engine_resources()` gives.
 *
 * On SKL_OK the caller owns `*out`, at most `max_bytes` long; a larger file is an error, never cut.
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, RESOURCE_NOT_FOUND, RESOURCE_TOO_LARGE, PATH_ESCAPE,
 * SKILL_CHANGED, IO, FORKED, CLOSED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_read_resource(const skl_engine *engine,
                                    const char *skill,
                                    size_t skill_len,
                                    const char *path,
                                    size_t path_len,
                                    uint64_t max_bytes,
                                    skl_buffer **out,
                                    skl_error **err);

/**
 * What a skill declares, its files with their digests, and its tools with their schemas: a JSON object.
 *
 * On SKL_OK the caller owns `*out`. Statuses: NULL_ARGUMENT, INVALID_UTF8, SKILL_NOT_FOUND, FORKED, CLOSED.
 * Threads: any. Since 0.1.0.
 */
skl_status skl_engine_manifest(const skl_engine *engine,
                               const char *skill,
                               size_t skill_len,
                               skl_buffer **out,
                               skl_error **err);

/**
 * A text for a system prompt that tells of the skills, within a budget: a Markdown section, or the `<available_skills>` of
 * the Agent Skills specification. Disabled skills are not in it; without a skill it is empty.
 *
 * `options` is a JSON document (docs/disclosure.md#prompt-block), borrowed for the call: "form", "mode", "max_tokens" (a token
 * is taken for 4 bytes), "skills"; empty or NULL with length 0 means all skills, in Markdown, without a budget. On SKL_OK
 * the caller owns `*out`, a text and no JSON; the same skills and options give the same text. Statuses: NULL_ARGUMENT,
 * INVALID_UTF8, INVALID_JSON, INVALID_CONFIG (names the key), SKILL_NOT_FOUND, UNSUPPORTED (a build without the feature
 * "disclosure"), FORKED, CLOSED. Threads: any. Since 0.1.0.
 */
skl_status skl_engine_prompt(const skl_engine *engine,
                             const char *options,
                             size_t options_len,
                             skl_buffer **out,
                             skl_error **err);

/**
 * What the sources of a skill look like they might do, by rules over their syntax: for a dialog that asks before anything runs,
 * or after a download. It is advice and never isolation: code can be written so that no rule sees it, and nothing is lowered
 * because of a good report (docs/scan.md). Of a skill that is loaded, disabled ones too, exactly what was loaded is read; the
 * first report on it is kept.
 *
 * On SKL_OK the caller owns `*report`: `{"skill", "digest", "is_denied", "highest", "files_scanned", "findings", "omitted",
 * "skipped"}`; a finding has "rule", "severity", "file", "line", "column", "excerpt", "reason" and "remedy", the worst comes first.
 * "is_denied" says whether the config's "policy.scan" refuses calls of the skill (SCAN_DENIED). Statuses: NULL_ARGUMENT,
 * INVALID_UTF8, SKILL_NOT_FOUND, SKILL_CHANGED, IO, UNSUPPORTED (a build without the feature "scan"), FORKED, CLOSED.
 * Threads: any. Since 0.1.0.
 */
skl_status skl_engine_scan(const skl_engine *engine,
                           const char *skill,
                           size_t skill_len,
                           skl_buffer **report,
                           skl_error **err);

/**
 * Judges the skill in a folder by the Agent Skills specification to the letter, which is stricter than loading it.
 *
 * `dir` is a path, borrowed for the call. On SKL_OK the caller owns `*findings`: a JSON array of diagnostics
 * (docs/api-conventions.md#other-documents), of which those of severity "error" are violations; empty for a skill without fault.
 * Statuses: NULL_ARGUMENT, INVALID_UTF8. Threads: any. Since 0.1.0.
 */
skl_status skl_skill_validate(const char *dir,
                              size_t dir_len,
                              skl_buffer **findings,
                              skl_error **err);

/**
 * Waits for a call to end and gives its result. `timeout_ms` is how long to wait: 0 looks and returns at once, a
 * negative number waits without end. May be repeated; every caller gets the same result.
 *
 * On SKL_OK the caller owns `*result`, a JSON document (docs/api-conventions.md#result); a script that fails is no
 * failure of this function. For the calls of a response it is the array of `skl_engine_handle()`, once the last has
 * ended. Statuses: NULL_ARGUMENT, WAIT_TIMEOUT (the call goes on), FORKED. Threads: any; the first to see the end also
 * lists and hashes the files that the script left. Since 0.1.0.
 */
skl_status skl_call_wait(skl_call *call,
                         int64_t timeout_ms,
                         skl_buffer **result,
                         skl_error **err);

/**
 * Ends a call, or every call of a response. Returns at once; the result then says "cancelled", unless the script had
 * ended before. May be repeated, before, during and after the call's end.
 *
 * Statuses: NULL_ARGUMENT, FORKED. Threads: any. Since 0.1.0.
 */
skl_status skl_call_cancel(skl_call *call);

/**
 * A descriptor that becomes readable when the call has ended, of a response the last one, for poll, epoll and event
 * loops. It is a pipe or a socket that is at its end then, so a loop that reads it gets end of file. It belongs to the
 * call: do not close it, and stop polling it before the call is freed.
 *
 * -1 for NULL, in a forked child, and when the process has no descriptor left. Threads: any. Since 0.1.0.
 */
int skl_call_fd(const skl_call *call);

/**
 * Takes what the script of a call has written since the last read. The call must have been started with the option
 * `"stream": true`. `stream` is 1 for stdout and 2 for stderr; `timeout_ms` is how long to wait for output: 0 looks and
 * returns at once, a negative number waits without end.
 *
 * On SKL_OK `*chunk` is NULL at the end of the stream. Otherwise the caller owns it: up to 64 KiB, in any pieces, not
 * checked to be UTF-8; of length 0 when nothing came in time. While 1 MiB of a stream is unread the script waits for its
 * reader, and its wall_ms goes on. The result has the output's head and tail all the same. What is unread stays readable
 * after the end, until the call is freed. Statuses: NULL_ARGUMENT, INVALID_CONFIG (no such stream), UNSUPPORTED (a call
 * without "stream", the calls of a response), FORKED. Threads: any; those who read the same stream share its bytes.
 * Since 0.1.0.
 */
skl_status skl_call_read(skl_call *call,
                         uint32_t stream,
                         int64_t timeout_ms,
                         skl_buffer **chunk,
                         skl_error **err);

/**
 * A descriptor that is readable while a call that was started with `"stream": true` has output to read, and at its end
 * once there is nothing more to come. An event loop that finds it readable calls `skl_call_read()` for both streams until
 * nothing is left; it may also read the byte that is in it. It belongs to the call: do not close it, and stop polling it
 * before the call is freed.
 *
 * -1 for NULL, for a call without "stream", for the calls of a response, in a forked child, and when the process has no
 * descriptor left. Threads: any. Since 0.1.0.
 */
int skl_call_output_fd(const skl_call *call);

/**
 * The content of a file that an ended call left in its work directory. `path` is one of the result's "files".
 *
 * On SKL_OK the caller owns `*out`, at most `max_bytes` long; a larger file is an error, never cut. The work
 * directory lives as long as the call. Statuses: NULL_ARGUMENT, INVALID_UTF8, WAIT_TIMEOUT (it has not ended),
 * RESOURCE_NOT_FOUND, RESOURCE_TOO_LARGE, PATH_ESCAPE, IO, UNSUPPORTED (the calls of a response), FORKED. Threads: any.
 * Since 0.1.0.
 */
skl_status skl_call_read_file(const skl_call *call,
                              const char *path,
                              size_t path_len,
                              uint64_t max_bytes,
                              skl_buffer **out,
                              skl_error **err);

/**
 * Copies a file that an ended call left in its work directory to the same path below the folder `dest` of the host, which
 * is there. `path` is one of the result's "files"; the empty path means all of them.
 *
 * Folders on the way are made. Files are plain: 0644, folders 0755, less the process' umask. Each appears whole under its
 * name, and only where nothing has it; links below `dest` are not followed. On failure nothing of this call is left in
 * `dest`. All files together have at most the call's disk_bytes. The work directory lives as long as the call, so keep what is
 * wanted before `skl_call_free()`. A script chooses its names: give it a folder of its own. Statuses: NULL_ARGUMENT,
 * INVALID_UTF8, WAIT_TIMEOUT (it has not ended), RESOURCE_NOT_FOUND, RESOURCE_TOO_LARGE, PATH_ESCAPE (a link or a file on the way),
 * ALREADY_EXISTS, RESOURCES, IO, UNSUPPORTED (the calls of a response), FORKED. Threads: any. Since 0.1.0.
 */
skl_status skl_call_keep(const skl_call *call,
                         const char *path,
                         size_t path_len,
                         const char *dest,
                         size_t dest_len,
                         skl_error **err);

/**
 * Releases a call, which cancels it if it still runs. Does not wait for the script: what the call
 * used is released when it has ended. NULL is a no-op. In a forked child the handle is left alone.
 *
 * Threads: any. Since 0.1.0.
 */
void skl_call_free(skl_call *call);

/**
 * Makes an empty stream for one response.
 *
 * `dialect` names the vendor's shape, as in `skl_engine_tools()`. On SKL_OK the caller owns `*out` and releases it with
 * `skl_stream_free()`. Statuses: NULL_ARGUMENT, INVALID_UTF8, UNKNOWN_DIALECT, UNSUPPORTED (a build
 * without the feature "dialects"). Threads: any. Since 0.1.0.
 */
skl_status skl_stream_new(const char *dialect,
                          size_t dialect_len,
                          skl_stream **out,
                          skl_error **err);

/**
 * Takes the next bytes of the response's body, as they came from the network and cut anywhere: server-sent events, or
 * JSON objects one after another (by line, in an array, or with nothing between them). `data` is borrowed for the call.
 *
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_RESPONSE (an event is no JSON or not of the dialect, the vendor reports
 * an error in it, or the stream is larger than 64 MiB). A failure is final: every later function gives it again.
 * Threads: any. Since 0.1.0.
 */
skl_status skl_stream_feed(skl_stream *stream,
                           const char *data,
                           size_t data_len,
                           skl_error **err);

/**
 * Whether the model's turn is over, so that `skl_stream_response()` gives it. What comes after it (counts of tokens, an
 * end mark) may still be fed. False for NULL and after a failure. Threads: any. Since 0.1.0.
 */
bool skl_stream_is_complete(const skl_stream *stream);

/**
 * The response that the vendor would have given without streaming, as far as tool calls are concerned: the `response` of
 * `skl_engine_handle()` and `skl_engine_respond()`. May be repeated.
 *
 * On SKL_OK the caller owns `*response`, a JSON document. Statuses: NULL_ARGUMENT, INVALID_RESPONSE (the stream is not at
 * its end: a call that was cut off must not run), and the failure of an earlier feed. Threads: any. Since 0.1.0.
 */
skl_status skl_stream_response(const skl_stream *stream,
                               skl_buffer **response,
                               skl_error **err);

/**
 * Releases a stream. NULL is a no-op. Threads: any. Since 0.1.0.
 */
void skl_stream_free(skl_stream *stream);

/**
 * Makes an agent over an engine. Nothing is started and nothing is posted.
 *
 * `config` is a JSON document (docs/agent.md#config), borrowed for the call; it names at least the "dialect". On SKL_OK the
 * caller owns `*out` and releases it with `skl_agent_free()`. The agent keeps what it needs of the engine, so the handles
 * may be freed in any order. Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON, INVALID_CONFIG (names the key),
 * UNKNOWN_DIALECT, TOOL_NOT_FOUND (the config names a tool that is not there), FORKED, CLOSED, UNSUPPORTED (a build without
 * the feature "agent"). Threads: any. Since 0.1.0.
 */
skl_status skl_agent_new(skl_engine *engine,
                         const char *config,
                         size_t config_len,
                         skl_agent **out,
                         skl_error **err);

/**
 * Begins a turn: adds what the user says to the conversation. `skl_agent_next()` then tells what to do.
 *
 * `words` is the user's text, as it is. `messages` is a JSON array of messages in the dialect's shape (images, a context of
 * the host's), which are added before it. Either may be empty, not both. Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_JSON,
 * INVALID_CONFIG (names the argument), OUT_OF_TURN (a turn has not ended: finish or cancel it), FORKED, CLOSED. Threads: any.
 * Since 0.1.0.
 */
skl_status skl_agent_ask(skl_agent *agent,
                         const char *words,
                         size_t words_len,
                         const char *messages,
                         size_t messages_len,
                         skl_error **err);

/**
 * Goes on as far as possible without the host, and tells what the host does next. Starts calls, collects their results,
 * and waits for them at most `timeout_ms`: 0 looks and returns at once, a negative number waits without end (the limits
 * of the turn and of the calls end it).
 *
 * On SKL_OK the caller owns `*step`, a JSON document (docs/agent.md#steps) whose "step" is "ask" (nothing was asked yet),
 * "request" (post "body", then feed the response), "approval" (decide on "calls"), "running" (the time is over, "calls" are
 * not), "answer" ("text" ends the turn) or "stopped" ("reason" ended it). May be repeated: until the host does what it
 * says, it says the same. Statuses: NULL_ARGUMENT, FORKED, CLOSED, and those of `skl_engine_call()` that only the host
 * can repair; the turn is kept then, and the next `skl_agent_next()` tries again. Threads: any; blocks in calls that run.
 * Since 0.1.0.
 */
skl_status skl_agent_next(skl_agent *agent,
                          int64_t timeout_ms,
                          skl_buffer **step,
                          skl_error **err);

/**
 * Takes the model's response to the last "request": the body as it comes from the network, cut anywhere, streamed or
 * whole. `is_end` says that `data`, which may be empty, is the last of it. `data` is borrowed for the call.
 *
 * The calls in it are started by `skl_agent_next()`. A response that is none leaves the conversation as it was: the next
 * `skl_agent_next()` gives the same request, to be posted again. Statuses: NULL_ARGUMENT, INVALID_UTF8, INVALID_RESPONSE (no
 * JSON, not of the dialect, an error of the vendor, cut off, or larger than 64 MiB), OUT_OF_TURN (no request is open), FORKED.
 * Threads: any. Since 0.1.0.
 */
skl_status skl_agent_feed(skl_agent *agent,
                          const char *data,
                          size_t data_len,
                          bool is_end,
                          skl_error **err);

/**
 * Decides on a call of an "approval" step. A call that is allowed is started by `skl_agent_next()`; for one that is denied
 * the model reads that, and `reason`, which may be empty.
 *
 * Statuses: NULL_ARGUMENT, INVALID_UTF8, OUT_OF_TURN (no call of this id waits for approval; names those that do), FORKED.
 * Threads: any. Since 0.1.0.
 */
skl_status skl_agent_approve(skl_agent *agent,
                             const char *call_id,
                             size_t call_id_len,
                             bool is_allowed,
                             const char *reason,
                             size_t reason_len,
                             skl_error **err);

/**
 * What happened since the last time, for showing progress: a JSON array of events (docs/agent.md#events), oldest first.
 *
 * On SKL_OK the caller owns `*events`. The events of one agent are bounded; the oldest give way, and a first event
 * "dropped" counts them. Nothing depends on whether a host reads them. Statuses: NULL_ARGUMENT, FORKED. Threads: any; every
 * event is given once. Since 0.1.0.
 */
skl_status skl_agent_events(skl_agent *agent,
                            skl_buffer **events,
                            skl_error **err);

/**
 * A descriptor that is readable while `skl_agent_next()` has something to do, because calls have ended or something was
 * fed, approved or cancelled since it last looked; for poll, epoll and event loops. It is a pipe and the same one as long
 * as the agent lives. It belongs to the agent: do not close it, and stop polling it before the agent is freed.
 *
 * -1 for NULL, in a forked child, without the feature "agent", and when the process has no descriptor left. Threads: any.
 * Since 0.1.0.
 */
int skl_agent_fd(const skl_agent *agent);

/**
 * Ends the turn. Returns at once: calls that run are ended and answered as cancelled, and the next step is "stopped" with the
 * reason "cancelled". A response that comes later is refused. Between turns it does nothing. May be repeated; the next
 * `skl_agent_ask()` goes on with the conversation.
 *
 * Statuses: NULL_ARGUMENT, FORKED, UNSUPPORTED. Threads: any. Since 0.1.0.
 */
skl_status skl_agent_cancel(skl_agent *agent);

/**
 * The conversation so far: a JSON array of messages in the dialect's shape, without the system prompt. Given to a new agent
 * as "messages" it goes on where it was: calls that had no answer yet are asked about and run anew.
 *
 * On SKL_OK the caller owns `*transcript`. Statuses: NULL_ARGUMENT, FORKED. Threads: any. Since 0.1.0.
 */
skl_status skl_agent_transcript(const skl_agent *agent,
                                skl_buffer **transcript,
                                skl_error **err);

/**
 * Releases an agent, which ends its turn; does not wait for scripts. A thread that waits in `skl_agent_next()` gets the step
 * "stopped". NULL is a no-op. In a forked child the handle is left alone. Threads: any. Since 0.1.0.
 */
void skl_agent_free(skl_agent *agent);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SKILLLITE_H */
