// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package probe tests an HTTP API for weaknesses, from its OpenAPI document: it
// logs users in, finds a working call of each operation, runs the checks of
// probe/check on them and tells what was found, and what was not tested.
//
// Manners: it speaks to one server only, within a budget of requests, a rate and
// a time; it deletes what it made; a read-only run sends nothing that writes.
//
// Failure: what could not be tested is in the report, and a run that could test
// nothing is no clean run. An interrupted run still gives its report. The same
// seed gives the same requests to a service that answers the same.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/report"
	"durward/probe/spec"
	"durward/probe/world"
)

// run is one run under way.
type run struct {
	cfg    Config
	origin string
	base   string
	client *client.Client
	desk   *identity.Desk
	world  *world.World
	users  []*identity.Identity
	ops    []*spec.Operation
	checks []check.Check
	state  *state
	out    *report.Run

	mu       sync.Mutex
	findings []finding.Finding
	has      map[string]int // fingerprints: index in findings
}

// Run tests. The error is one of the configuration; what goes wrong with the
// service is in the report.
func Run(ctx context.Context, cfg Config) (*report.Run, error) {
	r, err := newRun(cfg)
	if err != nil {
		return nil, err
	}
	defer r.client.Close()
	started := time.Now()
	r.out.Started = started.UTC()
	err = r.phases(ctx)
	r.stopped(ctx, err)
	r.clean(ctx)
	r.finish()
	r.out.Took = time.Since(started)
	return r.out, nil
}

func newRun(cfg Config) (*run, error) {
	r := &run{cfg: cfg, has: map[string]int{}}
	var err error
	if r.origin, r.base, err = cfg.where(); err != nil {
		return nil, err
	}
	if r.checks, err = cfg.pick(); err != nil {
		return nil, err
	}
	if r.ops, err = cfg.operations(); err != nil {
		return nil, err
	}
	if cfg.Users != nil {
		if r.users, err = cfg.Users.Identities(cfg.API); err != nil {
			return nil, err
		}
	}
	r.users = append(r.users, cfg.Extra...)
	for i, u := range r.users {
		if slices.ContainsFunc(r.users[:i], func(o *identity.Identity) bool { return o.Name == u.Name }) {
			return nil, fmt.Errorf("two users are named %s", u.Name)
		}
	}
	limits := cfg.limits(r.origin, time.Now())
	if cfg.Trace != nil {
		limits.Watch = r.trace
	}
	if r.client, err = client.New(limits); err != nil {
		return nil, err
	}
	r.desk = &identity.Desk{Client: r.client, Base: r.base, Other: r.other}
	if r.state, err = openState(cfg.State, r); err != nil {
		return nil, err
	}
	r.out = &report.Run{Version: cfg.Version, Target: r.origin + r.base, API: cfg.API.Title, APIVersion: cfg.API.Version,
		Seed: cfg.Seed, Users: []string{}, Operations: []report.Operation{}, Checks: []report.Check{}}
	for _, w := range cfg.API.Warnings {
		r.out.Notes = append(r.out.Notes, "document: "+w)
	}
	return r, nil
}

// other makes a client for a login server that the users' file names.
func (r *run) other(origin string) (*client.Client, error) {
	return client.New(client.Config{Origin: origin, Timeout: r.cfg.Timeout, TLS: r.cfg.TLS, Agent: "durward-probe/" + r.cfg.Version, MaxRequests: 1000})
}

// phases does the run's work in order.
func (r *run) phases(ctx context.Context) error {
	r.at("connect", "", 0, 1)
	if err := r.contact(ctx); err != nil {
		return err
	}
	if err := r.settle(ctx); err != nil {
		return err
	}
	r.world = world.New(world.Config{API: r.cfg.API, Client: r.client, Base: r.base, Desk: r.desk,
		Seed: r.cfg.Seed, ReadOnly: r.cfg.ReadOnly})
	if err := r.logIn(ctx); err != nil {
		return err
	}
	r.world.Users = r.users
	n := 0
	if err := r.world.Reach(ctx, r.ops, func(op *spec.Operation) {
		n++
		r.at("reach", op.ID, n, len(r.ops))
	}); err != nil {
		return err
	}
	return r.runChecks(ctx)
}

// contact asks whether there is a server at all.
func (r *run) contact(ctx context.Context) error {
	_, err := r.client.Do(ctx, &client.Request{Method: "GET", Target: r.base + "/"})
	var failed *client.Error
	if errors.As(err, &failed) && !failed.Timeout() {
		return fmt.Errorf("cannot reach %s: %w", r.origin, err)
	}
	if failed != nil {
		return nil // slow to say that there is nothing at /
	}
	return err
}

