package skilllite

import (
	"context"
	"encoding/json"
)

// Load adds the skills of a folder: it is a skill, or holds skills. A folder that was loaded before is read anew. A skill that cannot be
// used is skipped for a stated reason and is no error.
func (e *Engine) Load(dir string) (*LoadReport, error) {
	e.brief.enter()
	defer e.brief.leave()
	return decode[LoadReport](nativeLoad(e.handle, dir))
}

// Reload reads every folder that was loaded anew. If one cannot be read, nothing changes.
func (e *Engine) Reload() (*ReloadReport, error) {
	e.brief.enter()
	defer e.brief.leave()
	return decode[ReloadReport](nativeReload(e.handle))
}

// Remove takes a skill and its tools out, until its folder is loaded again.
func (e *Engine) Remove(skill string) error { return nativeRemove(e.handle, skill) }

// Enable gives the tools of a skill out and lets them be called, or no longer. Skills begin enabled.
func (e *Engine) Enable(skill string, isEnabled bool) error {
	return nativeEnable(e.handle, skill, isEnabled)
}

// Prepare installs what the scripts of a skill declare to need, or of every enabled skill if the name is empty, and waits for that.
// Without it, a call of such a skill is ErrNotPrepared where Options.Config has "dependencies"; see docs/dependencies.md.
//
// When the context ends, Prepare returns at once; the build goes on until its limits or Engine.Close end it.
func (e *Engine) Prepare(ctx context.Context, skill string) (*PrepareReport, error) {
	return await(ctx, e.long, func() (*PrepareReport, error) {
		return decode[PrepareReport](nativePrepare(e.handle, skill))
	})
}

// Skills are the loaded skills, in load order.
func (e *Engine) Skills() ([]Skill, error) {
	skills, err := decode[[]Skill](nativeSkills(e.handle))
	if err != nil {
		return nil, err
	}
	return *skills, nil
}

// Tools are the tools of all skills as a JSON array, for the "tools" field of a request as it is. Dialects are those of
// docs/dialects.md: "openai", "openai-responses", "anthropic", "gemini", "mcp", and strict variants such as "openai:strict".
func (e *Engine) Tools(dialect string) (json.RawMessage, error) {
	return nativeTools(e.handle, dialect)
}

// Instructions are the text of a skill's SKILL.md without the front matter.
func (e *Engine) Instructions(skill string) (string, error) {
	instructions, err := nativeInstructions(e.handle, skill)
	return string(instructions), err
}

// Resources are the files of a skill other than SKILL.md.
func (e *Engine) Resources(skill string) ([]Resource, error) {
	resources, err := decode[[]Resource](nativeResources(e.handle, skill))
	if err != nil {
		return nil, err
	}
	return *resources, nil
}

// ReadResource is the content of one of the Resources, as it was when the skill was loaded. A file larger than maxBytes is
// ErrResourceTooLarge, never cut.
func (e *Engine) ReadResource(skill, path string, maxBytes uint64) ([]byte, error) {
	e.brief.enter()
	defer e.brief.leave()
	return nativeReadResource(e.handle, skill, path, maxBytes)
}

// Manifest is what a skill declares, its files with their digests, and its tools with their schemas.
func (e *Engine) Manifest(skill string) (*Manifest, error) {
	return decode[Manifest](nativeManifest(e.handle, skill))
}

// Scan is what the sources of a skill look like they might do, by rules over their syntax (docs/scan.md). It is advice and never isolation.
// ErrUnsupported in a library without the feature "scan".
func (e *Engine) Scan(skill string) (*ScanReport, error) {
	e.brief.enter()
	defer e.brief.leave()
	return decode[ScanReport](nativeScan(e.handle, skill))
}

// PromptOptions say what Prompt tells; the zero value is all skills, in Markdown, without a budget. docs/disclosure.md has the meaning.
type PromptOptions struct {
	Form      string   `json:"form,omitempty"`       // "markdown" or "xml"
	Mode      string   `json:"mode,omitempty"`       // "summary", "standard" or "full"
	MaxTokens int      `json:"max_tokens,omitempty"` // a token is taken for 4 bytes
	Skills    []string `json:"skills,omitempty"`     // names
}

// Prompt is a text for a system prompt that tells of the skills; empty without a skill.
func (e *Engine) Prompt(options PromptOptions) (string, error) {
	text, err := marshal(options)
	if err != nil {
		return "", err
	}
	prompt, err := nativePrompt(e.handle, text)
	return string(prompt), err
}
