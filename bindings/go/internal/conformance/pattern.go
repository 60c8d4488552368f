package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// fit compares a value with a pattern; "" if it fits, otherwise where and why not.
func fit(pattern, value any, at string) string {
	switch pattern := pattern.(type) {
	case map[string]any:
		return fitObject(pattern, value, at)
	case []any:
		items, isArray := value.([]any)
		if !isArray || len(items) != len(pattern) {
			return fmt.Sprintf("at %s: %s is no array of %d", at, show(value), len(pattern))
		}
		for i := range pattern {
			if why := fit(pattern[i], items[i], fmt.Sprintf("%s.%d", at, i)); why != "" {
				return why
			}
		}
		return ""
	default:
		if !same(pattern, value) {
			return fmt.Sprintf("at %s: %s is not %s", at, show(value), show(pattern))
		}
		return ""
	}
}

func fitObject(pattern map[string]any, value any, at string) string {
	fields, isObject := value.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(pattern)) {
		wanted := pattern[key]
		if strings.HasPrefix(key, "$") {
			if why := fitOperator(key, wanted, value, at); why != "" {
				return why
			}
			continue
		}
		if !isObject {
			return fmt.Sprintf("at %s: %s is no object", at, show(value))
		}
		field, isThere := fields[key]
		if operator, isOperator := wanted.(map[string]any); isOperator && len(operator) == 1 && operator["$absent"] == true {
			if isThere {
				return fmt.Sprintf("at %s.%s: it is there: %s", at, key, show(field))
			}
			continue
		}
		if !isThere {
			return fmt.Sprintf("at %s.%s: it is not there", at, key)
		}
		if why := fit(wanted, field, at+"."+key); why != "" {
			return why
		}
	}
	if len(pattern) == 0 && !isObject {
		return fmt.Sprintf("at %s: %s is no object", at, show(value))
	}
	return ""
}

func fitOperator(operator string, wanted, value any, at string) string {
	not := func(what string) string { return fmt.Sprintf("at %s: %s %s %s", at, show(value), what, show(wanted)) }
	holds := func(isTrue bool, what string) string {
		if isTrue {
			return ""
		}
		return not(what)
	}
	switch operator {
	case "$any":
		return holds(wanted == true, "does not fit the pattern $any:")
	case "$type":
		return holds(slices.Contains(kindsOf(value), fmt.Sprint(wanted)), "is not of the type")
	case "$exact":
		return holds(same(wanted, value), "is not exactly")
	case "$min", "$max":
		bound, isBound := number(wanted)
		found, isNumber := number(value)
		return holds(isBound && isNumber && (operator == "$min" && found >= bound || operator == "$max" && found <= bound), "is not within "+operator)
	case "$length":
		length := -1
		switch value := value.(type) {
		case string:
			length = len(value)
		case []any:
			length = len(value)
		}
		bound, isBound := number(wanted)
		return holds(isBound && float64(length) == bound, "has not the length")
	case "$contains":
		switch value := value.(type) {
		case string:
			part, isText := wanted.(string)
			return holds(isText && strings.Contains(value, part), "does not contain")
		case []any:
			return holds(slices.ContainsFunc(value, func(item any) bool { return fit(wanted, item, at) == "" }), "does not contain")
		}
		return not("cannot contain")
	case "$regex":
		text, isText := value.(string)
		expression, isExpression := wanted.(string)
		compiled, err := regexp.Compile(expression)
		return holds(isText && isExpression && err == nil && compiled.MatchString(text), "does not match")
	case "$json":
		text, isText := value.(string)
		document, err := decode([]byte(text))
		if !isText || err != nil {
			return not("is no JSON text, for")
		}
		return fit(wanted, document, at+"(json)")
	case "$not":
		return holds(fit(wanted, value, at) != "", "fits")
	case "$all", "$one_of":
		patterns, isArray := wanted.([]any)
		if !isArray {
			return not("needs an array in " + operator + ", not")
		}
		var last string
		for _, pattern := range patterns {
			why := fit(pattern, value, at)
			if operator == "$all" && why != "" {
				return why
			}
			if operator == "$one_of" && why == "" {
				return ""
			}
			last = why
		}
		return holds(operator == "$all", "fits none of ("+last+")")
	}
	return fmt.Sprintf("at %s: the pattern %s is unknown", at, operator)
}

func kindsOf(value any) []string {
	switch value := value.(type) {
	case nil:
		return []string{"null"}
	case bool:
		return []string{"boolean"}
	case json.Number:
		if whole, _ := number(value); whole == math.Trunc(whole) {
			return []string{"integer", "number"}
		}
		return []string{"number"}
	case string:
		return []string{"string"}
	case []any:
		return []string{"array"}
	default:
		return []string{"object"}
	}
}

func number(value any) (float64, bool) {
	text, isNumber := value.(json.Number)
	if !isNumber {
		return 0, false
	}
	found, err := text.Float64()
	return found, err == nil
}

// same compares whole values; 5 and 5.0 are the same number.
func same(one, other any) bool {
	switch one := one.(type) {
	case json.Number:
		a, isOne := number(one)
		b, isOther := number(other)
		return isOne && isOther && a == b
	case []any:
		items, isArray := other.([]any)
		return isArray && slices.EqualFunc(one, items, same)
	case map[string]any:
		fields, isObject := other.(map[string]any)
		return isObject && maps.EqualFunc(one, fields, same)
	}
	return reflect.DeepEqual(one, other)
}

func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(text) > 200 {
		return string(text[:200]) + "…"
	}
	return string(text)
}
