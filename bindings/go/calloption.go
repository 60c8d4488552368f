package skilllite

import (
	"encoding/json"
	"time"
)

// A CallOption narrows the engine's policy for one call, or gives the call what it needs. An attempt to widen is ErrPolicyWidened.
type CallOption func(*callOptions)

type callOptions struct {
	keys   document
	limits document
	env    map[string]string
	files  map[string]any
	raw    json.RawMessage
}

// WithTimeout bounds the time of the run, its time in the queue included, as Limits.Wall does: the run is then [ErrTimeout].
func WithTimeout(d time.Duration) CallOption {
	return func(o *callOptions) { o.setLimits(document{"wall_ms": milliseconds(d)}) }
}

// WithLimits tightens limits of the policy.
func WithLimits(limits Limits) CallOption {
	return func(o *callOptions) { o.setLimits(limits.document()) }
}

// WithEnv adds an environment variable.
func WithEnv(name, value string) CallOption {
	return func(o *callOptions) {
		if o.env == nil {
			o.env = map[string]string{}
		}
		o.env[name] = value
	}
}

// WithFile puts a file into the work folder.
func WithFile(name string, content []byte) CallOption {
	return func(o *callOptions) { o.setFile(name, map[string][]byte{"base64": append([]byte{}, content...)}) }
}

// WithHostFile puts a copy of a file of the host into the work folder; it must lie in Policy.ReadPaths.
func WithHostFile(name, path string) CallOption {
	return func(o *callOptions) { o.setFile(name, map[string]string{"path": path}) }
}

// WithStdin gives the script a standard input, for tools that do not take their arguments there.
func WithStdin(text string) CallOption {
	return func(o *callOptions) { o.keys["stdin"] = text }
}

// WithCwd starts the script in "work" or "skill".
func WithCwd(cwd string) CallOption {
	return func(o *callOptions) { o.keys["cwd"] = cwd }
}

// WithNetwork allows fewer hosts than the policy; Network{} allows none.
func WithNetwork(network Network) CallOption {
	return func(o *callOptions) { o.keys["network"] = network }
}

// WithFresh asks for a process and a work folder of its own.
func WithFresh() CallOption {
	return func(o *callOptions) { o.keys["fresh"] = true }
}

// WithCallID names the call; the result repeats it.
func WithCallID(id string) CallOption {
	return func(o *callOptions) { o.keys["call_id"] = id }
}

// WithOutput lets [Call.Output] and [Call.ErrorOutput] be read while the script runs. They must be read then.
func WithOutput() CallOption {
	return func(o *callOptions) { o.keys["stream"] = true }
}

// WithOptions gives an options document, for keys that have no function here. Other options replace its keys; alone it is passed on
// as it is.
func WithOptions(document json.RawMessage) CallOption {
	return func(o *callOptions) { o.raw = document }
}

func (o *callOptions) setLimits(limits document) {
	if o.limits == nil {
		o.limits = document{}
	}
	for name, value := range limits {
		o.limits[name] = value
	}
}

func (o *callOptions) setFile(name string, content any) {
	if o.files == nil {
		o.files = map[string]any{}
	}
	o.files[name] = content
}

func optionsDocument(options []CallOption) ([]byte, error) {
	if len(options) == 0 {
		return nil, nil
	}
	o := callOptions{keys: document{}}
	for _, option := range options {
		option(&o)
	}
	o.keys.set("limits", o.limits, o.limits != nil)
	o.keys.set("env", o.env, o.env != nil)
	o.keys.set("files", o.files, o.files != nil)
	return o.keys.over(o.raw)
}
