// Package skilllite runs Agent Skills, folders with a SKILL.md and scripts, in a native Linux sandbox inside this process's host.
//
// An [Engine] loads folders of skills, gives their tools for an LLM's request ([Engine.Tools]), and runs the calls that the LLM
// makes: all of a response ([Engine.Handle]), one ([Engine.Execute]), or one that goes on beside the program ([Engine.Start]).
//
//	engine, err := skilllite.Open(ctx, skilllite.Options{SkillsDir: "skills"})
//	if err != nil {
//		return err
//	}
//	defer engine.Close()
//	result, err := engine.Execute(ctx, "calculator", map[string]any{"operation": "multiply", "a": 15, "b": 27})
//
// # Errors
//
// What the library refuses is an [*Error] with a [Code]; codes are errors themselves, so errors.Is(err, skilllite.ErrToolNotFound)
// works. A run that was ended from outside is a [*RunError], and then the [Result] is there as well: [ErrTimeout],
// [ErrLimit], [ErrDenied], [ErrCancelled], and context.Canceled or context.DeadlineExceeded where the context ended it. A script that exits
// with another code than 0 is no error: models read its output like any other, see [Result.OK].
//
// # Goroutines and threads
//
// Everything may be used from any goroutine. A running call costs no thread: its end comes by a descriptor in Go's poller. The library
// starts one thread for each engine, installs no signal handler and never shows its processes to os/exec or wait.
//
// # Lifetime
//
// [Engine], [Call] and [Stream] have a Close, which may be repeated. One that is only dropped is released by the garbage
// collector. Use after Close is [ErrClosed].
//
// # Linking
//
// The package finds the library by pkg-config (skilllite.pc, which make install writes). With the build tag skilllite_static the program
// contains the library and ships alone.
package skilllite
