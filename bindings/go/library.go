package skilllite

import "fmt"

// Version is the version of the library, "major.minor.patch".
func Version() string { return nativeVersion() }

// HasFeature tells whether the library has an optional feature, such as "dialects", "inference", "validation" or "network".
func HasFeature(name string) bool { return nativeHasFeature(name) }

// ProbeHost finds out by trying what isolation this host can give. It starts a supervisor process and ends it again.
func ProbeHost() (*Probe, error) {
	if err := checkABI(nativeABIVersion()); err != nil {
		return nil, err
	}
	return decode[Probe](nativeProbe())
}

// Validate judges the skill in a folder by the Agent Skills specification to the letter; nothing is found in a skill without fault.
func Validate(dir string) ([]Diagnostic, error) {
	if err := checkABI(nativeABIVersion()); err != nil {
		return nil, err
	}
	findings, err := decode[[]Diagnostic](nativeValidate(dir))
	if err != nil {
		return nil, err
	}
	return *findings, nil
}

// checkABI refuses a library that is older than the header this package was compiled with.
func checkABI(found uint32) error {
	if found < headerABI {
		return &Error{Code: ErrUnsupported, Message: fmt.Sprintf(
			"the loaded libskilllite has ABI %d, this program was compiled for %d or later: use the library of SkillLite %d.%d.%d",
			found, headerABI, headerVersion/1000000, headerVersion/1000%1000, headerVersion%1000)}
	}
	return nil
}
