// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strictyaml

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// isScalar tells whether values of t are written as one scalar.
func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// scalar substitutes and reads one scalar.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, p place) {
	text, refs, err := d.subst.expand(n.Value)
	if err != nil {
		d.fail(n, p, "%s", err)
		return
	}
	for _, r := range refs {
		d.doc.hide(p, r.value, r.reference)
	}
	if d.secret {
		d.doc.hide(p, text, "[secret]")
	}
	err = read(n, text, len(refs) > 0, v)
	switch {
	case err == nil && d.enum != nil && v.Kind() == reflect.String && !slices.Contains(d.enum, text):
		reason := "must be " + choice(d.enum)
		if len(refs) == 0 && !d.secret {
			if s := suggest(text, d.enum); s != "" {
				reason += "; did you mean " + s + "?"
			}
		}
		d.fail(n, p, "%s", reason)
	case err == nil && d.path && v.Kind() == reflect.String:
		v.SetString(d.absolute(v.String()))
	case err == nil:
	case len(refs) > 0: // err may quote the value
		d.fail(n, p, "%s does not stand for %s", refs[0].reference, expected(v.Type()))
	case d.secret:
		d.fail(n, p, "expected %s", expected(v.Type()))
	default:
		d.fail(n, p, "%s", err)
	}
}

// choice lists words: a, b or c.
func choice(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// read parses text into v. A quoted scalar is text, and never a number or a
// truth value, unless it was quoted to hold a reference.
func read(n *yaml.Node, text string, substituted bool, v reflect.Value) error {
	if v.Type() == reflect.TypeFor[time.Time]() { // its own error quotes the text, which may be a secret in the wrong line
		if v.Addr().Interface().(*time.Time).UnmarshalText([]byte(text)) != nil {
			return fmt.Errorf("expected a time such as 2027-01-31T00:00:00Z")
		}
		return nil
	}
	if IsText(v.Type()) {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	wrong := fmt.Errorf("expected %s, found %s", expected(v.Type()), found(n))
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if v.Kind() != reflect.String && quoted && !substituted {
		return wrong
	}
	switch v.Kind() {
	case reflect.String:
		if strings.ContainsRune(text, 0) {
			return fmt.Errorf("holds a NUL character")
		}
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			return wrong
		}
		v.SetBool(text == "true")
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(text, "xX_pP") {
			return wrong
		}
		v.SetFloat(f)
	default:
		return readInt(text, v, wrong)
	}
	return nil
}

// readInt reads a decimal number without leading zeros, which YAML 1.1 takes
// as octal and YAML 1.2 does not.
func readInt(text string, v reflect.Value, wrong error) error {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' || strings.Trim(digits, "0123456789") != "" {
		return wrong
	}
	if v.CanUint() {
		u, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("the number must lie between 0 and %d", uint64(math.MaxUint64)>>(64-v.Type().Bits()))
		}
		v.SetUint(u)
		return nil
	}
	i, err := strconv.ParseInt(text, 10, v.Type().Bits())
	if err != nil {
		return fmt.Errorf("the number is too large")
	}
	v.SetInt(i)
	return nil
}

// expected names what a type is written as.
func expected(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if IsText(t) && t.Name() != "" {
		name := strings.ToLower(t.Name())
		article := "a "
		if strings.IndexByte("aeiou", name[0]) >= 0 {
			article = "an "
		}
		if IsMapping(t) {
			return article + name + " or a mapping"
		}
		return article + name
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}

// found names what a node is.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!null":
		return "nothing"
	case "!!bool":
		return "a truth value"
	case "!!int", "!!float":
		return "a number"
	}
	return "text"
}