// settle finds out whether the operations are below the path of the document's
// server: some services do not serve what their document says.
func (r *run) settle(ctx context.Context) error {
	if u, err := url.Parse(r.cfg.URL); err != nil || r.base == "" || strings.Trim(u.Path, "/") != "" {
		return nil //nolint:nilerr // the address says it, and was parsed before
	}
	tries := 0
	for _, op := range r.cfg.API.Operations {
		if op.Method != "GET" || strings.Contains(op.Path, "{") {
			continue
		}
		if tries++; tries > 3 {
			break
		}
		below, err := r.client.Do(ctx, &client.Request{Method: "GET", Target: r.base + op.Template()})
		if err != nil || below.Status != 404 {
			return ends(ctx, err)
		}
		bare, err := r.client.Do(ctx, &client.Request{Method: "GET", Target: op.Template()})
		if err != nil || bare.Status == 404 {
			if stop := ends(ctx, err); stop != nil {
				return stop
			}
			continue
		}
		r.note(fmt.Sprintf("nothing is served below %s, the path of the document's server: the operations were taken to be below /", r.base))
		r.base, r.desk.Base, r.out.Target = "", "", r.origin
		return nil
	}
	return nil
}

// runChecks runs the checks by operation, and then those of the whole API.
func (r *run) runChecks(ctx context.Context) error {
	total, done := len(r.checks)*(len(r.ops)+1), 0
	for i := range r.checks {
		k := &r.checks[i]
		acc := report.Check{Name: k.Name, Kinds: []string{}}
		for _, kind := range k.Kinds {
			acc.Kinds = append(acc.Kinds, kind.ID)
		}
		acc.Skipped = r.skips(k)
		err := error(nil)
		if acc.Skipped == "" {
			before := r.client.Stats().Requests
			err = r.runCheck(ctx, k, &acc, &done, total)
			acc.Requests = r.client.Stats().Requests - before
		}
		done = (i + 1) * (len(r.ops) + 1)
		r.out.Checks = append(r.out.Checks, acc)
		if err != nil {
			for _, left := range r.checks[i+1:] {
				r.out.Checks = append(r.out.Checks, report.Check{Name: left.Name, Kinds: []string{}, Skipped: "the run ended before it"})
			}
			return err
		}
	}
	return nil
}

// skips says why a check does not run.
func (r *run) skips(k *check.Check) string {
	switch {
	case k.Destructive && !r.cfg.Destructive:
		return "it may harm the service; --destructive runs it"
	case k.Writes && r.cfg.ReadOnly:
		return "the run is read-only"
	}
	return ""
}

func (r *run) runCheck(ctx context.Context, k *check.Check, acc *report.Check, done *int, total int) error {
	failed := map[string]int{}
	each := func(op *spec.Operation, id string, f func(*check.Env) error) error {
		*done++
		r.at("check", k.Name+" "+id, *done, total)
		if r.state.finished(k.Name, id) {
			acc.Operations++
			return nil
		}
		err := r.guarded(ctx, k, id, f)
		if stop := ends(ctx, err); stop != nil {
			return stop
		}
		if err != nil {
			failed[reason(err)]++
		} else if op != nil {
			acc.Operations++
		}
		return r.save(k.Name, id)
	}
	if k.Operation != nil {
		for _, op := range r.ops {
			if err := each(op, op.ID, func(e *check.Env) error { return k.Operation(ctx, e, op) }); err != nil {
				acc.Skipped = "the run ended in the middle of it"
				return err
			}
		}
	}
	if k.API != nil {
		if err := each(nil, "", func(e *check.Env) error { return k.API(ctx, e) }); err != nil {
			acc.Skipped = "the run ended in the middle of it"
			return err
		}
		if k.Operation == nil && len(failed) == 0 {
			acc.Operations = len(r.ops)
		}
	}
	acc.Skipped = summary(failed)
	return nil
}

// guarded runs a part of a check; one that panics is told of, and ends alone.
func (r *run) guarded(ctx context.Context, k *check.Check, id string, f func(*check.Env) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := strings.Split(string(debug.Stack()), "\n")
			err = fmt.Errorf("the check broke: %v", p)
			r.note(fmt.Sprintf("%s on %s broke (a fault of the check): %v; %s", k.Name, id, p, strings.TrimSpace(strings.Join(stack[min(8, len(stack)):min(12, len(stack))], " "))))
		}
	}()
	if err := ctx.Err(); err != nil {
		return err
	}
	return f(r.env(k, id))
}

func reason(err error) string {
	if errors.Is(err, world.ErrUnreached) {
		return "no working call is known"
	}
	s := err.Error()
	return s[:min(len(s), 120)]
}

// summary joins the reasons, the most frequent first.
func summary(failed map[string]int) string {
	var list []string
	for why, n := range failed {
		list = append(list, fmt.Sprintf("%d: %s", n, why))
	}
	slices.Sort(list)
	slices.Reverse(list)
	if len(list) == 0 {
		return ""
	}
	return "not on " + strings.Join(list[:min(len(list), 3)], "; ")
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
