// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package object

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/spec"
)

// interactions are things that others do with somebody's object by its nature.
var interactions = []string{"vote", "like", "comment", "report", "follow", "share", "join", "apply", "buy", "rate", "view",
	"subscribe", "book", "review", "message", "reply", "react", "star", "flag", "contact", "bid", "upvote", "downvote", "favorite",
	"bookmark", "order", "purchase", "search", "checkout", "rsvp", "answer"}

// changes tests whether a change of the owner's object by the other is taken.
func (t *test) changes(ctx context.Context) (bool, error) {
	if t.op.Method == http.MethodPost && (!acts(t.op) || t.interacts()) {
		return false, nil
	}
	c, at, err := t.own(ctx)
	if err != nil || len(at) == 0 {
		return false, err
	}
	if err := t.renew(ctx, c); err != nil {
		return false, err
	}
	secret := t.keep(c)
	for _, v := range t.variants(c, at) {
		if found, err := t.change(ctx, v, c); found || err != nil {
			return found, err
		}
	}
	if secret {
		return t.blind(ctx, c, where(at))
	}
	return false, nil
}

// keep puts the owner's password wherever a call would set another: the owner
// must be able to log in afterwards. It tells whether there is such a place.
func (t *test) keep(c *call.Call) bool {
	found := false
	for _, p := range c.Places() {
		if v, set := c.Get(p); set && p.In == "body" && strings.Contains(strings.ToLower(p.Name), "passw") && v != nil {
			if own := t.owner.Password(); own != "" {
				found = c.Set(p, own) || found
			}
		}
	}
	return found
}

// blind tests a change of a password, which nothing reads: the other's call is
// done for the owner, and not for somebody who never was.
func (t *test) blind(ctx context.Context, c *call.Call, where string) (bool, error) {
	names := oracle.Parameters(t.op.Path)
	never := c.Clone()
	never.Set(call.Place{In: "path", Name: last(names)}, fmt.Sprint(oracle.PathValue(c, last(names)))+"977")
	control, err := oracle.Try(ctx, t.env, never, t.other)
	if err != nil || oracle.Accepted(control.Answer) {
		return false, err
	}
	var e *check.Exchange
	for range 2 {
		if e, err = oracle.Try(ctx, t.env, c, t.other); err != nil || !oracle.Accepted(e.Answer) {
			return false, err
		}
	}
	oracle.Report(t.env, changed, finding.Firm, t.op, where, fmt.Sprintf("%s may set the password of %s.", t.other.Name, t.owner.Name),
		t.env.Step("control: for somebody who never was", control), t.env.Step("another user sets it", e))
	return true, nil
}

// renew puts an object into c that the owner makes now: older ones may be in a
// state in which nobody can change them.
func (t *test) renew(ctx context.Context, c *call.Call) error {
	id, err := oracle.Make(ctx, t.env, c, t.owner)
	if err != nil || id == nil {
		return err
	}
	names := oracle.Parameters(t.op.Path)
	c.Set(call.Place{In: "path", Name: last(names)}, id)
	return nil
}

// acts tells that a POST is an action on one object: its path has a parameter
// and then words that no parameter follows anywhere.
func acts(op *spec.Operation) bool { return strings.Contains(op.Path, "{") }

func (t *test) interacts() bool {
	words := oracle.Words(&spec.Operation{Path: t.op.Path[strings.LastIndexByte(t.op.Path, '/'):], ID: t.op.ID})
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(interactions, w) })
}

// state is what the owner sees of an object.
type state struct {
	e      *check.Exchange
	leaves []oracle.Leaf
}

// look lets the owner read what c acts on. It is nil where nothing reads it.
func (t *test) look(ctx context.Context, c *call.Call) (*state, error) {
	reader := t.reader()
	if reader == nil {
		return nil, nil
	}
	rc, err := t.env.World.Call(ctx, reader, t.owner)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, nil
	}
	theirs := oracle.Parameters(t.op.Path)
	for i, name := range oracle.Parameters(reader.Path) {
		if i >= len(theirs) {
			return nil, nil
		}
		// By position: readers may name their parameters otherwise.
		for n := range rc.Path {
			if rc.Path[n].Name == name {
				rc.Path[n].Value = oracle.PathValue(c, theirs[i])
			}
		}
	}
	e, err := t.env.World.Send(ctx, rc, t.owner)
	if err != nil {
		return nil, err
	}
	s := &state{e: e}
	if oracle.Accepted(e.Answer) {
		s.leaves = oracle.Leaves(e.Answer.Body)
	}
	return s, nil
}

