package skilllite

import "encoding/json"

// What the library tells, as Go values. Fields mirror docs/api-conventions.md; Raw is the document that they come from, with what a
// later library adds.

// A Diagnostic is something to know about a skill.
type Diagnostic struct {
	Severity string          `json:"severity"` // "error", "warning" or "info"
	Code     string          `json:"code"`     // stable
	Message  string          `json:"message"`
	Field    string          `json:"field"` // "" where it is about no field
	Line     int             `json:"line"`  // 0 where it is about no line
	Raw      json.RawMessage `json:"-"`
}

// A SkippedSkill is a folder that could not be used, and why.
type SkippedSkill struct {
	Path        string       `json:"path"`
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// A LoadReport is what one load made usable, and what not.
type LoadReport struct {
	Skills      []string        `json:"skills"`
	Tools       []string        `json:"tools"`
	Skipped     []SkippedSkill  `json:"skipped"`
	Diagnostics []Diagnostic    `json:"diagnostics"`
	Raw         json.RawMessage `json:"-"`
}

// A ReloadReport is what one reload found: all that is usable now, and the names of skills that are new, changed and gone.
type ReloadReport struct {
	Skills      []string        `json:"skills"`
	Tools       []string        `json:"tools"`
	Skipped     []SkippedSkill  `json:"skipped"`
	Diagnostics []Diagnostic    `json:"diagnostics"`
	Added       []string        `json:"added"`
	Changed     []string        `json:"changed"`
	Removed     []string        `json:"removed"`
	Raw         json.RawMessage `json:"-"`
}

// A PrepareReport is what one Prepare installed, or found installed.
type PrepareReport struct {
	Environments []Environment   `json:"environments"` // none where nothing is declared
	Raw          json.RawMessage `json:"-"`
}

// An Environment is what some tools of a skill need, installed. docs/dependencies.md has the fields that are not here.
type Environment struct {
	Skill        string          `json:"skill"`
	Tools        []string        `json:"tools"`
	Language     string          `json:"language"`
	State        string          `json:"state"`  // "built", "ready" (it was there) or "host" (the config installs nothing)
	Source       string          `json:"source"` // the skill's file that declares the requirements
	Requirements []string        `json:"requirements"`
	Packages     []string        `json:"packages"` // what was installed, with versions
	Key          string          `json:"key"`
	Path         string          `json:"path"`
	Log          string          `json:"log"` // what the installer said, its end
	Hint         string          `json:"hint"`
	Raw          json.RawMessage `json:"-"`
}

// A Skill is a loaded skill, as the catalogue has it.
type Skill struct {
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	Root         string          `json:"root"`
	Digest       string          `json:"digest"`
	Tools        []string        `json:"tools"` // names; a skill of instructions only has none
	IsEnabled    bool            `json:"is_enabled"`
	Diagnostics  []Diagnostic    `json:"diagnostics"`
	Version      string          `json:"version"`
	License      string          `json:"license"`
	WantsNetwork bool            `json:"wants_network"`
	Resources    int             `json:"resources"` // how many
	Raw          json.RawMessage `json:"-"`
}

// A Resource is a file of a skill other than SKILL.md.
type Resource struct {
	Path         string          `json:"path"`
	Size         int64           `json:"size"`
	SHA256       string          `json:"sha256"`
	IsExecutable bool            `json:"is_executable"`
	Raw          json.RawMessage `json:"-"`
}

// A Tool is a tool independent of an LLM vendor's dialect.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Script      string          `json:"script"`
	Language    string          `json:"language"`
	Parameters  json.RawMessage `json:"parameters"` // a JSON Schema
	Provenance  json.RawMessage `json:"provenance"` // where the schema comes from
	NotStrict   json.RawMessage `json:"not_strict"` // for each strict dialect that cannot say the schema, why
}

// A Manifest is what a skill declares, its files with their digests, and its tools with their schemas.
type Manifest struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Root        string          `json:"root"`
	Digest      string          `json:"digest"`
	Files       []Resource      `json:"files"`
	Declared    json.RawMessage `json:"declared"` // the front matter as understood
	Tools       []Tool          `json:"tools"`
	Raw         json.RawMessage `json:"-"`
}

// A Severity is how much a finding of a scan matters.
type Severity string

