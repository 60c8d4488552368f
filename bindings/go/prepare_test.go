package skilllite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

const needy = "# /// script\n# dependencies = [\"no-such-package\"]\n# ///\nprint('ran')\n"

func TestPrepareOfAHostThatInstallsNothing(t *testing.T) {
	engine := begin(t, Options{SkillsDir: writeSkill(t, "needy", "python", needy), Policy: Policy{MinTier: TierLandlock}})
	report := must(engine.Prepare(context.Background(), ""))(t)
	if len(report.Environments) != 1 || len(report.Raw) == 0 {
		t.Fatalf("%s", report.Raw)
	}
	environment := report.Environments[0]
	equal(t, "state", environment.State, "host")
	equal(t, "requirements", fmt.Sprint(environment.Requirements), "[no-such-package]")
	if err := second(engine.Prepare(context.Background(), "nobody")); !errors.Is(err, ErrSkillNotFound) {
		t.Error(err)
	}
}

func TestPrepareEndsWithItsContextAndWithItsEngine(t *testing.T) {
	asked := make(chan struct{}, 16)
	ended := make(chan struct{})
	index := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		asked <- struct{}{}
		<-ended
	}))
	defer index.Close()
	defer close(ended)
	config := must(json.Marshal(map[string]any{
		"policy":       map[string]any{"min_tier": "landlock", "network": map[string]any{"allow": []string{}, "accept_port_only": true}},
		"cache_dir":    t.TempDir(),
		"dependencies": map[string]any{"python_index": index.URL + "/simple/"},
	}))(t)
	engine := begin(t, Options{SkillsDir: writeSkill(t, "needy", "python", needy), Config: config})
	if err := second(engine.Execute(context.Background(), "needy", nil)); !errors.Is(err, ErrNotPrepared) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	if err := second(engine.Prepare(ctx, "needy")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	waiting := make(chan error)
	go func() { waiting <- second(engine.Prepare(context.Background(), "needy")) }()
	if err := engine.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