// reader is the operation that reads what op acts on; for a child that nothing
// reads by itself, the list of children.
func (t *test) reader() *spec.Operation { return oracle.Reader(t.env.API, t.op) }

func (t *test) change(ctx context.Context, v variant, own *call.Call) (bool, error) {
	before, err := t.look(ctx, own)
	if err != nil || before == nil || before.leaves == nil {
		return false, err
	}
	e, err := oracle.Try(ctx, t.env, v.call, t.other)
	if err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	after, err := t.look(ctx, own)
	if err != nil || after == nil || after.leaves == nil {
		return false, err
	}
	member, ok := t.difference(before, after, v.call)
	if !ok || t.meant(ctx, own) {
		return false, nil
	}
	oracle.Report(t.env, changed, finding.Certain, t.op, v.where,
		fmt.Sprintf("%s changed %s of what belongs to %s, who sees the change.", t.other.Name, member, t.owner.Name),
		t.env.Step("the owner reads it", before.e), t.env.Step("another user changes it", e), t.env.Step("the owner reads it again", after.e))
	return true, nil
}

// difference finds what a call changed: members that now hold what it sent, or
// for a call without content, any that changed.
func (t *test) difference(before, after *state, c *call.Call) (string, bool) {
	sent := map[string]bool{}
	if c.HasBody {
		sent = oracle.Texts(oracle.Of(c.Body))
	}
	was := map[string]string{}
	for _, l := range before.leaves {
		was[l.Pointer] = l.Text
	}
	had := oracle.Texts(before.leaves)
	for _, l := range after.leaves {
		if was[l.Pointer] == l.Text || oracle.Volatile(l) && !sent[l.Text] {
			continue
		}
		if len(sent) > 0 && sent[l.Text] && !had[l.Text] && len(l.Text) > 2 {
			return l.Name, true
		}
		if len(sent) == 0 && was[l.Pointer] != "" {
			return l.Name, true
		}
	}
	return "", false
}

// meant tells that the object is one that many may change: it says that it is
// shared.
func (t *test) meant(ctx context.Context, own *call.Call) bool {
	s, err := t.look(ctx, own)
	if err != nil || s == nil || s.leaves == nil {
		return false
	}
	says, shared := visibility(s.e.Answer)
	return says && shared && t.op.Method == http.MethodPost
}

// deletes tests whether the other's deletion of the owner's object is done.
func (t *test) deletes(ctx context.Context) (bool, error) {
	if !strings.Contains(t.op.Path, "{") {
		return false, nil
	}
	for range 3 {
		c, at, err := t.own(ctx)
		if err != nil || len(at) == 0 {
			return false, err
		}
		there, _, err := t.there(ctx, c)
		if err != nil {
			return false, err
		}
		if !there {
			continue // what is known of it is old, or is on no first page
		}
		for _, v := range t.variants(c, at) {
			if found, err := t.delete(ctx, v, c); found || err != nil {
				return found, err
			}
		}
		return false, nil
	}
	return false, nil
}

func (t *test) delete(ctx context.Context, v variant, own *call.Call) (bool, error) {
	there, before, err := t.there(ctx, own)
	if err != nil || !there {
		return false, err
	}
	e, err := oracle.Try(ctx, t.env, v.call, t.other)
	if err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	there, after, err := t.there(ctx, own)
	if err != nil || there {
		return false, err
	}
	oracle.Report(t.env, deleted, finding.Certain, t.op, v.where,
		fmt.Sprintf("%s deleted what belongs to %s, who cannot find it any more.", t.other.Name, t.owner.Name),
		t.env.Step("the owner finds it", before), t.env.Step("another user deletes it", e), t.env.Step("the owner does not find it", after))
	return true, nil
}

// there tells whether the owner finds the object that c deletes: by reading it,
// and in the list. A service may answer to the one and not to the other.
func (t *test) there(ctx context.Context, c *call.Call) (bool, *check.Exchange, error) {
	s, err := t.look(ctx, c)
	if err != nil || s == nil || s.leaves == nil {
		if s == nil {
			return false, nil, err
		}
		return false, s.e, err
	}
	last := len(oracle.Parameters(t.op.Path)) - 1
	has, e, err := oracle.InList(ctx, t.env, c, last, t.owner)
	if err != nil || e == nil {
		return true, s.e, err // nothing lists such things
	}
	return has, e, nil
}