// Severities, the least first.
const (
	SeverityInfo     Severity = "info"
	SeverityLow      Severity = "low"
	SeverityMedium   Severity = "medium"
	SeverityHigh     Severity = "high"
	SeverityCritical Severity = "critical"
)

// A ScanReport is what the sources of a skill look like they might do; docs/scan.md says what it is good for.
type ScanReport struct {
	Skill        string          `json:"skill"`
	Digest       string          `json:"digest"`
	IsDenied     bool            `json:"is_denied"` // Policy.Scan refuses calls of the skill
	Highest      Severity        `json:"highest"`   // "" without findings
	FilesScanned int             `json:"files_scanned"`
	Findings     []ScanFinding   `json:"findings"` // the worst first
	Omitted      int             `json:"omitted"`  // further findings, none of them worse
	Skipped      []ScanSkipped   `json:"skipped"`
	Raw          json.RawMessage `json:"-"`
}

// A ScanFinding is a place where a rule matched, why somebody should look, and what to do then.
type ScanFinding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Excerpt  string   `json:"excerpt"`
	Reason   string   `json:"reason"`
	Remedy   string   `json:"remedy"`
}

// A ScanSkipped is a file that may run and of which the scan cannot speak.
type ScanSkipped struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// A Layer is one layer of the sandbox: "active", "partial" or "absent", and in which way.
type Layer struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail"`
}

// A Probe is what isolation this host can give. Tier is the strongest, "" for none.
type Probe struct {
	Tier  Tier `json:"tier"`
	Tiers []struct {
		Tier        Tier `json:"tier"`
		IsAvailable bool `json:"is_available"`
	} `json:"tiers"`
	Layers    []Layer    `json:"layers"`
	Obstacles []Obstacle `json:"obstacles"`
	Platform  string     `json:"platform"`
	Version   string     `json:"version"`

	Raw json.RawMessage `json:"-"`
}

// An Obstacle puts a tier out of this host's reach; Remedy is what would help.
type Obstacle struct {
	Tier   Tier   `json:"tier"`
	Cause  string `json:"cause"`
	Remedy string `json:"remedy"`
}

func (d *Diagnostic) UnmarshalJSON(text []byte) error {
	type plain Diagnostic
	return keeping(text, (*plain)(d), &d.Raw)
}

func (r *LoadReport) UnmarshalJSON(text []byte) error {
	type plain LoadReport
	return keeping(text, (*plain)(r), &r.Raw)
}

func (r *ReloadReport) UnmarshalJSON(text []byte) error {
	type plain ReloadReport
	return keeping(text, (*plain)(r), &r.Raw)
}

func (r *PrepareReport) UnmarshalJSON(text []byte) error {
	type plain PrepareReport
	return keeping(text, (*plain)(r), &r.Raw)
}

func (e *Environment) UnmarshalJSON(text []byte) error {
	type plain Environment
	return keeping(text, (*plain)(e), &e.Raw)
}

func (s *Skill) UnmarshalJSON(text []byte) error {
	type plain Skill
	return keeping(text, (*plain)(s), &s.Raw)
}

func (r *Resource) UnmarshalJSON(text []byte) error {
	type plain Resource
	return keeping(text, (*plain)(r), &r.Raw)
}

func (m *Manifest) UnmarshalJSON(text []byte) error {
	type plain Manifest
	return keeping(text, (*plain)(m), &m.Raw)
}

func (r *ScanReport) UnmarshalJSON(text []byte) error {
	type plain ScanReport
	return keeping(text, (*plain)(r), &r.Raw)
}

func (p *Probe) UnmarshalJSON(text []byte) error {
	type plain Probe
	return keeping(text, (*plain)(p), &p.Raw)
}

// keeping reads a document into the fields of a value, and keeps it.
func keeping(text []byte, fields any, raw *json.RawMessage) error {
	if err := json.Unmarshal(text, fields); err != nil {
		return err
	}
	*raw = append(json.RawMessage(nil), text...)
	return nil
}

// decode reads what the library told, or passes its refusal on.
func decode[T any](text []byte, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	value := new(T)
	if err := json.Unmarshal(text, value); err != nil {
		return nil, &Error{Code: ErrInternal, Message: "the library's document does not fit this package: " + err.Error(), cause: err}
	}
	return value, nil
}
