package skilllite

import (
	"encoding/json"
	"strconv"
	"strings"
	"unsafe"
)

// Reading a result without reflection. encoding/json takes longer for a result than everything else that this package adds to a call
// taken together; this takes a tenth of it. It reads what the library writes and says no to everything that it does not expect, and then encoding/json
// decides.

// A scanner goes over JSON text once. After the first surprise hasFailed is true and what it gives has no meaning.
type scanner struct {
	text      string
	at        int
	hasFailed bool
}

// scanResult reads a result document; false where encoding/json has to look.
func scanResult(raw []byte, result *Result) bool {
	// Nobody writes to the document any more: the strings of the result are parts of it.
	s := &scanner{text: unsafe.String(unsafe.SliceData(raw), len(raw))}
	document := func() json.RawMessage {
		from := s.peek()
		s.skip()
		if s.hasFailed {
			return nil
		}
		return raw[from:s.at:s.at]
	}
	s.object(func(key string) {
		switch key {
		case "status":
			result.Status = Status(s.string())
		case "exit_code":
			s.optional(func() { result.ExitCode = int(s.integer()) })
		case "signal":
			s.optional(func() { result.Signal = int(s.integer()) })
		case "output":
			result.Output = document()
		case "text":
			result.Text = s.string()
		case "stderr":
			result.Stderr = s.string()
		case "limit":
			s.optional(func() { result.Limit = s.string() })
		case "truncated":
			s.object(func(key string) {
				switch key {
				case "stdout":
					result.Truncated.Stdout = s.boolean()
				case "stderr":
					result.Truncated.Stderr = s.boolean()
				case "files":
					result.Truncated.Files = s.boolean()
				default:
					s.skip()
				}
			})
		case "lossy":
			s.object(func(key string) {
				switch key {
				case "stdout":
					result.Lossy.Stdout = s.boolean()
				case "stderr":
					result.Lossy.Stderr = s.boolean()
				default:
					s.skip()
				}
			})
		case "total_bytes":
			s.object(func(key string) {
				switch key {
				case "stdout":
					result.TotalBytes.Stdout = s.integer()
				case "stderr":
					result.TotalBytes.Stderr = s.integer()
				default:
					s.skip()
				}
			})
		case "files":
			result.Files = []OutputFile{}
			s.array(func() {
				var file OutputFile
				s.object(func(key string) {
					switch key {
					case "path":
						file.Path = s.string()
					case "size":
						file.Size = s.integer()
					case "sha256":
						s.optional(func() { file.SHA256 = s.string() })
					default:
						s.skip()
					}
				})
				result.Files = append(result.Files, file)
			})
		case "skipped_files":
			result.SkippedFiles = []SkippedFile{}
			s.array(func() {
				var file SkippedFile
				s.object(func(key string) {
					switch key {
					case "path":
						file.Path = s.string()
					case "kind":
						file.Kind = s.string()
					default:
						s.skip()
					}
				})
				result.SkippedFiles = append(result.SkippedFiles, file)
			})
		case "usage":
			s.optional(func() { s.usage(&result.Usage) })
		case "isolation":
			s.optional(func() { result.Isolation = s.isolation() })
		case "error":
			s.optional(func() {
				result.Failure = &Failure{}
				s.object(func(key string) {
					switch key {
					case "code":
						result.Failure.Code = Code(s.integer())
					case "message":
						result.Failure.Message = s.string()
					default:
						s.skip()
					}
				})
			})
		case "tool":
			result.Tool = s.string()
		case "skill":
			s.optional(func() { result.Skill = s.string() })
		case "call_id":
			result.CallID = s.string()
		case "network":
			result.Network = document()
		default:
			s.skip()
		}
	})
	return !s.hasFailed && s.peek() == len(s.text)
}

func (s *scanner) usage(usage *Usage) {
	s.object(func(key string) {
		switch key {
		case "wall_ms":
			s.optional(func() { usage.WallMS = s.number() })
		case "cpu_ms":
			s.optional(func() { usage.CPUMS = s.number() })
		case "peak_memory_bytes":
			s.optional(func() { usage.PeakMemoryBytes = s.integer() })
		case "sandbox_ms":
			s.optional(func() { usage.SandboxMS = s.number() })
		default:
			s.skip()
		}
	})
}

