//go:build !race

package skilllite

import (
	"context"
	"slices"
	"testing"
	"time"
)

const mostOverhead = 20 * time.Microsecond

// What the binding adds to a call. Every step of Execute is timed against the same functions called from C, over calls that end in
// the queue, so that the time of processes and schedulers, a hundred times larger, does not hide it. Other work on the machine only
// adds: the fastest calls of the best round count.
func TestOverhead(t *testing.T) {
	engine := sleeper(t, Options{MaxRunning: 1})
	occupied := must(engine.Start(context.Background(), "sleeper", nil))(t)
	defer occupied.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	best := time.Hour
	for round := range 40 {
		binding, native := quantiles(t, 300, 0.02, func() error {
			run, err := engine.start(ctx, "sleeper", nil, nil)
			if err != nil {
				return err
			}
			defer run.handle.close()
			if err := nativeCancel(run.handle); err != nil {
				return err
			}
			_, _ = run.result(ctx)
			return nil
		}, func() error {
			call, err := nativeCall(engine.handle, "sleeper", nil, nil)
			if err != nil {
				return err
			}
			defer call.close()
			if err := nativeCancel(call); err != nil {
				return err
			}
			return second(nativeWait(call, -1))
		})
		if best = min(best, binding-native); best <= mostOverhead && round >= 4 {
			t.Logf("the binding adds %v to a call (at most %v)", best, mostOverhead)
			return
		}
	}
	t.Errorf("the binding adds %v to a call, more than %v", best, mostOverhead)
}

// Whole calls: Execute against skl_engine_execute, in turns. Run with -bench.
func BenchmarkExecute(b *testing.B) {
	engine := begin(b, Options{SkillsDir: writeSkill(b, "quick", "sh", "echo 1\n")})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	binding, native := quantiles(b, max(b.N, 10), 0.5,
		func() error { return second(engine.Execute(ctx, "quick", nil)) },
		func() error { return second(nativeExecute(engine.handle, "quick", nil, nil)) })
	b.ReportMetric(float64(binding.Microseconds()), "go-µs/call")
	b.ReportMetric(float64(native.Microseconds()), "c-µs/call")
	b.ReportMetric(float64(binding)/float64(native), "go/c")
	b.ReportMetric(0, "ns/op")
}

// quantiles times two functions in turns, and gives the time that the fraction of the calls of each does not exceed.
func quantiles(t testing.TB, rounds int, fraction float64, one, other func() error) (time.Duration, time.Duration) {
	t.Helper()
	times := [2][]time.Duration{}
	for range rounds {
		for i, function := range []func() error{one, other} {
			from := time.Now()
			err := function()
			times[i] = append(times[i], time.Since(from))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(times[0])
	slices.Sort(times[1])
	at := int(float64(rounds) * fraction)
	return times[0][at], times[1][at]
}
