package skilllite

// The way into the library: every function of skilllite.h once, with Go's types. No other file knows C.

// #include <skilllite.h>
import "C"

import (
	"unsafe"

	"skilllite.dev/go/skilllite/internal/tally"
)

type (
	engineHandle = handle[*C.skl_engine]
	callHandle   = handle[*C.skl_call]
	streamHandle = handle[*C.skl_stream]
	agentHandle  = handle[*C.skl_agent]
)

// What the header at compile time says of itself.
const (
	headerABI     = C.SKL_ABI_VERSION
	headerVersion = C.SKL_VERSION_NUMBER
)

// Strings and documents, borrowed by the library until the function returns.

func text(s string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(s))), C.size_t(len(s))
}

func data(b []byte) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))), C.size_t(len(b))
}

// fail turns a status and its error object, which it frees, into an error; nil for SKL_OK.
func fail(status C.skl_status, object *C.skl_error) error {
	if status == C.SKL_OK {
		return nil
	}
	code := Code(status)
	if object == nil {
		return &Error{Code: code, Message: code.String()}
	}
	tally.Error.Made()
	failure := &Error{Code: Code(C.skl_error_status(object)), Message: C.GoString(C.skl_error_message(object))}
	C.skl_error_free(object)
	tally.Error.Freed()
	return failure
}

// take copies what a buffer holds and frees it, or passes a failure on.
func take(status C.skl_status, buffer *C.skl_buffer, object *C.skl_error) ([]byte, error) {
	if err := fail(status, object); err != nil {
		return nil, err
	}
	return copied(buffer), nil
}

// copied is what a buffer holds; the buffer is freed.
func copied(buffer *C.skl_buffer) []byte {
	tally.Buffer.Made()
	held := unsafe.Slice((*byte)(unsafe.Pointer(C.skl_buffer_data(buffer))), int(C.skl_buffer_len(buffer)))
	content := append(make([]byte, 0, len(held)), held...)
	C.skl_buffer_free(buffer)
	tally.Buffer.Freed()
	return content
}

// fetch calls a function whose output is a buffer, while it holds the handle.
func fetch[P any](h *handle[P], function func(self P, out **C.skl_buffer, err **C.skl_error) C.skl_status) ([]byte, error) {
	self, closed := h.acquire()
	if closed != nil {
		return nil, closed
	}
	defer h.release()
	var out *C.skl_buffer
	var err *C.skl_error
	status := function(self, &out, &err)
	return take(status, out, err)
}

// perform calls a function without an output, while it holds the handle.
func perform[P any](h *handle[P], function func(self P, err **C.skl_error) C.skl_status) error {
	self, closed := h.acquire()
	if closed != nil {
		return closed
	}
	defer h.release()
	var err *C.skl_error
	status := function(self, &err)
	return fail(status, err)
}

// The library

func nativeABIVersion() uint32 { return uint32(C.skl_abi_version()) }

func nativeVersion() string { return C.GoString(C.skl_version()) }

func nativeHasFeature(name string) bool {
	nameText, nameLen := text(name)
	return bool(C.skl_has_feature(nameText, nameLen))
}

func nativeStatusName(code Code) string { return C.GoString(C.skl_status_name(C.int32_t(code))) }

func nativeProbe() ([]byte, error) {
	var report *C.skl_buffer
	var err *C.skl_error
	status := C.skl_probe(&report, &err)
	return take(status, report, err)
}

func nativeValidate(dir string) ([]byte, error) {
	var findings *C.skl_buffer
	var err *C.skl_error
	dirText, dirLen := text(dir)
	status := C.skl_skill_validate(dirText, dirLen, &findings, &err)
	return take(status, findings, err)
}

// Engines

func nativeEngineNew(config []byte) (*engineHandle, error) {
	var engine *C.skl_engine
	var err *C.skl_error
	configText, configLen := data(config)
	status := C.skl_engine_new(configText, configLen, &engine, &err)
	if failure := fail(status, err); failure != nil {
		return nil, failure
	}
	return newHandle(tally.Engine, "engine", engine, func(engine *C.skl_engine) { C.skl_engine_free(engine) }), nil
}

func nativeEngineClose(h *engineHandle) error {
	return perform(h, func(engine *C.skl_engine, err **C.skl_error) C.skl_status { return C.skl_engine_close(engine, err) })
}

func nativeLoad(h *engineHandle, dir string) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		dirText, dirLen := text(dir)
		return C.skl_engine_load(engine, dirText, dirLen, out, err)
	})
}

func nativeReload(h *engineHandle) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		return C.skl_engine_reload(engine, out, err)
	})
}

func nativeRemove(h *engineHandle, skill string) error {
	return perform(h, func(engine *C.skl_engine, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		return C.skl_engine_remove(engine, skillText, skillLen, err)
	})
}

func nativeEnable(h *engineHandle, skill string, isEnabled bool) error {
	return perform(h, func(engine *C.skl_engine, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		return C.skl_engine_enable(engine, skillText, skillLen, C.bool(isEnabled), err)
	})
}

