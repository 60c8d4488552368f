// Conformance performs the cases of tests/conformance through this package; the README there says what a runner does.
// usage: conformance FOLDER [NAME…]
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"skilllite.dev/go/skilllite"
	"skilllite.dev/go/skilllite/internal/tally"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: conformance FOLDER [NAME…]")
		os.Exit(2)
	}
	passed, failed, skipped := 0, 0, 0
	descriptors := -1
	for _, one := range read(os.Args[1]) {
		name, _ := one["name"].(string)
		if len(os.Args) > 2 && !slices.ContainsFunc(os.Args[2:], func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			continue
		}
		if why := unmet(one["needs"]); why != "" {
			skipped++
			fmt.Fprintf(os.Stderr, "skipped %s: %s\n", name, why)
			continue
		}
		if why := perform(one); why != "" {
			failed++
			fmt.Fprintf(os.Stderr, "FAILED %s %s\n", name, why)
		} else {
			passed++
		}
		if descriptors < 0 {
			descriptors = open()
		}
	}
	if why := leaks(descriptors); why != "" {
		failed++
		fmt.Fprintf(os.Stderr, "FAILED leaks: %s\n", why)
	}
	fmt.Printf("Go: %d passed, %d failed", passed, failed)
	if skipped > 0 {
		fmt.Printf(", %d skipped", skipped)
	}
	fmt.Println()
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

// decode reads JSON, with numbers as they stand there.
func decode(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err = decoder.Decode(&value); err == nil {
		if _, err = decoder.Token(); err == io.EOF {
			return value, nil
		}
		err = errors.New("text after the document")
	}
	return nil, err
}

func read(folder string) (cases []map[string]any) {
	files, _ := filepath.Glob(filepath.Join(folder, "*.json"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		var value any
		if err == nil {
			value, err = decode(text)
		}
		items, isArray := value.([]any)
		for _, item := range items {
			one, isObject := item.(map[string]any)
			isArray = isArray && isObject
			cases = append(cases, one)
		}
		if err != nil || !isArray {
			fmt.Fprintf(os.Stderr, "%s is no array of cases: %v\n", file, err)
			os.Exit(2)
		}
	}
	return cases
}

// unmet is what the host lacks for a case.
func unmet(needs any) string {
	lists, _ := needs.(map[string]any)
	for key, wanted := range lists {
		switch key {
		case "programs":
			for _, program := range wanted.([]any) {
				if _, err := exec.LookPath(program.(string)); err != nil {
					return err.Error()
				}
			}
		case "features":
			for _, feature := range wanted.([]any) {
				if !skilllite.HasFeature(feature.(string)) {
					return fmt.Sprintf("the library has no feature %q", feature)
				}
			}
		case "tier":
			probe, err := skilllite.ProbeHost()
			if err != nil {
				return err.Error()
			}
			isAvailable := false
			for _, tier := range probe.Tiers {
				isAvailable = isAvailable || string(tier.Tier) == wanted && tier.IsAvailable
			}
			if !isAvailable {
				return fmt.Sprintf("this host has no tier %q", wanted)
			}
		}
	}
	return ""
}

func open() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(entries)
}

// leaks is what is not as after the first case; what ends asynchronously has a while for it.
func leaks(descriptors int) (why string) {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		why = tally.Held()
		if now := open(); descriptors >= 0 && now != descriptors {
			why += fmt.Sprintf(" %d descriptors, not %d", now, descriptors)
		}
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG|syscall.WALL, nil); err != syscall.ECHILD {
			why += fmt.Sprintf(" a child: %d, %v", pid, err)
		}
		if why == "" {
			return ""
		}
	}
	return why
}
