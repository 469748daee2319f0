// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/identity"
	"durward/probe/spec"
)

// attempts is how many calls are made to find one that works.
const attempts = 8

// turn says which of the possible values an attempt takes.
type turn struct {
	body   int  // the kind of values
	object int  // which of the objects that fit
	anew   bool // one with which nothing was done
}

// attempt calls op as somebody until it is answered 2xx: what the answer says
// chooses what is changed.
func (w *World) attempt(ctx context.Context, op *spec.Operation, as *identity.Identity, depth int) (*check.Exchange, error) {
	a := attempting{w: w, op: op, as: as, depth: depth, sent: map[string]bool{}}
	for range attempts {
		e, err := a.once(ctx)
		if err != nil {
			return nil, err
		}
		if e != nil && e.Answer.OK() && !Failed(e.Answer) {
			return e, nil
		}
		if a.over {
			break
		}
	}
	w.mu.Lock()
	w.ops[op].refused[nameOf(as)]++
	w.mu.Unlock()
	return nil, w.unreached(op)
}

type attempting struct {
	w      *World
	op     *spec.Operation
	as     *identity.Identity
	depth  int
	turn   turn
	sent   map[string]bool
	denied int
	over   bool
}

// once makes one call, and chooses the next. No exchange is what was sent before.
func (a *attempting) once(ctx context.Context) (*check.Exchange, error) {
	c, err := a.w.fresh(ctx, a.op, a.as, a.turn, a.depth)
	if err != nil {
		return nil, err
	}
	r, err := a.w.Request(ctx, c, a.as)
	if err != nil {
		return nil, err
	}
	key := r.Target + "\x00" + string(r.Body)
	if a.sent[key] {
		a.turn.body++
		a.turn.object++
		return nil, nil
	}
	a.sent[key] = true
	e, err := a.w.Send(ctx, c, a.as)
	if err != nil {
		return nil, err
	}
	switch e.Answer.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		// Another object may be the user's own; nothing else can help.
		a.denied++
		a.turn.object++
		a.over = a.denied >= 3 || len(c.Path) == 0
	case http.StatusNotFound, http.StatusGone:
		a.turn.object++
		if len(c.Path) == 0 {
			a.turn.body++
		}
	case http.StatusMethodNotAllowed, http.StatusNotImplemented, http.StatusUpgradeRequired:
		a.over = true
	case http.StatusConflict:
		// Either the values are taken, or the object is in the wrong state.
		a.turn.body++
		if len(c.Path) > 0 {
			a.turn.anew = !a.turn.anew
			a.turn.object++
		}
	default:
		a.turn.body++
		if len(c.Path) > 0 && !c.HasBody {
			a.turn.object++
		}
	}
	return e, nil
}

// Reach tries operations, which are in the order of Order, as every user: what makes things first, what takes
// them away last. It ends early only when nothing more can be sent.
func (w *World) Reach(ctx context.Context, ops []*spec.Operation, done func(op *spec.Operation)) error {
	for _, op := range ops {
		users := append([]*identity.Identity(nil), w.Users...)
		if len(users) == 0 || open(op) {
			users = append(users, nil)
		}
		for _, as := range users {
			_, err := w.Good(ctx, op, as)
			if stop := ends(ctx, err); stop != nil {
				return stop
			}
		}
		done(op)
	}
	// What failed for want of an object, or of its state, may work now.
	for range 3 {
		before := w.missing(ops)
		for _, op := range ops {
			for _, as := range w.Users {
				if w.Reached(op) || w.may(op, as) != nil {
					continue
				}
				_, err := w.Good(ctx, op, as)
				if stop := ends(ctx, err); stop != nil {
					return stop
				}
			}
		}
		if w.missing(ops) == before {
			break
		}
	}
	return nil
}

// missing counts the operations that were not reached, and lets them be tried
// again.
func (w *World) missing(ops []*spec.Operation) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, op := range ops {
		if s := w.ops[op]; len(s.good) == 0 {
			n++
			clear(s.refused)
		}
	}
	return n
}

// open tells that the document lets anyone call.
func open(op *spec.Operation) bool {
	return op.Security != nil && (len(op.Security) == 0 || slices.ContainsFunc(op.Security, func(r []spec.Requirement) bool { return len(r) == 0 }))
}

// ends gives the error after which nothing more can be sent.
func ends(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, client.ErrBudget), errors.Is(err, client.ErrTime), errors.Is(err, client.ErrDown):
		return err
	}
	return nil
}

// Reached tells that some call of op was answered 2xx.
func (w *World) Reached(op *spec.Operation) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.ops[op].good) > 0
}

// Account is what is known of one operation, for the report.
type Account struct {
	Reached bool
	Why     string
	Answers map[int]int
}

// Account tells what became of the calls of op.
func (w *World) Account(op *spec.Operation) Account {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.ops[op]
	a := Account{Reached: len(s.good) > 0, Answers: map[int]int{}}
	for k, n := range s.answers {
		a.Answers[k] = n
	}
	switch {
	case a.Reached:
	case w.ReadOnly && !client.Safe(op.Method):
		a.Why = "the run is read-only"
	case s.status == 0:
		a.Why = "never called"
	case s.reason == "":
		a.Why = fmt.Sprintf("last answer %d", s.status)
	default:
		a.Why = fmt.Sprintf("last answer %d: %s", s.status, s.reason)
	}
	return a
}

// Order is that in which operations are best tried: registrations and logins,
// then what makes things, by how deep it is, then what reads and changes them,
// and what deletes last.
func Order(api *spec.API) []*spec.Operation {
	ops := slices.Clone(api.Operations)
	slices.SortStableFunc(ops, func(a, b *spec.Operation) int {
		return cmp.Compare(stage(a), stage(b))
	})
	return ops
}

func stage(op *spec.Operation) int {
	deep := 10 * strings.Count(op.Path, "{")
	switch {
	case Registers(op):
		return 0
	case Authenticates(op):
		return 1
	case op.Method == "DELETE":
		return 5000 - deep
	case op.Method == "POST" && !strings.HasSuffix(op.Path, "}"):
		return 100 + deep
	case op.Method == "GET", op.Method == "HEAD", op.Method == "OPTIONS":
		return 105 + deep
	case leaves(op):
		return 4000
	}
	return 1000 + deep
}

// leaves tells that an operation ends the caller's session.
func leaves(op *spec.Operation) bool {
	p := plain(op.Path) + plain(op.ID)
	return strings.Contains(p, "logout") || strings.Contains(p, "signout") || strings.Contains(p, "revoke")
}
