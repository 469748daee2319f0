// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"durward"
)

// KindTarget is for what an administrator changed that is not a person, such as
// "object:Account/7" or "key:ID". It is erased with the person that it is of.
const KindTarget = "target"

const (
	// maxListed is how many members of a list are sealed of one value: their tags
	// fit into the length that a record has of it.
	maxListed = 20
	// maxTexts is how many texts of one record are sealed: with it a line stays
	// far below its greatest length. Of those beyond, the tag is all that is kept.
	maxTexts = 128
)

// open targets are no names of anybody.
var openTargets = []string{"api", "revision", "rule"}

// actionCover seals the texts of one action.
type actionCover struct {
	s     *Sealer
	at    time.Time
	a     durward.AdminAction
	first *entry // of the first target: texts about it are sealed with its key
}

// coverAction puts keyed hashes in the place of the names of consumers, holders,
// subjects, keys and objects that an action has, and each text beside them, sealed
// with the key of who or what it names. Who did it stays: an administrator's
// actions are what the record is for. Others read the action: it is copied.
func (s *Sealer) coverAction(ev *durward.Event) error {
	if ev.Admin == nil || !s.cfg.sealed(FieldSubject) {
		return nil
	}
	c := &actionCover{s: s, at: ev.Time, a: *ev.Admin}
	c.a.Targets, c.a.Changes, c.a.Sealed = slices.Clone(c.a.Targets), slices.Clone(c.a.Changes), nil
	ev.Admin = &c.a
	err := c.cover()
	if err != nil {
		c.a.Targets, c.a.Changes, c.a.Sealed = nil, nil, nil
		ev.Sealed = Withheld
		s.withheld.Add(1)
	}
	return err
}

func (c *actionCover) cover() error {
	c.a.Targets = c.a.Targets[:min(len(c.a.Targets), durward.MaxTargets)]
	c.a.Changes = c.a.Changes[:min(len(c.a.Changes), durward.MaxTargets)]
	for i, target := range c.a.Targets {
		kind, id, _ := strings.Cut(target, ":")
		if slices.Contains(openTargets, kind) {
			continue
		}
		e, err := c.keyOf(target, kind, id, c.a.WhoseTarget(i))
		if err != nil {
			return err
		}
		if c.first == nil {
			c.first = e
		}
		c.a.Targets[i] = kind + ":" + c.seal(e, "targets."+strconv.Itoa(i), id)
	}
	if strings.HasPrefix(c.a.Action, "object.") {
		return nil // its changes are names of fields
	}
	for i := range c.a.Changes {
		change, at := &c.a.Changes[i], "changes."+strconv.Itoa(i)
		if err := errors.Join(c.value(change.Field, &change.Before, at+".before"), c.value(change.Field, &change.After, at+".after")); err != nil {
			return err
		}
	}
	return nil
}

// keyOf gives the key of a target. One that is not a person has its own, which
// goes with that of the person; whose is "" when that is not known.
func (c *actionCover) keyOf(target, kind, id, whose string) (*entry, error) {
	switch kind {
	case "consumer":
		return c.s.ofSubject(id)
	case "subject":
		if whose == "" {
			whose = id
		}
		return c.s.ofSubject(whose)
	case "object":
		// An object that is called as a person is goes with that person.
		_, name, _ := strings.Cut(id, "/")
		return c.own(target, string(keyed(c.s.keys.index, KindSubject, name)))
	}
	if whose == "" {
		return c.own(target, "")
	}
	owner, err := c.s.ofSubject(whose)
	if err != nil {
		return nil, err
	}
	return c.own(target, owner.hash)
}

func (c *actionCover) own(target, owner string) (*entry, error) {
	e, err := c.s.load(KindTarget, target, owner)
	if err != nil {
		return nil, err
	}
	c.s.take(e)
	if owner != "" && e.owner != owner { // it is of the keys file, and may be nobody's
		ctx, cancel := context.WithTimeout(context.Background(), fileWait)
		defer cancel()
		err = c.s.keys.adopt(ctx, []byte(e.hash), []byte(owner))
	}
	return e, err
}

