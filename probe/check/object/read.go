// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package object

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/client"
	"durward/probe/finding"
)

// reads tests whether the other user is shown the owner's object.
func (t *test) reads(ctx context.Context) (bool, error) {
	c, at, err := t.own(ctx)
	if err != nil {
		return false, err
	}
	if len(at) == 0 {
		return t.filters(ctx)
	}
	control, err := t.env.World.Send(ctx, c, t.owner)
	if err != nil || !oracle.Accepted(control.Answer) {
		return false, err
	}
	known, err := t.others(ctx)
	if err != nil {
		return false, err
	}
	for _, v := range t.variants(c, at) {
		if found, err := t.read(ctx, v, control, known); found || err != nil {
			return found, err
		}
	}
	return t.filters(ctx)
}

// others is what the other user is shown by the same operation on what is their
// own: what both see says nothing.
func (t *test) others(ctx context.Context) (map[string]bool, error) {
	mine := &test{env: t.env, op: t.op, owner: t.other, other: t.owner}
	c, _, err := mine.own(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, nil
	}
	e, err := t.env.World.Send(ctx, c, t.other)
	if err != nil || !oracle.Accepted(e.Answer) {
		return nil, err
	}
	return oracle.Texts(oracle.Leaves(e.Answer.Body)), nil
}

func (t *test) read(ctx context.Context, v variant, control *check.Exchange, known map[string]bool) (bool, error) {
	e, err := oracle.Try(ctx, t.env, v.call, t.other)
	if err != nil || !oracle.Accepted(e.Answer) {
		return false, err
	}
	shown := oracle.Shown(control.Answer.Body, e.Answer.Body, known, oracle.Values(v.call))
	shown = t.notOf(shown)
	small := !oracle.Telling(shown)
	if small {
		// Small values tell nothing one by one; the whole answer may.
		if shown = t.whole(control, e, known); shown == nil {
			return false, nil
		}
	}
	listed, any, err := oracle.Listed(ctx, t.env, control.Call, t.other)
	if err != nil {
		return false, err
	}
	if t.shared(control, shown, listed, any, small) {
		return false, nil
	}
	if open, err := t.container(ctx, control.Call); open || err != nil {
		return false, err
	}
	// Once more: what is shown by chance or by a cache is not shown twice.
	again, err := oracle.Try(ctx, t.env, v.call, t.other)
	if err != nil || !oracle.Accepted(again.Answer) || !oracle.Same(again.Answer.Body, e.Answer.Body) {
		return false, err
	}
	oracle.Report(t.env, read, finding.Certain, t.op, v.where,
		fmt.Sprintf("%s is shown %s of what belongs to %s%s.", t.other.Name, members(shown), t.owner.Name, guessable(v.call, v.where)),
		t.env.Step("control: the owner reads it", control), t.env.Step("another user reads it", e))
	return true, nil
}

// whole gives all values of the owner's answer when the other's is that, and
// something of it is not in what the other has; else nil.
func (t *test) whole(control, e *check.Exchange, known map[string]bool) []oracle.Leaf {
	all := oracle.Leaves(control.Answer.Body)
	if len(all) < 2 || known == nil || !bytes.Equal(control.Answer.Body, e.Answer.Body) {
		return nil
	}
	if slices.ContainsFunc(all, func(l oracle.Leaf) bool { return !oracle.Volatile(l) && !known[l.Text] && len(l.Text) >= 3 }) {
		return all
	}
	return nil
}

// notOf leaves out what the other user's own record may well hold.
func (t *test) notOf(shown []oracle.Leaf) []oracle.Leaf {
	return slices.DeleteFunc(shown, func(l oracle.Leaf) bool { return t.other.Is(l.Text) })
}

// shared tells that what the other was shown is meant for more than its owner.
func (t *test) shared(control *check.Exchange, shown []oracle.Leaf, listed map[string]bool, any, small bool) bool {
	if says, shared := visibility(control.Answer); says {
		return shared
	}
	if oracle.Private(t.op) {
		return false
	}
	secret := slices.ContainsFunc(shown, func(l oracle.Leaf) bool { return oracle.Sensitive(l) && !listed[l.Text] })
	if secret {
		return false
	}
	id := fmt.Sprint(oracle.PathValue(control.Call, last(oracle.Parameters(t.op.Path))))
	unlisted := slices.DeleteFunc(slices.Clone(shown), func(l oracle.Leaf) bool { return listed[l.Text] })
	if listed[id] || !small && !oracle.Telling(unlisted) {
		return true // they may look it up
	}
	return oracle.Public(t.op) && !any || t.namesPeople()
}

// container tells that the object is within another that the other user is shown
// in a list: who is let into a room sees what is in it.
func (t *test) container(ctx context.Context, c *call.Call) (bool, error) {
	if oracle.Private(t.op) {
		return false, nil
	}
	names := oracle.Parameters(t.op.Path)
	for i := range max(len(names)-1, 0) {
		open, _, err := oracle.InList(ctx, t.env, c, i, t.other)
		if open || err != nil {
			return open, err
		}
	}
	return false, nil
}

func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

