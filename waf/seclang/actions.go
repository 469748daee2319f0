// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"strings"
)

// actionKind says when Coraza carries an action out.
type actionKind int

const (
	metadata   actionKind = iota // when the rule is read; never taken from the defaults
	perMatch                     // for each variable that matches
	flow                         // when the whole chain has matched
	disruptive                   // likewise; one a rule
	data                         // when the rule is read
)

var actionKinds = map[string]actionKind{
	"accuracy": metadata, "id": metadata, "maturity": metadata, "msg": metadata, "phase": metadata,
	"rev": metadata, "severity": metadata, "tag": metadata, "ver": metadata,

	"auditlog": perMatch, "capture": perMatch, "ctl": perMatch, "exec": perMatch, "expirevar": perMatch,
	"initcol": perMatch, "log": perMatch, "logdata": perMatch, "multimatch": perMatch, "noauditlog": perMatch,
	"nolog": perMatch, "setenv": perMatch, "setvar": perMatch, "t": perMatch,

	"chain": flow, "skip": flow, "skipafter": flow,

	"allow": disruptive, "block": disruptive, "deny": disruptive, "drop": disruptive, "pass": disruptive,
	"redirect": disruptive,

	"status": data,
}

type ruleAction struct {
	Action
	kind actionKind
}

// splitActions takes a list of actions apart. A comma ends an action and the
// first colon begins its argument, but neither does inside single quotes, after
// a backslash, or as the very first character.
func splitActions(list string) ([]ruleAction, error) {
	var actions []ruleAction
	start, colon := 0, -1
	end := func(i int) error {
		name, argument := list[start:i], ""
		if colon >= 0 {
			name, argument = list[start:colon], list[colon+1:i]
		}
		start, colon = i+1, -1
		var err error
		actions, err = appendAction(actions, name, argument)
		return err
	}
	quoted := false
	for i := 1; i < len(list); i++ {
		if list[i-1] == '\\' {
			continue
		}
		switch c := list[i]; {
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == ':' && colon < 0:
			colon = i
		case c == ',':
			if err := end(i); err != nil {
				return nil, err
			}
		}
	}
	return actions, end(len(list))
}

// appendAction adds an action; a second disruptive one takes the place of the
// first.
func appendAction(actions []ruleAction, name, argument string) ([]ruleAction, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	kind, ok := actionKinds[name]
	if !ok {
		return nil, fmt.Errorf("there is no action %q", name)
	}
	a := ruleAction{Action{name, unquote(strings.TrimSpace(argument))}, kind}
	if kind == disruptive {
		for i := range actions {
			if actions[i].kind == disruptive {
				actions[i] = a
				return actions, nil
			}
		}
	}
	return append(actions, a), nil
}

// unquote takes one pair of quotes away.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}

func hasDisruptive(actions []ruleAction) bool {
	for _, a := range actions {
		if a.kind == disruptive {
			return true
		}
	}
	return false
}

// addDefaultAction keeps a SecDefaultAction. Coraza reads it only with the next
// rule, so what is wrong in it shows there.
func (p *Parser) addDefaultAction(list string) {
	p.settings.DefaultActions = append(p.settings.DefaultActions, list)
	p.defaults = nil
}

// defaultActions returns the default actions by phase. Phase 2 has some also if
// none are given.
func (p *Parser) defaultActions() (map[int][]ruleAction, error) {
	if p.defaults != nil {
		return p.defaults, nil
	}
	defaults := map[int][]ruleAction{}
	for _, list := range p.settings.DefaultActions {
		if err := readDefaults(defaults, list); err != nil {
			return nil, fmt.Errorf("the SecDefaultAction %q: %w", list, err)
		}
	}
	if defaults[PhaseRequestBody] == nil {
		if err := readDefaults(defaults, "phase:2,log,auditlog,pass"); err != nil {
			return nil, err
		}
	}
	p.defaults = defaults
	return defaults, nil
}

func readDefaults(defaults map[int][]ruleAction, list string) error {
	actions, err := splitActions(list)
	if err != nil {
		return err
	}
	phase := 0
	for _, a := range actions {
		switch {
		case a.Name == "phase":
			if phase, err = parsePhase(a.Argument); err != nil {
				return err
			}
		case a.kind == metadata, a.Name == "t":
			return fmt.Errorf("the action %s cannot be a default", a.Name)
		}
	}
	switch {
	case phase == 0:
		return errors.New("the phase is missing")
	case !hasDisruptive(actions):
		return errors.New("a disruptive action is missing")
	case defaults[phase] != nil:
		return fmt.Errorf("the phase %d has default actions already", phase)
	}
	defaults[phase] = actions
	return nil
}

// merge puts the defaults before a rule's own actions. The default disruptive
// action comes last, and only if the rule has none or says block.
func merge(own, defaults []ruleAction) []ruleAction {
	var merged []ruleAction
	var last ruleAction
	for _, a := range defaults {
		switch a.kind {
		case disruptive:
			last = a
		case metadata:
		default:
			merged = append(merged, a)
		}
	}
	decided := false
	for _, a := range own {
		if a.kind == disruptive {
			if a.Name == "block" {
				continue
			}
			decided = true
		}
		merged = append(merged, a)
	}
	if !decided {
		merged = append(merged, last)
	}
	return merged
}