func nativePrepare(h *engineHandle, skill string) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		return C.skl_engine_prepare(engine, skillText, skillLen, out, err)
	})
}

func nativeSkills(h *engineHandle) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		return C.skl_engine_skills(engine, out, err)
	})
}

func nativeTools(h *engineHandle, dialect string) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		dialectText, dialectLen := text(dialect)
		return C.skl_engine_tools(engine, dialectText, dialectLen, out, err)
	})
}

func nativeInstructions(h *engineHandle, skill string) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		return C.skl_engine_instructions(engine, skillText, skillLen, out, err)
	})
}

func nativeResources(h *engineHandle, skill string) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		return C.skl_engine_resources(engine, skillText, skillLen, out, err)
	})
}

func nativeReadResource(h *engineHandle, skill, path string, maxBytes uint64) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		pathText, pathLen := text(path)
		return C.skl_engine_read_resource(engine, skillText, skillLen, pathText, pathLen, C.uint64_t(maxBytes), out, err)
	})
}

func nativeManifest(h *engineHandle, skill string) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		return C.skl_engine_manifest(engine, skillText, skillLen, out, err)
	})
}

func nativeScan(h *engineHandle, skill string) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		skillText, skillLen := text(skill)
		return C.skl_engine_scan(engine, skillText, skillLen, out, err)
	})
}

func nativePrompt(h *engineHandle, options []byte) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		optionsText, optionsLen := data(options)
		return C.skl_engine_prompt(engine, optionsText, optionsLen, out, err)
	})
}

func nativePlan(h *engineHandle, tool string, args, options []byte) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		toolText, toolLen := text(tool)
		argsText, argsLen := data(args)
		optionsText, optionsLen := data(options)
		return C.skl_engine_plan(engine, toolText, toolLen, argsText, argsLen, optionsText, optionsLen, out, err)
	})
}

// nativeExecute holds its thread until the run has ended.
func nativeExecute(h *engineHandle, tool string, args, options []byte) ([]byte, error) {
	return fetch(h, func(engine *C.skl_engine, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		toolText, toolLen := text(tool)
		argsText, argsLen := data(args)
		optionsText, optionsLen := data(options)
		return C.skl_engine_execute(engine, toolText, toolLen, argsText, argsLen, optionsText, optionsLen, out, err)
	})
}

// Calls

func nativeCall(h *engineHandle, tool string, args, options []byte) (*callHandle, error) {
	return begun(h, func(engine *C.skl_engine, out **C.skl_call, err **C.skl_error) C.skl_status {
		toolText, toolLen := text(tool)
		argsText, argsLen := data(args)
		optionsText, optionsLen := data(options)
		return C.skl_engine_call(engine, toolText, toolLen, argsText, argsLen, optionsText, optionsLen, out, err)
	})
}

func nativeRespond(h *engineHandle, dialect string, response, options []byte) (*callHandle, error) {
	return begun(h, func(engine *C.skl_engine, out **C.skl_call, err **C.skl_error) C.skl_status {
		dialectText, dialectLen := text(dialect)
		responseText, responseLen := data(response)
		optionsText, optionsLen := data(options)
		return C.skl_engine_respond(engine, dialectText, dialectLen, responseText, responseLen, optionsText, optionsLen, out, err)
	})
}

// begun is what a function of the engine has started.
func begun(h *engineHandle, function func(engine *C.skl_engine, out **C.skl_call, err **C.skl_error) C.skl_status) (*callHandle, error) {
	engine, closed := h.acquire()
	if closed != nil {
		return nil, closed
	}
	defer h.release()
	var call *C.skl_call
	var err *C.skl_error
	status := function(engine, &call, &err)
	if failure := fail(status, err); failure != nil {
		return nil, failure
	}
	return newHandle(tally.Call, "call", call, func(call *C.skl_call) { C.skl_call_free(call) }), nil
}

// nativeWait holds its thread until the run has ended, or for the time given; -1 is without end.
func nativeWait(h *callHandle, timeoutMS int64) ([]byte, error) {
	return fetch(h, func(call *C.skl_call, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		return C.skl_call_wait(call, C.int64_t(timeoutMS), out, err)
	})
}

func nativeCancel(h *callHandle) error {
	return perform(h, func(call *C.skl_call, _ **C.skl_error) C.skl_status { return C.skl_call_cancel(call) })
}

func nativeReadFile(h *callHandle, path string, maxBytes uint64) ([]byte, error) {
	return fetch(h, func(call *C.skl_call, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		pathText, pathLen := text(path)
		return C.skl_call_read_file(call, pathText, pathLen, C.uint64_t(maxBytes), out, err)
	})
}

func nativeKeep(h *callHandle, path, dest string) error {
	return perform(h, func(call *C.skl_call, err **C.skl_error) C.skl_status {
		pathText, pathLen := text(path)
		destText, destLen := text(dest)
		return C.skl_call_keep(call, pathText, pathLen, destText, destLen, err)
	})
}