func (s *scanner) isolation() *Isolation {
	isolation := &Isolation{}
	s.object(func(key string) {
		switch key {
		case "tier":
			isolation.Tier = Tier(s.string())
		case "layers":
			isolation.Layers = make([]Layer, 0, 16)
			s.array(func() {
				var layer Layer
				s.object(func(key string) {
					switch key {
					case "name":
						layer.Name = s.string()
					case "state":
						layer.State = s.string()
					case "detail":
						s.optional(func() { layer.Detail = s.string() })
					default:
						s.skip()
					}
				})
				isolation.Layers = append(isolation.Layers, layer)
			})
		default:
			s.skip()
		}
	})
	return isolation
}

// peek is where the next token begins.
func (s *scanner) peek() int {
	for s.at < len(s.text) && s.text[s.at] <= ' ' {
		s.at++
	}
	return s.at
}

// takes goes over a mark if it is the next token.
func (s *scanner) takes(mark byte) bool {
	if at := s.peek(); at < len(s.text) && s.text[at] == mark {
		s.at++
		return true
	}
	return false
}

func (s *scanner) must(mark byte) {
	if !s.takes(mark) {
		s.fail()
	}
}

// fail ends the scan: nothing is left to be read.
func (s *scanner) fail() {
	s.hasFailed = true
	s.at = len(s.text)
}

// optional reads a value that may be null.
func (s *scanner) optional(value func()) {
	if at := s.peek(); strings.HasPrefix(s.text[at:], "null") {
		s.at = at + len("null")
		return
	}
	value()
}

func (s *scanner) object(field func(key string)) {
	s.must('{')
	if s.takes('}') {
		return
	}
	for !s.hasFailed {
		key := s.string()
		s.must(':')
		field(key)
		if s.takes('}') {
			return
		}
		s.must(',')
	}
}

func (s *scanner) array(item func()) {
	s.must('[')
	if s.takes(']') {
		return
	}
	for !s.hasFailed {
		item()
		if s.takes(']') {
			return
		}
		s.must(',')
	}
}

func (s *scanner) string() string {
	token, isPlain := s.quoted()
	if isPlain {
		return token[1 : len(token)-1]
	}
	var value string
	if s.hasFailed || json.Unmarshal([]byte(token), &value) != nil {
		s.fail()
	}
	return value
}

// quoted goes over a string, quotes included, and tells whether it stands there as it is meant.
func (s *scanner) quoted() (token string, isPlain bool) {
	from := s.peek()
	s.must('"')
	length := strings.IndexByte(s.text[s.at:], '"')
	if length >= 0 && strings.IndexByte(s.text[s.at:s.at+length], '\\') < 0 {
		s.at += length + 1
		return s.text[from:s.at], true
	}
	for at := s.at; at < len(s.text); at++ {
		switch s.text[at] {
		case '"':
			s.at = at + 1
			return s.text[from:s.at], false
		case '\\':
			at++
		}
	}
	s.fail()
	return "", false
}

// word goes over a number or a literal.
func (s *scanner) word() string {
	from := s.peek()
	for s.at < len(s.text) && (s.text[s.at] >= '0' && s.text[s.at] <= '9' || s.text[s.at] >= 'a' && s.text[s.at] <= 'z' ||
		s.text[s.at] == '-' || s.text[s.at] == '+' || s.text[s.at] == '.' || s.text[s.at] == 'E') {
		s.at++
	}
	return s.text[from:s.at]
}

func (s *scanner) integer() int64 {
	value, err := strconv.ParseInt(s.word(), 10, 64)
	if err != nil {
		s.fail()
	}
	return value
}

func (s *scanner) number() float64 {
	value, err := strconv.ParseFloat(s.word(), 64)
	if err != nil {
		s.fail()
	}
	return value
}

func (s *scanner) boolean() bool {
	switch s.word() {
	case "true":
		return true
	case "false":
		return false
	}
	s.fail()
	return false
}

// skip goes over a value that this package has no field for, or keeps as it is.
func (s *scanner) skip() {
	depth := 0
	for from := s.peek(); s.at < len(s.text); s.peek() {
		switch s.text[s.at] {
		case '{', '[':
			depth++
			s.at++
		case '}', ']':
			depth--
			s.at++
		case ',', ':':
			s.at++
		case '"':
			s.quoted()
		default:
			if s.word() == "" {
				s.fail()
			}
		}
		if depth == 0 && s.at > from {
			return
		}
	}
	s.fail()
}
