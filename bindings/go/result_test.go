package skilllite

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestErrorsOfResults(t *testing.T) {
	all := []error{ErrTimeout, ErrLimit, ErrDenied, ErrNotRun, ErrCancelled}
	for status, is := range map[Status]error{
		StatusOK: nil, StatusTimeout: ErrTimeout, StatusLimit: ErrLimit, StatusDenied: ErrDenied, StatusError: ErrNotRun,
		StatusCancelled: ErrCancelled, "of a later version": errors.New("none of these"),
	} {
		err := (&Result{Status: status, Tool: "t"}).Err()
		equal(t, string(status), err == nil, status == StatusOK)
		for _, target := range all {
			equal(t, string(status)+": "+target.Error(), errors.Is(err, target), target == is)
		}
	}
	err := (&Result{Status: StatusDenied, Failure: &Failure{ErrIsolationUnavailable, "no namespaces"}}).Err()
	if !errors.Is(err, ErrIsolationUnavailable) || errors.Is(err, ErrSpawn) || !strings.HasSuffix(err.Error(), "no namespaces") {
		t.Error(err)
	}
	if err := (&Result{Tool: "mute"}).Decode(new(int)); err == nil || !strings.Contains(err.Error(), "mute") {
		t.Error(err)
	}
}

// What the scanner understands it understands as encoding/json does.
func compare(t *testing.T, text string) (isScanned bool) {
	t.Helper()
	parsed, err := parseResult([]byte(text))
	scanned := &Result{ExitCode: -1}
	if isScanned = scanResult([]byte(text), scanned); isScanned && err == nil && !reflect.DeepEqual(scanned, parsed) {
		t.Errorf("%s\nscanned: %+v\nparsed:  %+v", text, scanned, parsed)
	}
	return isScanned
}

func TestScanner(t *testing.T) {
	for _, text := range []string{
		`{}`, ` { "status" : "ok" , "exit_code" : -3 , "signal" : null } `,
		`{"status":"ok","exit_code":null,"signal":9,"output":null,"text":"a\"b\\c\u00e9\ud83d\ude00\n","stderr":"é\\","limit":"wall"}`,
		`{"output":[{"a":[1,2.5e3,-1,true,null,"]}"]},"\\\""],"text":"","network":{"x":{}}}`,
		`{"output":"x","files":[],"skipped_files":[{"path":"p","kind":"fifo","later":[1]}]}`,
		`{"files":[{"path":"a","size":12345678901,"sha256":null},{"sha256":"ff","path":"b","size":0}]}`,
		`{"usage":null,"isolation":null,"error":null,"skill":null}`,
		`{"usage":{"wall_ms":1.5,"cpu_ms":null,"peak_memory_bytes":7,"sandbox_ms":0.0,"later":{}},"later":"x","error":{"code":300,"message":"m"}}`,
		`{"isolation":{"tier":"full","layers":[{"name":"n","state":"active","detail":null},{}],"later":1},"tool":"t","call_id":"c"}`,
		`{"truncated":{"stdout":true,"stderr":false,"files":true,"l":1},"lossy":{"stderr":true},"total_bytes":{"stdout":1,"stderr":2}}`,
	} {
		if !compare(t, text) {
			t.Errorf("not understood: %s", text)
		}
	}
	for _, text := range []string{
		``, `{`, `[]`, `null`, `{"status"}`, `{"status":1}`, `{"status":"ok"`, `{"status":"ok"}x`, `{"status":"ok",}`, `{"text":"\q"}`,
		`{"text":"`, `{"text":"\`, `{"exit_code":1.5}`, `{"exit_code":"1"}`, `{"files":{}}`, `{"files":[1]}`, `{"output":}`, `{"output":[`,
		`{"truncated":{"stdout":1}}`, `{"usage":{"wall_ms":"x"}}`, `{"exit_code":99999999999999999999}`,
	} {
		if compare(t, text) {
			t.Errorf("understood: %s", text)
		}
	}
	if _, err := readResult([]byte(`{"status":1}`), nil); !errors.Is(err, ErrInternal) {
		t.Error(err)
	}
}

func TestScannerReadsWhatTheLibraryWrites(t *testing.T) {
	engine := begin(t, Options{SkillsDir: writeSkill(t, "varied", "python", `import os, sys
os.mkfifo("pipe"); open("dätei", "w").write("x")
sys.stderr.write("\x00\x01\t\"\\ \u2028 é\n"); print('{"a": [1, {"b": "\\u00e9"}]}')
`)})
	for _, options := range [][]CallOption{nil, {WithLimits(Limits{OutputBytes: 1024})}, {WithCallID(`"quoted" \`)}} {
		result, err := engine.Execute(context.Background(), "varied", nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		if !compare(t, string(result.Raw)) {
			t.Errorf("not understood: %s", result.Raw)
		}
		if len(result.Files) != 1 || len(result.SkippedFiles) != 1 || result.Output == nil {
			t.Errorf("%s", result.Raw)
		}
	}
}

func FuzzScanner(f *testing.F) {
	f.Add(`{"status":"ok","output":{"a":[1]},"files":[{"path":"p"}],"usage":{"wall_ms":1}}`)
	f.Fuzz(func(t *testing.T, text string) { compare(t, text) })
}
