package skilllite

import (
	"encoding/json"
	"time"
)

// Options of an engine. The zero value is safe and useful: no network, 30 seconds, 512 MiB; docs/api-conventions.md has all
// defaults and ranges.
type Options struct {
	// SkillsDir is loaded by Open where it is not empty: a skill, or a folder that holds skills. Engine.Load adds more.
	SkillsDir string
	// Policy bounds every call.
	Policy Policy
	// Interpreters are absolute paths by language: "python", "node", "bash", "sh".
	Interpreters map[string]string
	// SearchPath are absolute folders to look for interpreters in, instead of PATH.
	SearchPath []string
	// Cwd is where scripts start: "work", their own folder, or "skill".
	Cwd string
	// MaxRunning is how many calls run at once; 0 is twice the processors.
	MaxRunning int
	// MaxQueued is how many calls wait for their turn before ErrQueueFull; 0 is 1024, and a negative number none.
	MaxQueued int
	// SupervisorPath is the supervisor as a file, where executing from memory is forbidden.
	SupervisorPath string
	// CacheDir is a folder in which the library may keep what it found out about skills; without it nothing is written.
	CacheDir string
	// Skills are the names of the only skills that are loaded; none is all.
	Skills []string
	// Disclosure is which tools are given out, by engines and agents; see docs/disclosure.md. Empty is those of the skills.
	Disclosure Disclosure
	// Config is a config document for keys that have no field here. Fields that are set replace its keys; alone it is passed on as it is.
	Config json.RawMessage
}

func (o *Options) document() ([]byte, error) {
	keys := document{}
	keys.set("policy", o.Policy.document(), o.Policy.isSet())
	keys.set("interpreters", o.Interpreters, o.Interpreters != nil)
	keys.set("search_path", o.SearchPath, o.SearchPath != nil)
	keys.set("cwd", o.Cwd, o.Cwd != "")
	keys.set("max_running", o.MaxRunning, o.MaxRunning != 0)
	keys.set("max_queued", max(o.MaxQueued, 0), o.MaxQueued != 0)
	keys.set("supervisor_path", o.SupervisorPath, o.SupervisorPath != "")
	keys.set("cache_dir", o.CacheDir, o.CacheDir != "")
	keys.set("skills", o.Skills, o.Skills != nil)
	keys.set("disclosure", o.Disclosure, o.Disclosure != "")
	return keys.over(o.Config)
}

// A Disclosure is which tools are given out.
type Disclosure string

// Disclosures.
const (
	DisclosureAlso Disclosure = "also" // the three generic tools beside those of the skills
	DisclosureOnly Disclosure = "only" // the three generic tools alone
)

// MarshalJSON is the form that the library takes.
func (d Disclosure) MarshalJSON() ([]byte, error) {
	if d == DisclosureAlso {
		return []byte("true"), nil
	}
	return json.Marshal(string(d))
}

// A Tier is a strength of isolation.
type Tier string

// Tiers, from the strongest to the weakest.
const (
	TierFull       Tier = "full"
	TierNamespaces Tier = "namespaces"
	TierLandlock   Tier = "landlock"
)

// A Policy bounds what calls may do.
type Policy struct {
	// MinTier is the weakest isolation that is acceptable; below it nothing runs. Empty is TierNamespaces.
	MinTier Tier
	// MaxTier is the strongest isolation to use.
	MaxTier Tier
	// Network are the hosts that calls may reach; nil is none.
	Network *Network
	// Limits bound one call.
	Limits Limits
	// Env are variables of every script.
	Env map[string]string
	// ReadPaths are absolute host paths that scripts may read.
	ReadPaths []string
	// WritePaths are absolute host paths that scripts may read and write.
	WritePaths []string
	// DenySubprocess keeps scripts from starting further programs.
	DenySubprocess bool
	// Scan is which findings of the static scan calls are refused for; nil is none.
	Scan *ScanPolicy
}

// A ScanPolicy is which findings of the static scan calls are refused for; docs/scan.md has its meaning.
type ScanPolicy struct {
	// Deny refuses skills with a finding of this severity or a worse one, and those that cannot be scanned. Empty refuses none.
	Deny Severity `json:"deny,omitempty"`
	// Except are names of rules that are not applied.
	Except []string `json:"except,omitempty"`
	// Rules are further rules by name.
	Rules map[string]ScanRule `json:"rules,omitempty"`
}

