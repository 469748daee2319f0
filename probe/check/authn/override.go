// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"durward/probe/check"
	"durward/probe/check/oracle"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

var (
	userFields = []string{"X-User", "X-User-Id", "X-UserId", "X-User-ID", "X-Username", "X-User-Name", "X-User-Email", "X-Forwarded-User",
		"X-Forwarded-Email", "X-Auth-User", "X-Authenticated-User", "X-Authenticated-Userid", "X-Remote-User", "Remote-User", "X-Impersonate-User",
		"X-Original-User", "X-Consumer-Username", "X-WEBAUTH-USER", "X-Account-Id", "X-Customer-Id", "User-Id", "Username", "X-Email"}
	userParams = []string{"user", "user_id", "userId", "userid", "uid", "username", "as", "as_user", "impersonate", "account", "account_id",
		"accountId", "email", "sub", "login", "me"}
	addressFields = []string{"X-Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Originating-IP", "X-Remote-IP", "X-Remote-Addr",
		"True-Client-IP", "CF-Connecting-IP", "X-Cluster-Client-IP", "X-Custom-IP-Authorization", "Client-IP"}
	pathFields = []string{"X-Original-URL", "X-Rewrite-URL", "X-Override-URL"}
)

// overrides tests operations that read, for all ways around the question who
// calls.
func overrides(ctx context.Context, env *check.Env, op *spec.Operation) error {
	if op.Method != http.MethodGet || Entrance(op) {
		return nil
	}
	if needs, said := oracle.Secured(op); said && !needs {
		return nil
	}
	if err := impersonate(ctx, env, op); err != nil {
		return err
	}
	t, err := aim(ctx, env, op)
	if t == nil || err != nil || oracle.Accepted(t.nobody.Answer) {
		return err
	}
	if err := t.addresses(ctx); err != nil {
		return err
	}
	if err := t.rewrites(ctx); err != nil {
		return err
	}
	return t.spellings(ctx)
}

// impersonate tests whether a field or parameter makes one user another.
func impersonate(ctx context.Context, env *check.Env, op *spec.Operation) error {
	for _, p := range oracle.Pairs(env.Users) {
		v, err := newVictim(ctx, env, op, p)
		if err != nil {
			return err
		}
		if v == nil {
			continue
		}
		for _, value := range names(p.Owner) {
			if done, err := v.fields(ctx, value); done || err != nil {
				return err
			}
			if done, err := v.params(ctx, value); done || err != nil {
				return err
			}
		}
		return nil
	}
	return nil
}

// victim is a call that shows one user's own data to that user, and not to the
// other.
type victim struct {
	env     *check.Env
	pair    oracle.Pair
	op      *spec.Operation
	theirs  *check.Exchange // what the owner is shown
	request *client.Request // of the other
	before  *check.Exchange // what the other is shown
}

func newVictim(ctx context.Context, env *check.Env, op *spec.Operation, p oracle.Pair) (*victim, error) {
	c, err := env.World.Call(ctx, op, p.Owner)
	if err != nil {
		return nil, ctx.Err()
	}
	theirs, err := env.World.Send(ctx, c, p.Owner)
	if err != nil || !oracle.Accepted(theirs.Answer) {
		return nil, err
	}
	before, err := oracle.Try(ctx, env, c, p.Other)
	if err != nil {
		return nil, err
	}
	r, err := env.World.Request(ctx, c, p.Other)
	if err != nil {
		return nil, err
	}
	v := &victim{env, p, op, theirs, r, before}
	// Something must be the owner's alone, or no change could show.
	if len(slices.DeleteFunc(oracle.Leaves(theirs.Answer.Body), func(l oracle.Leaf) bool { return v.known(c.Op)[l.Text] || len(l.Text) < 3 })) == 0 {
		return nil, nil
	}
	return v, nil
}

// known is what the other is shown anyway.
func (v *victim) known(*spec.Operation) map[string]bool {
	if !oracle.Accepted(v.before.Answer) {
		return map[string]bool{}
	}
	return oracle.Texts(oracle.Leaves(v.before.Answer.Body))
}

