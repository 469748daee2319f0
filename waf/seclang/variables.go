// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/corazawaf/coraza/v3/types/variables"
)

// targetReader takes a list of targets apart: NAME, NAME:key, NAME:/expression/,
// NAME:'/expression/', XML:path, each with a ! or & before it, with | between.
// What Coraza makes of unusual lists is kept: a slash anywhere in a key begins
// an expression; flags count wherever they stand in the name; the last
// character of a list is lost if an expression is not closed.
type targetReader struct {
	rule *Rule

	part          int // of the target: partName and so on
	name, key     []byte
	negated, sole bool // ! and &
	quoted        bool
	escaped       bool // by a backslash, in an expression
}

const (
	partName = iota
	partKey
	partExpression
	partPath
)

// addTargets reads a list of targets into the rule.
func addTargets(rule *Rule, list string) error {
	t := targetReader{rule: rule}
	for i := 0; i < len(list); i++ {
		c, last := list[i], i == len(list)-1
		ends := last
		if t.part == partExpression {
			ends = ends || c == '/' && !t.escaped
		} else {
			ends = ends || c == '|'
		}
		if !ends {
			t.take(c)
			continue
		}
		if c != '|' {
			t.takeLast(c)
		}
		skip, err := t.end(list, i)
		if err != nil {
			return err
		}
		i += skip
	}
	return nil
}

func (t *targetReader) take(c byte) {
	switch t.part {
	case partName:
		switch c {
		case '!':
			t.negated = true
		case '&':
			t.sole = true
		case ':':
			t.part = partKey
		default:
			t.name = append(t.name, c)
		}
	case partKey:
		switch {
		case len(t.key) == 0 && (string(t.name) == "XML" || string(t.name) == "JSON"):
			t.part = partPath
			t.key = append(t.key, c)
		case c == '/':
			t.part = partExpression
		case c == '\'':
			t.quoted = true
		default:
			t.key = append(t.key, c)
		}
	case partExpression:
		t.escaped = c == '\\' && !t.escaped
		t.key = append(t.key, c)
	case partPath:
		t.key = append(t.key, c)
	}
}

func (t *targetReader) takeLast(c byte) {
	switch {
	case t.part == partName:
		t.name = append(t.name, c)
	case t.part != partExpression && c != '/':
		t.key = append(t.key, c)
	}
}

// end puts the target that ends at list[i] into the rule and says how many
// characters to pass over after it.
func (t *targetReader) end(list string, i int) (skip int, err error) {
	v, err := variables.Parse(string(t.name))
	if err != nil {
		return 0, fmt.Errorf("there is no variable %q", t.name)
	}
	if t.part == partKey && !v.CanBeSelected() {
		return 0, fmt.Errorf("the variable %s has no members to select", v.Name())
	}
	key := string(t.key)
	if t.part == partExpression {
		key = "/" + key + "/"
		skip = 1
	}
	if t.quoted {
		if next := i + 1; (next >= len(list) || list[next] != '\'') && list[i] != '\'' {
			return 0, fmt.Errorf("the quote in the key %q is not closed", t.key)
		}
		skip = 2
	}
	if t.negated {
		err = addException(t.rule, v, key)
	} else {
		err = addVariable(t.rule, v, key, t.sole)
	}
	*t = targetReader{rule: t.rule, escaped: t.escaped}
	return skip, err
}

// keepsCase reports whether Coraza selects the members of a collection in the
// case in which the rule names them.
func keepsCase(v variables.RuleVariable) bool {
	switch v {
	case variables.Args, variables.ArgsNames, variables.ArgsGet, variables.ArgsPost,
		variables.ArgsGetNames, variables.ArgsPostNames:
		return true
	}
	return false
}

// expressionIn returns what stands between slashes of which the last is not
// escaped.
func expressionIn(key string) (expression string, ok bool) {
	if len(key) < 2 || key[0] != '/' || key[len(key)-1] != '/' {
		return "", false
	}
	inner := key[1 : len(key)-1]
	trailing := len(inner) - len(strings.TrimRight(inner, `\`))
	return inner, trailing%2 == 0
}

// selectorOf reads a key. An expression must compile, since Coraza refuses the
// rule otherwise.
func selectorOf(v variables.RuleVariable, key string) (Selector, error) {
	expression, ok := expressionIn(key)
	if !ok {
		return Selector{Key: key}, nil
	}
	if !keepsCase(v) {
		expression = strings.ToLower(expression)
	}
	if _, err := regexp.Compile(expression); err != nil {
		return Selector{}, err
	}
	return Selector{Key: expression, Regexp: true}, nil
}

func addVariable(rule *Rule, v variables.RuleVariable, key string, count bool) error {
	s, err := selectorOf(v, key)
	if err != nil {
		return err
	}
	if !s.Regexp && !keepsCase(v) {
		s.Key = strings.ToLower(s.Key)
	}
	rule.Variables = append(rule.Variables, Variable{Collection: v.Name(), Selector: s, Count: count})
	return nil
}

func addException(rule *Rule, v variables.RuleVariable, key string) error {
	s, err := selectorOf(v, key)
	if err != nil {
		return err
	}
	for i := range rule.Variables {
		if t := &rule.Variables[i]; t.Collection == v.Name() {
			t.Except = append(t.Except, s)
		}
	}
	return nil
}
