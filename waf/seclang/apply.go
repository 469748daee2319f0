// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	errNoArgument = errors.New("an argument is missing")
	errArgument   = errors.New("it takes no argument")
)

// apply gives the actions to a rule: first those that describe it, since its
// phase chooses the defaults, then the others.
func apply(rule *Rule, actions []ruleAction, defaults map[int][]ruleAction) error {
	for _, a := range actions {
		if a.kind == metadata {
			if err := describe(rule, a.Name, a.Argument); err != nil {
				return fmt.Errorf("the action %s: %w", a.Name, err)
			}
		}
	}
	if d := defaults[rule.Phase]; d != nil {
		actions = merge(actions, d)
	}
	for _, a := range actions {
		if a.kind == metadata {
			continue
		}
		if err := act(rule, a); err != nil {
			return fmt.Errorf("the action %s: %w", a.Name, err)
		}
		rule.Actions = append(rule.Actions, a.Action)
	}
	return nil
}

func describe(rule *Rule, name, argument string) (err error) {
	if argument == "" {
		return errNoArgument
	}
	switch name {
	case "id":
		if rule.ID, err = strconv.Atoi(argument); err == nil && rule.ID <= 0 {
			err = errors.New("the id must be positive")
		}
	case "phase":
		rule.Phase, err = parsePhase(argument)
	case "msg":
		rule.Message, err = parseMacro(unquote(argument))
	case "tag":
		rule.Tags = append(rule.Tags, argument)
	case "severity":
		rule.Severity, err = parseSeverity(argument)
	case "accuracy", "maturity":
		if n, e := strconv.Atoi(argument); e != nil || n < 1 || n > 9 {
			err = fmt.Errorf("%q is not a number from 1 to 9", argument)
		}
	}
	return err
}

func act(rule *Rule, a ruleAction) (err error) {
	if a.kind == disruptive {
		return disrupt(rule, a)
	}
	switch a.Name {
	case "auditlog", "capture", "chain", "exec", "log", "multimatch", "noauditlog", "nolog":
		if a.Argument != "" {
			return errArgument
		}
		actPlain(rule, a.Name)
		return nil
	case "expirevar":
		return nil
	}
	if a.Argument == "" {
		return errNoArgument
	}
	switch a.Name {
	case "t":
		if a.Argument == "none" {
			rule.Transformations = nil
		} else {
			rule.Transformations = append(rule.Transformations, strings.ToLower(a.Argument))
		}
	case "logdata":
		rule.LogData, err = parseMacro(a.Argument)
	case "setvar":
		err = addSetVar(rule, a.Argument)
	case "ctl":
		err = addCtl(rule, a.Argument)
	case "skip":
		if rule.Skip, err = strconv.Atoi(a.Argument); err == nil && rule.Skip < 1 {
			err = errors.New("the number must be positive")
		}
	case "skipafter":
		if rule.SkipAfter = unquote(a.Argument); rule.SkipAfter == "" {
			err = errNoArgument
		}
	case "status":
		rule.Status, err = strconv.Atoi(a.Argument)
	case "initcol":
		if !strings.Contains(a.Argument, "=") {
			err = errors.New("name=value is wanted")
		}
	case "setenv":
		key, value, _ := strings.Cut(a.Argument, "=")
		if key == "" || value == "" {
			return errors.New("name=value is wanted")
		}
		_, err = parseMacro(value)
	}
	return err
}

func actPlain(rule *Rule, name string) {
	switch name {
	case "auditlog":
		rule.Audit = true
	case "noauditlog":
		rule.Audit = false
	case "log":
		rule.Log, rule.Audit = true, true
	case "nolog":
		rule.Log, rule.Audit = false, false
	case "capture":
		rule.Capture = true
	case "multimatch":
		rule.MultiMatch = true
	case "chain":
		rule.HasChain = true
	}
}

func disrupt(rule *Rule, a ruleAction) error {
	switch a.Name {
	case "redirect":
		if a.Argument == "" {
			return errNoArgument
		}
	case "allow":
		if a.Argument != "" && a.Argument != "phase" && a.Argument != "request" {
			return fmt.Errorf("%q is neither phase nor request", a.Argument)
		}
	default:
		if a.Argument != "" {
			return errArgument
		}
	}
	rule.Disruptive, rule.DisruptArg = a.Name, a.Argument
	return nil
}

// addSetVar reads TX.key=value, TX.key= +n, or !TX.key.
func addSetVar(rule *Rule, argument string) (err error) {
	var v SetVar
	argument, v.Remove = strings.CutPrefix(argument, "!")
	target, value, assigned := strings.Cut(argument, "=")
	collection, key, _ := strings.Cut(target, ".")
	if !strings.EqualFold(collection, "TX") {
		return errors.New("only the collection TX can be set")
	}
	if strings.TrimSpace(key) == "" {
		return errors.New("the key after TX. is missing")
	}
	if v.Key, err = parseMacro(key); err != nil {
		return err
	}
	if assigned {
		if v.Value, err = parseMacro(value); err != nil {
			return err
		}
	} else {
		// Coraza v3.8.1 expands the value without asking whether there is one.
		rule.Unknown = "Coraza fails on a setvar without a value"
	}
	rule.SetVars = append(rule.SetVars, v)
	return nil
}

func parsePhase(text string) (int, error) {
	switch text {
	case "request":
		return PhaseRequestBody, nil
	case "response":
		return PhaseResponseBody, nil
	case "logging":
		return PhaseLogging, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < PhaseRequestHeaders || n > PhaseLogging {
		return 0, fmt.Errorf("there is no phase %q", text)
	}
	return n, nil
}

func parseSeverity(text string) (int, error) {
	names := []string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}
	for i, name := range names {
		if strings.EqualFold(text, name) || text == strconv.Itoa(i) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("there is no severity %q", text)
}