// namesPeople tells that the operation is about users rather than their things:
// profiles are for others as well, as long as nothing sensitive is in them.
func (t *test) namesPeople() bool {
	return slices.Contains([]string{"user", "member", "profile", "people", "person", "colleague", "contact"}, oracle.Noun(t.op))
}

// visibility finds a member that says whether a thing is for others too.
func visibility(a *client.Answer) (says, shared bool) {
	for _, l := range oracle.Leaves(a.Body) {
		text := strings.ToLower(l.Text)
		switch oracle.Plain(l.Name) {
		case "visibility", "access", "privacy", "scope", "type":
			switch text {
			case "public", "shared", "open", "everyone", "all":
				return true, true
			case "private", "secret", "personal", "owner":
				return true, false
			}
		case "public", "ispublic", "shared", "isshared":
			if !l.String && text == "true" {
				return true, true
			}
			if !l.String && text == "false" {
				return true, false
			}
		case "private", "isprivate", "secret":
			if !l.String {
				return true, text == "false"
			}
		}
	}
	return false, false
}

// filters tests optional parameters that name a user or a thing: the other user
// asks for the owner's.
func (t *test) filters(ctx context.Context) (bool, error) {
	plain, err := t.env.World.Call(ctx, t.op, t.other)
	if err != nil {
		return false, err
	}
	for _, p := range t.op.Params {
		if p.In != "query" || p.Required {
			continue
		}
		place := call.Place{In: p.In, Name: p.Name, Schema: p.Schema}
		theirs, own := t.env.World.Owns(t.op, place, t.owner), t.env.World.Owns(t.op, place, t.other)
		if len(theirs) == 0 || contains(own, theirs[0]) {
			continue
		}
		found, err := t.filter(ctx, plain, place, theirs[0])
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

func (t *test) filter(ctx context.Context, plain *call.Call, place call.Place, id any) (bool, error) {
	c := plain.Clone()
	c.Set(place, id)
	control, err := oracle.Try(ctx, t.env, c, t.owner)
	if err != nil || !oracle.Accepted(control.Answer) {
		return false, err
	}
	without, err := oracle.Try(ctx, t.env, plain, t.other)
	if err != nil {
		return false, err
	}
	known := map[string]bool{}
	if oracle.Accepted(without.Answer) {
		known = oracle.Texts(oracle.Leaves(without.Answer.Body))
	}
	return t.read(ctx, variant{c, place.String()}, control, known)
}

// lists tests whether the other's list shows what the owner made.
func (t *test) lists(ctx context.Context) (bool, error) {
	if len(oracle.Parameters(t.op.Path)) > 0 || !oracle.Private(t.op) {
		return false, nil
	}
	c, err := t.env.World.Call(ctx, t.op, t.owner)
	if err != nil {
		return false, err
	}
	control, err := t.env.World.Send(ctx, c, t.owner)
	if err != nil || !oracle.Accepted(control.Answer) {
		return false, err
	}
	made := map[string]bool{}
	for _, id := range t.madeIn(c) {
		made[fmt.Sprint(id)] = true
	}
	for n := range 2 {
		e, err := oracle.Try(ctx, t.env, c, t.other)
		if err != nil || !oracle.Accepted(e.Answer) {
			return false, err
		}
		shown := slices.DeleteFunc(oracle.Leaves(e.Answer.Body), func(l oracle.Leaf) bool { return !made[l.Text] || len(l.Text) < 3 })
		if len(shown) == 0 {
			return false, nil
		}
		if _, shared := visibility(e.Answer); shared {
			return false, nil
		}
		if n == 1 {
			oracle.Report(t.env, list, finding.Certain, t.op, "",
				fmt.Sprintf("The list of %s shows what %s made.", t.other.Name, t.owner.Name),
				t.env.Step("control: the owner's list", control), t.env.Step("another user's list", e))
		}
	}
	return true, nil
}

// madeIn are identifiers of what the owner made, of the kind that a list shows.
func (t *test) madeIn(c *call.Call) []any {
	for _, op := range t.env.API.Operations {
		if rest, ok := strings.CutPrefix(op.Path, t.op.Path+"/{"); ok && strings.HasSuffix(rest, "}") && !strings.Contains(rest, "/") {
			name := strings.TrimSuffix(rest, "}")
			return t.env.World.Owns(op, call.Place{In: "path", Name: name}, t.owner)
		}
	}
	return nil
}

func members(leaves []oracle.Leaf) string {
	var names []string
	for _, l := range leaves {
		if l.Name != "" && !slices.Contains(names, l.Name) && len(names) < 5 {
			names = append(names, l.Name)
		}
	}
	if len(names) == 0 {
		return "the content"
	}
	return strings.Join(names, ", ")
}

// guessable adds that an identifier is a small number.
func guessable(c *call.Call, where string) string {
	for _, v := range c.Path {
		if "path."+v.Name == where {
			if s := fmt.Sprint(v.Value); len(s) <= 8 && strings.Trim(s, "0123456789") == "" {
				return "; its identifier is a small number, which is easily guessed"
			}
		}
	}
	return ""
}
