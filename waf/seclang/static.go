// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"strconv"
	"strings"

	"durward/waf/transform"
)

// verdict says what is known of a match before a request has come.
type verdict int

const (
	never verdict = iota
	depends
	always
)

// judge tells whether one link matches, and how often if always: its actions
// are carried out for every value that matches.
func (t *TX) judge(r *Rule) (v verdict, times int) {
	if r.Unknown != "" {
		return depends, 0
	}
	if r.Operator == nil {
		return always, 1
	}
	if len(r.Variables) > 1 && len(r.SetVars) > 0 {
		return depends, 0 // the match of one target could change the next
	}
	for _, target := range r.Variables {
		values, ok := t.values(target)
		if !ok {
			return depends, 0
		}
		for _, value := range values {
			matches, ok := t.matches(r, value)
			if !ok {
				return depends, 0
			}
			if matches {
				times++
			}
		}
	}
	if times == 0 {
		return never, 0
	}
	return always, times
}

// values are the members that a target has, if that is known.
func (t *TX) values(target Variable) (values []string, ok bool) {
	s := target.Selector
	if target.Collection != "TX" || s.Regexp || s.Key == "" || len(target.Except) > 0 {
		return nil, false
	}
	value, state := t.Get(s.Key)
	if state == TXUnsure {
		return nil, false
	}
	if state == TXKnown {
		values = []string{value}
	}
	if target.Count {
		values = []string{strconv.Itoa(len(values))}
	}
	return values, true
}

// matches carries transformations and operator out on one value.
func (t *TX) matches(r *Rule, value string) (matches, ok bool) {
	if r.MultiMatch {
		return false, false
	}
	for _, name := range r.Transformations {
		tr, ok := transform.Lookup(name)
		if !ok {
			return false, false
		}
		out, _ := tr.Apply(nil, []byte(value))
		value = string(out)
	}
	argument := r.Operator.Argument
	if m := r.Operator.Macro; m != nil {
		if argument, ok = t.Expand(m); !ok {
			return false, false
		}
	}
	matches, ok = compare(r.Operator.Name, value, argument)
	return matches != r.Operator.Negated, ok
}

// compare knows the operators that rules use on settings. What is no integer
// counts as zero, as in Coraza.
func compare(operator, value, argument string) (matches, ok bool) {
	switch operator {
	case "unconditionalmatch":
		return true, true
	case "nomatch":
		return false, true
	case "streq":
		return value == argument, true
	case "within":
		return strings.Contains(argument, value), true
	case "contains", "strmatch":
		return strings.Contains(value, argument), true
	case "beginswith":
		return strings.HasPrefix(value, argument), true
	case "endswith":
		return strings.HasSuffix(value, argument), true
	}
	v, _ := strconv.Atoi(value)
	a, _ := strconv.Atoi(argument)
	switch operator {
	case "eq":
		return v == a, true
	case "ge":
		return v >= a, true
	case "gt":
		return v > a, true
	case "le":
		return v <= a, true
	case "lt":
		return v < a, true
	}
	return false, false
}