// nativeRead takes what a stream of a call has, up to 64 KiB; it waits at most for the time given, and then there is nothing.
func nativeRead(h *callHandle, stream int, timeoutMS int64) (chunk []byte, isEnd bool, err error) {
	call, closed := h.acquire()
	if closed != nil {
		return nil, false, closed
	}
	defer h.release()
	var buffer *C.skl_buffer
	var object *C.skl_error
	status := C.skl_call_read(call, C.uint32_t(stream), C.int64_t(timeoutMS), &buffer, &object)
	if err := fail(status, object); err != nil {
		return nil, false, err
	}
	if buffer == nil {
		return nil, true, nil
	}
	return copied(buffer), false, nil
}

// nativeOutputFD is the descriptor, the library's own, that is readable while a stream has something; -1 if there is none.
func nativeOutputFD(call *C.skl_call) int { return int(C.skl_call_output_fd(call)) }

// nativeCompletion is the descriptor, the library's own, that is at its end when the run is; -1 if there is none.
func nativeCompletion(call *C.skl_call) int { return int(C.skl_call_fd(call)) }

// Streams

func nativeStreamNew(dialect string) (*streamHandle, error) {
	var stream *C.skl_stream
	var err *C.skl_error
	dialectText, dialectLen := text(dialect)
	status := C.skl_stream_new(dialectText, dialectLen, &stream, &err)
	if failure := fail(status, err); failure != nil {
		return nil, failure
	}
	return newHandle(tally.Stream, "stream", stream, func(stream *C.skl_stream) { C.skl_stream_free(stream) }), nil
}

func nativeStreamFeed(h *streamHandle, chunk []byte) error {
	return perform(h, func(stream *C.skl_stream, err **C.skl_error) C.skl_status {
		chunkText, chunkLen := data(chunk)
		return C.skl_stream_feed(stream, chunkText, chunkLen, err)
	})
}

func nativeStreamIsComplete(h *streamHandle) (isComplete bool, err error) {
	err = perform(h, func(stream *C.skl_stream, _ **C.skl_error) C.skl_status {
		isComplete = bool(C.skl_stream_is_complete(stream))
		return C.SKL_OK
	})
	return isComplete, err
}

func nativeStreamResponse(h *streamHandle) ([]byte, error) {
	return fetch(h, func(stream *C.skl_stream, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		return C.skl_stream_response(stream, out, err)
	})
}

// Agents

func nativeAgentNew(h *engineHandle, config []byte) (*agentHandle, error) {
	engine, closed := h.acquire()
	if closed != nil {
		return nil, closed
	}
	defer h.release()
	var agent *C.skl_agent
	var err *C.skl_error
	configText, configLen := data(config)
	status := C.skl_agent_new(engine, configText, configLen, &agent, &err)
	if failure := fail(status, err); failure != nil {
		return nil, failure
	}
	return newHandle(tally.Agent, "agent", agent, func(agent *C.skl_agent) { C.skl_agent_free(agent) }), nil
}

func nativeAgentAsk(h *agentHandle, words string, messages []byte) error {
	return perform(h, func(agent *C.skl_agent, err **C.skl_error) C.skl_status {
		wordsText, wordsLen := text(words)
		messagesText, messagesLen := data(messages)
		return C.skl_agent_ask(agent, wordsText, wordsLen, messagesText, messagesLen, err)
	})
}

// nativeAgentNext holds its thread until there is something to do, or for the time given.
func nativeAgentNext(h *agentHandle, timeoutMS int64) ([]byte, error) {
	return fetch(h, func(agent *C.skl_agent, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		return C.skl_agent_next(agent, C.int64_t(timeoutMS), out, err)
	})
}

func nativeAgentFeed(h *agentHandle, chunk []byte, isEnd bool) error {
	return perform(h, func(agent *C.skl_agent, err **C.skl_error) C.skl_status {
		chunkText, chunkLen := data(chunk)
		return C.skl_agent_feed(agent, chunkText, chunkLen, C.bool(isEnd), err)
	})
}

func nativeAgentApprove(h *agentHandle, callID string, isAllowed bool, reason string) error {
	return perform(h, func(agent *C.skl_agent, err **C.skl_error) C.skl_status {
		callIDText, callIDLen := text(callID)
		reasonText, reasonLen := text(reason)
		return C.skl_agent_approve(agent, callIDText, callIDLen, C.bool(isAllowed), reasonText, reasonLen, err)
	})
}

func nativeAgentEvents(h *agentHandle) ([]byte, error) {
	return fetch(h, func(agent *C.skl_agent, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		return C.skl_agent_events(agent, out, err)
	})
}

// nativeAgentFD is the descriptor, the library's own, that is readable while there is something to do; -1 if there is none.
func nativeAgentFD(agent *C.skl_agent) int { return int(C.skl_agent_fd(agent)) }

func nativeAgentCancel(h *agentHandle) error {
	return perform(h, func(agent *C.skl_agent, _ **C.skl_error) C.skl_status { return C.skl_agent_cancel(agent) })
}

func nativeAgentTranscript(h *agentHandle) ([]byte, error) {
	return fetch(h, func(agent *C.skl_agent, out **C.skl_buffer, err **C.skl_error) C.skl_status {
		return C.skl_agent_transcript(agent, out, err)
	})
}
