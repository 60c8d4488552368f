package skilllite

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func header(t *testing.T) string {
	return string(must(os.ReadFile("../../include/skilllite.h"))(t))
}

func TestEveryFunctionOfTheHeaderIsUsed(t *testing.T) {
	code := regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(header(t), "")
	var declared, called []string
	for _, match := range regexp.MustCompile(`\b(skl_\w+)\(`).FindAllStringSubmatch(code, -1) {
		declared = append(declared, match[1])
	}
	native := string(must(os.ReadFile("native.go"))(t))
	for _, match := range regexp.MustCompile(`\bC\.(skl_\w+)\(`).FindAllStringSubmatch(native, -1) {
		called = append(called, match[1])
	}
	// Handle waits without holding a thread.
	called = append(called, "skl_engine_handle")
	slices.Sort(declared)
	slices.Sort(called)
	declared, called = slices.Compact(declared), slices.Compact(called)
	if len(declared) < 30 || !slices.Equal(declared, called) {
		t.Errorf("the header has\n%v\nnative.go calls\n%v", declared, called)
	}
}

// What native.go offers is reached from the package, so that nothing of the header is called by tests alone.
func TestEveryWayIntoTheLibraryIsUsed(t *testing.T) {
	used := map[string]bool{}
	var offered []string
	for _, name := range must(filepath.Glob("*.go"))(t) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file := must(parser.ParseFile(token.NewFileSet(), name, nil, 0))(t)
		for _, declaration := range file.Decls {
			if function, isFunction := declaration.(*ast.FuncDecl); isFunction && strings.HasPrefix(function.Name.Name, "native") {
				offered = append(offered, function.Name.Name)
			}
		}
		if name != "native.go" {
			ast.Inspect(file, func(node ast.Node) bool {
				if identifier, isIdentifier := node.(*ast.Ident); isIdentifier {
					used[identifier.Name] = true
				}
				return true
			})
		}
	}
	for _, name := range offered {
		// Execute waits without holding a thread; the benchmark compares it with this one.
		if !used[name] && name != "nativeExecute" {
			t.Errorf("nobody uses %s", name)
		}
	}
	if len(offered) < 25 {
		t.Errorf("%v", offered)
	}
}

func TestEveryStatusOfTheHeaderHasACode(t *testing.T) {
	codes := map[int32]string{}
	file := must(parser.ParseFile(token.NewFileSet(), "code.go", nil, 0))(t)
	ast.Inspect(file, func(node ast.Node) bool {
		if value, isValue := node.(*ast.ValueSpec); isValue && len(value.Values) == 1 {
			number := must(strconv.ParseInt(value.Values[0].(*ast.BasicLit).Value, 10, 32))(t)
			codes[int32(number)] = value.Names[0].Name
		}
		return true
	})
	declared := regexp.MustCompile(`(?m)^ +(SKL_ERR_\w+) = (\d+),`).FindAllStringSubmatch(header(t), -1)
	equal(t, "codes", len(codes), len(declared))
	for _, match := range declared {
		number := int32(must(strconv.ParseInt(match[2], 10, 32))(t))
		want := strings.ReplaceAll(strings.TrimPrefix(match[1], "SKL_"), "_", "")
		if !strings.EqualFold(codes[number], want) {
			t.Errorf("%s = %d is %q", match[1], number, codes[number])
		}
		equal(t, "the library's name", Code(number).String(), match[1])
	}
}