// A ScanRule is a rule of the host's own.
type ScanRule struct {
	Severity Severity `json:"severity"`
	Reason   string   `json:"reason"`
	Remedy   string   `json:"remedy,omitempty"`
	// Queries of tree-sitter for a language, one at least; the capture @found is where.
	Python string `json:"python,omitempty"`
	Node   string `json:"node,omitempty"`
	Shell  string `json:"shell,omitempty"`
	Unless string `json:"unless,omitempty"` // "network": pointless for a skill that declares it
}

func (p *Policy) document() document {
	keys := document{}
	keys.set("min_tier", p.MinTier, p.MinTier != "")
	keys.set("max_tier", p.MaxTier, p.MaxTier != "")
	keys.set("network", p.Network, p.Network != nil)
	keys.set("limits", p.Limits.document(), p.Limits != Limits{})
	keys.set("env", p.Env, p.Env != nil)
	keys.set("read_paths", p.ReadPaths, p.ReadPaths != nil)
	keys.set("write_paths", p.WritePaths, p.WritePaths != nil)
	keys.set("subprocess", false, p.DenySubprocess)
	keys.set("scan", p.Scan, p.Scan != nil)
	return keys
}

func (p *Policy) isSet() bool { return len(p.document()) > 0 }

// A Network is a list of the hosts that may be reached; see docs/network.md. Empty, it allows nothing.
type Network struct {
	// Allow are rules such as "api.example.org:443".
	Allow []string
	// Limits by name, such as "connections" or "bytes_in".
	Limits map[string]int64
	// AcceptPortOnly accepts the weaker layer of hosts without network namespaces.
	AcceptPortOnly bool
}

// MarshalJSON is the form that the library takes.
func (n Network) MarshalJSON() ([]byte, error) {
	keys := document{"allow": append([]string{}, n.Allow...)}
	keys.set("limits", n.Limits, n.Limits != nil)
	keys.set("accept_port_only", true, n.AcceptPortOnly)
	return json.Marshal(keys)
}

// Limits bound one call; a field of 0 is the default.
type Limits struct {
	// Wall is how long a call may take, its time in the queue included.
	Wall time.Duration
	// CPU is processor time of all its processes.
	CPU time.Duration
	// MemoryBytes of all its processes.
	MemoryBytes int64
	// PIDs is how many processes and threads it may have at once.
	PIDs int
	// OpenFiles of one process.
	OpenFiles int
	// FileBytes is the largest file that it may write.
	FileBytes int64
	// DiskBytes that it may write in all.
	DiskBytes int64
	// OutputBytes of each stream that are kept, the head and the tail.
	OutputBytes int64
}

func (l Limits) document() document {
	keys := document{}
	keys.set("wall_ms", milliseconds(l.Wall), l.Wall != 0)
	keys.set("cpu_ms", milliseconds(l.CPU), l.CPU != 0)
	keys.set("memory_bytes", l.MemoryBytes, l.MemoryBytes != 0)
	keys.set("pids", l.PIDs, l.PIDs != 0)
	keys.set("open_files", l.OpenFiles, l.OpenFiles != 0)
	keys.set("file_bytes", l.FileBytes, l.FileBytes != 0)
	keys.set("disk_bytes", l.DiskBytes, l.DiskBytes != 0)
	keys.set("output_bytes", l.OutputBytes, l.OutputBytes != 0)
	return keys
}

// milliseconds rounds up, so that no positive time becomes none.
func milliseconds(d time.Duration) int64 {
	whole := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		whole++
	}
	return whole
}

// A document is a JSON object under construction.
type document map[string]any

func (d document) set(key string, value any, isSet bool) {
	if isSet {
		d[key] = value
	}
}

// over gives the text of the document with those keys of raw that it has not itself. A raw document that cannot be read is left for
// the library to refuse.
func (d document) over(raw json.RawMessage) ([]byte, error) {
	if len(d) == 0 {
		return raw, nil
	}
	if len(raw) > 0 {
		var keys map[string]json.RawMessage
		if json.Unmarshal(raw, &keys) != nil {
			return raw, nil
		}
		for key, value := range keys {
			if _, isSet := d[key]; !isSet {
				d[key] = value
			}
		}
	}
	return marshal(d)
}

// text of any value: JSON as it is from a json.RawMessage, a []byte or a string, nothing from nil.
func marshal(value any) ([]byte, error) {
	switch value := value.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return value, nil
	case []byte:
		return value, nil
	case string:
		return []byte(value), nil
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, &Error{Code: ErrInvalidJSON, Message: err.Error(), cause: err}
	}
	return encoded, nil
}
