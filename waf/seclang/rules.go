// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"strings"
)

// addRule reads a SecRule, or a SecAction if it has no operator, and puts it at
// the end of the set or of the open chain.
func (p *Parser) addRule(text string, withOperator bool) error {
	if strings.TrimSpace(text) == "" {
		return errNoOptions
	}
	defaults, err := p.defaultActions()
	if err != nil {
		return err
	}
	rule := &Rule{Phase: PhaseRequestBody, Severity: -1, File: p.file, Line: p.line}
	list := unquote(text)
	if withOperator {
		targets, operator, actions, err := splitRule(text)
		if err != nil {
			return err
		}
		if err := addTargets(rule, targets); err != nil {
			return err
		}
		if err := p.readOperator(rule, operator); err != nil {
			return err
		}
		list = actions
	}
	var actions []ruleAction
	if list != "" || !withOperator {
		if actions, err = splitActions(list); err != nil {
			return err
		}
		if err := apply(rule, actions, defaults); err != nil {
			return err
		}
	}
	if first, last := p.openChain(); first != nil {
		if hasDisruptive(actions) {
			return fmt.Errorf("only the first rule of a chain, here %d, can have a disruptive action", first.ID)
		}
		rule.Phase = 0
		last.Chain = rule
		return nil
	}
	if rule.ID == 0 {
		return errors.New("the rule has no id")
	}
	if _, ok := p.find(rule.ID).(*Rule); ok {
		return fmt.Errorf("the id %d is taken", rule.ID)
	}
	p.items = append(p.items, rule)
	return nil
}

// openChain returns the first and the last link of a chain that the next rule
// continues.
func (p *Parser) openChain() (first, last *Rule) {
	if len(p.items) == 0 {
		return nil, nil
	}
	first, ok := p.items[len(p.items)-1].(*Rule)
	if !ok {
		return nil, nil
	}
	for last = first; last.Chain != nil; {
		last = last.Chain
	}
	if !last.HasChain {
		return nil, nil
	}
	return first, last
}

// splitRule takes the options of a SecRule apart: targets up to the first
// space, an operator in double quotes, and actions, which may be absent. In the
// operator, a backslash before a double quote is the only escape.
func splitRule(text string) (targets, operator, actions string, err error) {
	targets, rest, ok := strings.Cut(strings.Trim(text, " "), " ")
	rest = strings.TrimLeft(rest, " ")
	if !ok || !strings.HasPrefix(rest, `"`) {
		return "", "", "", errors.New("targets and an operator in double quotes are wanted")
	}
	end := closingQuote(rest)
	if end < 0 {
		return "", "", "", errors.New("the double quote of the operator is not closed")
	}
	operator = strings.ReplaceAll(rest[1:end], `\"`, `"`)
	rest = strings.TrimLeft(rest[end+1:], " ")
	if rest == "" {
		return targets, operator, "", nil
	}
	if len(rest) < 2 || rest[0] != '"' || rest[len(rest)-1] != '"' {
		return "", "", "", errors.New("the actions must stand in double quotes")
	}
	return targets, operator, rest[1 : len(rest)-1], nil
}

// closingQuote finds the quote that ends the one at the beginning: it has an
// even number of backslashes before it.
func closingQuote(s string) int {
	escaped := false
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"' && !escaped:
			return i
		case s[i] == '\\':
			escaped = !escaped
		default:
			escaped = false
		}
	}
	return -1
}

// itemID is the id by which Coraza finds an item; markers have 0.
func itemID(item Item) int {
	if rule, ok := item.(*Rule); ok {
		return rule.ID
	}
	return 0
}

// find returns the first item with the id, or nil.
func (p *Parser) find(id int) Item {
	for _, item := range p.items {
		if itemID(item) == id {
			return item
		}
	}
	return nil
}