// names are the texts by which a service may know a user.
func names(u *identity.Identity) []string {
	out := []string{u.Name}
	for _, n := range []string{"username", "user", "email", "id", "user_id", "uid", "sub", "uuid"} {
		if x, ok := u.Knows(n); ok {
			if s := fmt.Sprint(x); s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out[:min(len(out), 5)]
}

// got tells that an answer shows what is the owner's, and not what was sent.
func (v *victim) got(e *check.Exchange, sent string) bool {
	if !oracle.Accepted(e.Answer) {
		return false
	}
	shown := oracle.Shown(v.theirs.Answer.Body, e.Answer.Body, v.known(v.op), map[string]bool{sent: true})
	return oracle.Telling(shown) || len(shown) > 0 && oracle.Same(v.theirs.Answer.Body, e.Answer.Body)
}

func (v *victim) fields(ctx context.Context, value string) (bool, error) {
	set := func(fields []string) *client.Request {
		r := v.request.Clone()
		for _, f := range fields {
			if !r.Has(f) {
				r.Set(f, value)
			}
		}
		return r
	}
	e, err := v.env.World.Do(ctx, set(userFields))
	if err != nil || !v.got(e, value) {
		return false, err
	}
	for _, f := range userFields {
		if v.request.Has(f) {
			continue // that is how the user says who they are
		}
		if e, err = v.env.World.Do(ctx, set([]string{f})); err != nil {
			return false, err
		}
		if v.got(e, value) {
			return v.tell(ctx, "header."+f, set([]string{f}), value)
		}
	}
	return false, nil
}

func (v *victim) params(ctx context.Context, value string) (bool, error) {
	set := func(params []string) *client.Request {
		r := v.request.Clone()
		for _, p := range params {
			if v.declared(p) {
				continue
			}
			mark := "?"
			if strings.Contains(r.Target, "?") {
				mark = "&"
			}
			r.Target += mark + p + "=" + url.QueryEscape(value)
		}
		return r
	}
	e, err := v.env.World.Do(ctx, set(userParams))
	if err != nil {
		return false, err
	}
	some := userParams
	if !v.got(e, value) {
		if e.Answer.Status != http.StatusBadRequest && e.Answer.Status != http.StatusUnprocessableEntity {
			return false, nil
		}
		some = userParams[:4] // so many may be too many
	}
	for _, p := range some {
		if v.declared(p) {
			continue
		}
		if e, err = v.env.World.Do(ctx, set([]string{p})); err != nil {
			return false, err
		}
		if v.got(e, value) {
			return v.tell(ctx, "query."+p, set([]string{p}), value)
		}
	}
	return false, nil
}

// declared tells that the document has such a parameter: it is a filter then,
// and tested as one.
func (v *victim) declared(name string) bool {
	return slices.ContainsFunc(v.op.Params, func(p *spec.Param) bool { return strings.EqualFold(p.Name, name) })
}

// tell repeats, with a control that names nobody, and reports.
func (v *victim) tell(ctx context.Context, where string, r *client.Request, value string) (bool, error) {
	plain, err := v.env.World.Do(ctx, v.request)
	if err != nil || v.got(plain, value) {
		return false, err
	}
	e, err := v.env.World.Do(ctx, r)
	if err != nil || !v.got(e, value) {
		return false, err
	}
	oracle.Report(v.env, override, finding.Certain, v.op, where,
		fmt.Sprintf("%s is shown what is %s's by naming that user.", v.pair.Other.Name, v.pair.Owner.Name),
		v.env.Step("control: "+v.pair.Owner.Name+" calls it", v.theirs), v.env.Step("control: "+v.pair.Other.Name+" calls it", v.before),
		v.env.Step(v.pair.Other.Name+" names "+v.pair.Owner.Name, e))
	return true, nil
}

// bypass sends a request that nobody may send in another dress, twice.
func (t *target) bypass(ctx context.Context, r *client.Request) (*check.Exchange, error) {
	var e *check.Exchange
	for range 2 {
		var err error
		if e, err = t.env.World.Do(ctx, r); err != nil || !t.taken(e) || !oracle.Same(t.good.Answer.Body, e.Answer.Body) {
			return nil, err
		}
	}
	return e, nil
}

func (t *target) tell(kind finding.Kind, where, detail string, e *check.Exchange) {
	oracle.Report(t.env, kind, finding.Firm, t.op, where, detail, t.env.Step("control: "+t.as.Name+" calls it", t.good),
		t.env.Step("control: without a credential", t.nobody), t.env.Step("without a credential, in another dress", e))
}

func (t *target) bare(ctx context.Context) (*client.Request, error) {
	return t.env.World.Request(ctx, t.call, nil)
}

func (t *target) addresses(ctx context.Context) error {
	r, err := t.bare(ctx)
	if err != nil {
		return err
	}
	for _, f := range addressFields {
		r.Set(f, "127.0.0.1")
	}
	e, err := t.bypass(ctx, r)
	if err != nil || e == nil {
		return err
	}
	for _, f := range addressFields {
		if r, err = t.bare(ctx); err != nil {
			return err
		}
		r.Set(f, "127.0.0.1")
		if e, err = t.bypass(ctx, r); err != nil {
			return err
		}
		if e != nil {
			t.tell(address, "header."+f, "The operation answers to somebody without a credential who says to come from 127.0.0.1.", e)
			return nil
		}
	}
	return nil
}

// rewrites sends another path with the denied one in a header field.
func (t *target) rewrites(ctx context.Context) error {
	for _, f := range pathFields {
		r, err := t.bare(ctx)
		if err != nil {
			return err
		}
		target := r.Target
		r.Target = "/"
		plain, err := t.env.World.Do(ctx, r.Clone())
		if err != nil {
			return err
		}
		if oracle.Same(plain.Answer.Body, t.good.Answer.Body) {
			return nil
		}
		r.Set(f, target)
		e, err := t.bypass(ctx, r)
		if err != nil {
			return err
		}
		if e != nil {
			t.tell(rewritten, "header."+f, "The operation answers to somebody without a credential who names it in "+f+".", e)
			return nil
		}
	}
	return nil
}

// spellings sends the denied call under other spellings of its path.
func (t *target) spellings(ctx context.Context) error {
	r, err := t.bare(ctx)
	if err != nil {
		return err
	}
	path, query, _ := strings.Cut(r.Target, "?")
	if query != "" {
		query = "?" + query
	}
	cut := strings.LastIndexByte(path, '/')
	if cut < 0 || len(path) < 2 {
		return nil
	}
	last := path[cut+1:]
	for _, p := range []string{path + "/", "/" + path, path[:cut] + "/./" + last, path[:cut] + "/" + strings.ToUpper(last), path + ";.css", path + "%20",
		path + ".json", path[:cut] + "/%2e/" + last, path[:cut] + "//" + last, path + "%2f", path + "/..;/" + last, path + "?.js"} {
		r := r.Clone()
		r.Target = p + query
		e, err := t.bypass(ctx, r)
		if err != nil {
			return err
		}
		if e != nil {
			t.tell(spelling, "path", "The operation answers to somebody without a credential under another spelling of its path.", e)
			return nil
		}
	}
	return nil
}