// value seals the value of a changed field, if it names somebody or may.
func (c *actionCover) value(field string, value *string, at string) error {
	if *value == "" {
		return nil
	}
	switch field {
	case "consumer", "of_consumer", "of_holder":
		e, err := c.s.ofSubject(*value)
		if err == nil {
			*value = c.seal(e, at, *value)
		}
		return err
	case "holders":
		if len(c.a.Persons) > 0 {
			return c.list(value, at)
		}
		fallthrough
	case "name", "addresses", "denied", "note", "reason":
		if c.first == nil {
			var err error
			if c.first, err = c.own("action:"+c.a.ID, ""); err != nil {
				return err
			}
		}
		*value = c.seal(c.first, at, *value)
	}
	return nil
}

// list seals each of several persons with their own key.
func (c *actionCover) list(value *string, at string) error {
	all := members(*value, c.a.Persons)
	for i, who := range all[:min(len(all), maxListed)] {
		e, err := c.s.ofSubject(who)
		if err != nil {
			return err
		}
		all[i] = c.seal(e, at+"."+strconv.Itoa(i), who)
	}
	if len(all) > maxListed {
		all = append(all[:maxListed], "…")
	}
	*value = strings.Join(all, " ")
	return nil
}

// members takes a list apart whose members, all of them persons, may have spaces.
func members(list string, persons []string) (all []string) {
	for list != "" {
		longest, rest := "", ""
		for _, p := range persons {
			if after, ok := strings.CutPrefix(list, p); ok && len(p) > len(longest) && (after == "" || after[0] == ' ') {
				longest, rest = p, after
			}
		}
		if longest == "" {
			longest, rest, _ = strings.Cut(list, " ")
			rest = " " + rest
		}
		all, list = append(all, longest), strings.TrimPrefix(rest, " ")
	}
	return all
}

// seal stores a text for its place, and gives the tag that stands there.
func (c *actionCover) seal(e *entry, at, text string) string {
	if len(c.a.Sealed) < maxTexts {
		sealed := e.seal(nil, []byte(cut(text, maxReason)), boundText(&c.a, c.at, e.text, at))
		c.a.Sealed = append(c.a.Sealed, durward.SealedText{Tag: e.text, At: at, Sealed: encoding.EncodeToString(sealed)})
	}
	return e.text
}

// boundText is what a sealed text is bound to: the action, and its place there.
func boundText(a *durward.AdminAction, done time.Time, tag, at string) []byte {
	b := strconv.AppendInt([]byte("durward audit action 1\x00"), done.UnixMicro(), 10)
	for _, s := range []string{a.ID, tag, at} {
		b = append(append(b, 0), s...)
	}
	return b
}

// openAction puts the texts of an action back, as far as their keys are there;
// in the place of others the tag stays. The error is that of the first of them.
func (o *Opener) openAction(ctx context.Context, ev *durward.Event) error {
	sealed := ev.Admin.Sealed
	ev.Admin.Sealed = nil
	var failed error
	for _, t := range slices.Backward(sealed) { // members of a list, opened, may have spaces
		plain, err := o.openText(ctx, t.Tag, t.Sealed, boundText(ev.Admin, ev.Time, t.Tag, t.At))
		if err == nil && !putText(ev.Admin, &t, string(plain)) {
			err = ErrChanged
		}
		if err != nil {
			failed = err
		}
	}
	return failed
}

// putText puts a text into its place, where its tag has to stand.
func putText(a *durward.AdminAction, t *durward.SealedText, text string) bool {
	at := strings.Split(t.At, ".")
	if len(at) < 2 {
		return false
	}
	i, err := strconv.Atoi(at[1])
	if err != nil || i < 0 {
		return false
	}
	switch {
	case at[0] == "targets" && len(at) == 2 && i < len(a.Targets):
		kind, tag, _ := strings.Cut(a.Targets[i], ":")
		a.Targets[i] = kind + ":" + text
		return tag == t.Tag
	case at[0] == "changes" && len(at) >= 3 && i < len(a.Changes):
		value := &a.Changes[i].Before
		if at[2] == "after" {
			value = &a.Changes[i].After
		}
		if len(at) == 3 {
			ok := *value == t.Tag
			*value = text
			return ok
		}
		all := strings.Split(*value, " ")
		n, err := strconv.Atoi(at[3])
		if err != nil || n < 0 || n >= len(all) || all[n] != t.Tag {
			return false
		}
		all[n] = text
		*value = strings.Join(all, " ")
		return true
	}
	return false
}
