// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package flow

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// verbs are actions in the order in which they usually follow each other, for
// documents that do not tell.
var verbs = []string{"submit", "request", "open", "start", "review", "verify", "validate", "confirm", "approve", "accept", "authorize", "sign",
	"checkout", "pay", "capture", "process", "fulfil", "fulfill", "pack", "ship", "dispatch", "send", "deliver", "receive", "complete", "finish",
	"close", "settle", "refund"}

// gates are steps that are there to hold something up.
var gates = []string{"submit", "review", "verify", "validate", "confirm", "approve", "accept", "authorize", "sign", "checkout", "pay", "capture"}

// workflow is a kind of object with a state and actions that change it.
type workflow struct {
	env     *check.Env
	create  *spec.Operation
	item    *spec.Operation // reads one
	param   string
	member  string // the state's name
	states  []string
	actions []*spec.Operation
}

// step is an action that was done in order.
type step struct {
	op *spec.Operation
	as *identity.Identity
	to string
}

// workflows finds the workflows of the document and tests each.
func workflows(ctx context.Context, env *check.Env) error {
	if env.ReadOnly {
		return nil
	}
	for _, op := range env.API.Operations {
		if op.Method != http.MethodPost || strings.HasSuffix(op.Path, "}") {
			continue
		}
		w := find(env, op)
		if w == nil {
			continue
		}
		if err := w.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// find makes a workflow of a collection with at least two actions; nil where it
// has none.
func find(env *check.Env, create *spec.Operation) *workflow {
	w := &workflow{env: env, create: create}
	for _, op := range env.API.Operations {
		rest, ok := strings.CutPrefix(op.Path, create.Path+"/{")
		name, tail, _ := strings.Cut(rest, "}")
		switch {
		case !ok || strings.Contains(tail, "{"):
		case op.Method == http.MethodGet && tail == "":
			w.item, w.param = op, name
		case op.Method != http.MethodGet && op.Method != http.MethodDelete && strings.Count(tail, "/") == 1 && acts(tail[1:]):
			w.actions = append(w.actions, op)
		}
	}
	if w.item == nil || len(w.actions) < 2 {
		return nil
	}
	for _, a := range w.item.Answers {
		for _, m := range a.Content {
			if strings.HasPrefix(a.Status, "2") && w.member == "" {
				w.member, w.states = stateOf(m.Schema, 5)
			}
		}
	}
	if w.member == "" {
		w.member = "status"
	}
	slices.SortStableFunc(w.actions, func(a, b *spec.Operation) int { return cmp.Compare(w.place(a), w.place(b)) })
	return w
}

func verb(op *spec.Operation) string {
	return strings.ToLower(op.Path[strings.LastIndexByte(op.Path, '/')+1:])
}

// acts tells that a segment is one of the verbs.
func acts(segment string) bool {
	return slices.ContainsFunc(verbs, func(v string) bool { return strings.HasPrefix(strings.ToLower(segment), v) })
}

// stateOf finds the member that says an object's state, with its values in
// order.
func stateOf(s *spec.Schema, depth int) (string, []string) {
	if s == nil || depth == 0 {
		return "", nil
	}
	for _, name := range s.Order {
		if p := s.Properties[name]; slices.Contains([]string{"status", "state", "stage", "phase"}, oracle.Plain(name)) {
			var states []string
			for _, v := range p.Enum {
				states = append(states, strings.ToLower(fmt.Sprint(v)))
			}
			return name, states
		}
	}
	for _, name := range s.Order {
		if n, states := stateOf(s.Properties[name], depth-1); n != "" {
			return n, states
		}
	}
	for _, b := range s.AllOf {
		if n, states := stateOf(b, depth-1); n != "" {
			return n, states
		}
	}
	return "", nil
}

// place is where an action stands in the order: by the state that is named like
// it, else by the usual order.
func (w *workflow) place(op *spec.Operation) int {
	best, length := 1000, 1
	for i, s := range w.states {
		n := 0
		for v := verb(op); n < len(s) && n < len(v) && s[n] == v[n]; n++ {
		}
		if n > length {
			best, length = i, n
		}
	}
	if best < 1000 {
		return best
	}
	return 100 + slices.IndexFunc(verbs, func(v string) bool { return strings.HasPrefix(verb(op), v) })
}

func (w *workflow) run(ctx context.Context) error {
	for _, as := range ordinary(w.env.Users) {
		chain, err := w.learn(ctx, as)
		if err != nil {
			return err
		}
		if len(chain) < 2 {
			continue
		}
		for i := 1; i < len(chain); i++ {
			if err := w.skip(ctx, as, chain, i); err != nil {
				return err
			}
		}
		for i := range chain {
			if err := w.own(ctx, as, chain, i); err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// fresh makes an object.
func (w *workflow) fresh(ctx context.Context, as *identity.Identity) (id any, err error) {
	c, err := w.env.World.Call(ctx, w.create, as)
	if err != nil {
		return nil, ctx.Err()
	}
	e, err := w.env.World.Send(ctx, c, as)
	if err != nil || !oracle.Accepted(e.Answer) {
		return nil, err
	}
	for _, m := range oracle.Items(e.Answer.Body) {
		if id := oracle.ID(m, w.param); id != nil {
			return id, nil
		}
	}
	return nil, nil
}

// act does one action on an object.
func (w *workflow) act(ctx context.Context, op *spec.Operation, id any, as *identity.Identity) (*check.Exchange, error) {
	c := &call.Call{Op: op, Path: call.Values{{Name: oracle.Parameters(op.Path)[0], Value: id}}}
	if op.Body != nil && op.Body.Required {
		made, err := w.env.World.Call(ctx, op, as)
		if err != nil {
			return nil, ctx.Err()
		}
		made.Path = c.Path
		c = made
	}
	return oracle.Try(ctx, w.env, c, as)
}

// state reads an object's state, as the user who made it.
func (w *workflow) state(ctx context.Context, id any, as *identity.Identity) (string, error) {
	e, err := oracle.Try(ctx, w.env, &call.Call{Op: w.item, Path: call.Values{{Name: w.param, Value: id}}}, as)
	if err != nil || !oracle.Accepted(e.Answer) {
		return "", err
	}
	for _, m := range oracle.Items(e.Answer.Body) {
		if v, ok := m[w.member].(string); ok {
			return strings.ToLower(v), nil
		}
	}
	return "", nil
}

// learn goes through the actions in order, each by the first user who may.
func (w *workflow) learn(ctx context.Context, maker *identity.Identity) ([]step, error) {
	id, err := w.fresh(ctx, maker)
	if err != nil || id == nil {
		return nil, err
	}
	was, err := w.state(ctx, id, maker)
	if err != nil || was == "" {
		return nil, err
	}
	var chain []step
	users := append([]*identity.Identity{maker}, slices.DeleteFunc(ordinary(w.env.Users), func(u *identity.Identity) bool { return u == maker })...)
	for _, op := range w.actions {
		for _, u := range users {
			e, err := w.act(ctx, op, id, u)
			if err != nil {
				return nil, err
			}
			if e == nil || !oracle.Accepted(e.Answer) {
				continue
			}
			now, err := w.state(ctx, id, maker)
			if err != nil {
				return nil, err
			}
			if now != was && now != "" {
				chain, was = append(chain, step{op, u, now}), now
				break
			}
		}
	}
	return chain, nil
}

// skip does all steps before the n-th but the last of them, and then the n-th.
func (w *workflow) skip(ctx context.Context, maker *identity.Identity, chain []step, n int) error {
	left := chain[n-1]
	if !slices.ContainsFunc(gates, func(g string) bool { return strings.HasPrefix(verb(left.op), g) }) {
		return nil
	}
	id, err := w.fresh(ctx, maker)
	if err != nil || id == nil {
		return err
	}
	for _, s := range chain[:n-1] {
		if e, err := w.act(ctx, s.op, id, s.as); err != nil || e == nil || !oracle.Accepted(e.Answer) {
			return err
		}
	}
	s := chain[n]
	e, err := w.act(ctx, s.op, id, s.as)
	if err != nil || e == nil || !oracle.Accepted(e.Answer) {
		return err
	}
	now, err := w.state(ctx, id, maker)
	if err != nil || now != s.to {
		return err
	}
	oracle.Report(w.env, skipped, finding.Certain, s.op, "",
		fmt.Sprintf("The %s is %s although %s was never done.", oracle.Noun(w.item), s.to, left.op.ID), w.env.Step("without "+left.op.ID, e))
	return nil
}

// approvals are steps that one person does for another.
var approvals = []string{"approve", "review", "verify", "validate", "authorize", "accept", "sign"}

// own lets somebody who did a step for another do it for themselves.
func (w *workflow) own(ctx context.Context, maker *identity.Identity, chain []step, n int) error {
	s := chain[n]
	if s.as == maker || !slices.ContainsFunc(approvals, func(a string) bool { return strings.HasPrefix(verb(s.op), a) }) {
		return nil
	}
	id, err := w.fresh(ctx, s.as)
	if err != nil || id == nil {
		return err
	}
	for _, before := range chain[:n] {
		who := before.as
		if who == maker {
			who = s.as
		}
		if e, err := w.act(ctx, before.op, id, who); err != nil || e == nil || !oracle.Accepted(e.Answer) {
			return err
		}
	}
	e, err := w.act(ctx, s.op, id, s.as)
	if err != nil || e == nil || !oracle.Accepted(e.Answer) {
		return err
	}
	now, err := w.state(ctx, id, s.as)
	if err != nil || now != s.to {
		return err
	}
	sure := finding.Tentative
	text := " " + strings.ToLower(s.op.Summary) + " "
	if slices.ContainsFunc([]string{"own", "somebody else", "someone else", "another", "other than", "different", "four eyes", "four-eyes", "not the"},
		func(t string) bool { return strings.Contains(text, t) }) {
		sure = finding.Firm
	}
	oracle.Report(w.env, ownApproval, sure, s.op, "", fmt.Sprintf("%s made it and did %s, too.", s.as.Name, s.op.ID), w.env.Step("one's own", e))
	return nil
}

// Trial does a step on a fresh object that went through all steps before it, as
// somebody, and tells whether it was done.
type Trial func(as *identity.Identity) (e *check.Exchange, done bool, err error)

// Steps goes through the workflows of the document and calls f for each step that
// could be done in its order.
func Steps(ctx context.Context, env *check.Env, f func(op *spec.Operation, try Trial) error) error {
	for _, op := range env.API.Operations {
		if op.Method != http.MethodPost || strings.HasSuffix(op.Path, "}") {
			continue
		}
		w := find(env, op)
		if w == nil {
			continue
		}
		for _, maker := range ordinary(env.Users) {
			chain, err := w.learn(ctx, maker)
			if err != nil {
				return err
			}
			if len(chain) == 0 {
				continue
			}
			for n, s := range chain {
				if err := f(s.op, w.trial(ctx, maker, chain, n)); err != nil {
					return err
				}
			}
			break
		}
	}
	return nil
}

func (w *workflow) trial(ctx context.Context, maker *identity.Identity, chain []step, n int) Trial {
	return func(as *identity.Identity) (*check.Exchange, bool, error) {
		id, err := w.fresh(ctx, maker)
		if err != nil || id == nil {
			return nil, false, err
		}
		for _, s := range chain[:n] {
			if e, err := w.act(ctx, s.op, id, s.as); err != nil || e == nil || !oracle.Accepted(e.Answer) {
				return nil, false, err
			}
		}
		e, err := w.act(ctx, chain[n].op, id, as)
		if err != nil || e == nil || !oracle.Accepted(e.Answer) {
			return e, false, err
		}
		now, err := w.state(ctx, id, maker)
		return e, now == chain[n].to, err
	}
}
