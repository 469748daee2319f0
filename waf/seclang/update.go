// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// idRange reads n or n-m.
func idRange(text string) (low, high int, err error) {
	first, second, ranged := strings.Cut(text, "-")
	if low, err = strconv.Atoi(first); err != nil {
		return 0, 0, fmt.Errorf("%q is no id and no range of ids", text)
	}
	if !ranged {
		return low, low, nil
	}
	if high, err = strconv.Atoi(second); err != nil || low > high {
		return 0, 0, fmt.Errorf("%q is no range of ids", text)
	}
	return low, high, nil
}

func (p *Parser) remove(match func(Item) bool) { p.items = slices.DeleteFunc(p.items, match) }

func removeByID(p *Parser, _, options string) error {
	if options == "" {
		return errNoOptions
	}
	for _, text := range strings.Fields(options) {
		low, high, err := idRange(text)
		if err != nil {
			return err
		}
		if !strings.Contains(text, "-") {
			// Without a range, Coraza removes one item: of the markers, which all
			// have the id 0, the first.
			if i := slices.IndexFunc(p.items, func(it Item) bool { return itemID(it) == low }); i >= 0 {
				p.items = slices.Delete(p.items, i, i+1)
			}
			continue
		}
		p.remove(func(it Item) bool { return low <= itemID(it) && itemID(it) <= high })
	}
	return nil
}

func (p *Parser) removeByTag(tag string) {
	p.remove(func(it Item) bool {
		rule, ok := it.(*Rule)
		return ok && rule.HasTag(tag)
	})
}

// removeByMsg refuses what Coraza v3.8.1 would panic on: a marker, or a rule
// without a msg, among the rules.
func removeByMsg(p *Parser, _, options string) error {
	if options == "" {
		return errNoOptions
	}
	for _, it := range p.items {
		if rule, ok := it.(*Rule); !ok || rule.Message == nil {
			return errors.New("it cannot be carried out by Coraza while there is a marker or a rule without msg; remove by id or tag")
		}
	}
	p.remove(func(it Item) bool { return it.(*Rule).Message.String() == options })
	return nil
}

// eachRule calls change for the rules that a SecRuleUpdate...ById names. As in
// Coraza, a single id ends the list, and must be there; chained rules are not
// reached.
func (p *Parser) eachRule(options string, change func(rule *Rule, last string) error) error {
	fields := strings.Fields(options)
	if len(fields) < 2 {
		return errors.New("ids and a text without spaces are wanted")
	}
	last := strings.Trim(fields[len(fields)-1], `"`)
	for _, text := range fields[:len(fields)-1] {
		low, high, err := idRange(text)
		if err != nil {
			return err
		}
		if low == high {
			item := p.find(low)
			if item == nil {
				return fmt.Errorf("there is no rule %d", low)
			}
			if rule, ok := item.(*Rule); ok {
				return change(rule, last)
			}
			return nil
		}
		for _, it := range p.items {
			if rule, ok := it.(*Rule); ok && low <= rule.ID && rule.ID <= high {
				if err := change(rule, last); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func updateTargetByID(p *Parser, _, options string) error { return p.eachRule(options, addTargets) }

func updateTargetByTag(p *Parser, _, options string) error {
	fields := strings.Fields(options)
	if len(fields) != 2 {
		return errors.New("a tag and targets are wanted")
	}
	tag, targets := strings.Trim(fields[0], `"`), strings.Trim(fields[1], `"`)
	for _, it := range p.items {
		if rule, ok := it.(*Rule); ok && rule.HasTag(tag) {
			if err := addTargets(rule, targets); err != nil {
				return err
			}
		}
	}
	return nil
}

// updateActionByID adds actions to those that a rule has. A disruptive action
// takes the place of the rule's; default actions are not merged again.
func updateActionByID(p *Parser, _, options string) error {
	return p.eachRule(options, func(rule *Rule, list string) error {
		actions, err := splitActions(list)
		if err != nil {
			return err
		}
		if hasDisruptive(actions) {
			rule.Disruptive, rule.DisruptArg = "", ""
			rule.Actions = slices.DeleteFunc(rule.Actions, func(a Action) bool { return actionKinds[a.Name] == disruptive })
		}
		return apply(rule, actions, nil)
	})
}
