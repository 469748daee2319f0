// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"net/netip"
	"sync"

	"github.com/cedar-policy/cedar-go/types"

	"durward"
	"durward/authz/eval"
)

// request is what policies can ask about one exchange. It makes no copy of it:
// a value is looked for when a policy reads it. It is pooled.
type request struct {
	*slice
	x   *durward.Exchange
	ctx context.Context
	env eval.Env

	// fault refuses the request, or fails the stage: something that a policy
	// asked for could not be told. away says that a directory could not.
	fault *durward.Decision
	away  bool

	candidates []int32

	address types.IPAddr
	id      string // of the resource
	query   []param
	queried bool
	claimed bool
	given   []eval.Value // values of the declared claims; an Error for what is not there
	sets    []eval.Texts // of claims
	objects []*object
	used    int
	content content
}

// param is one declared parameter of the query as it was sent.
type param struct {
	text   string
	there  bool
	faulty bool
}

var requests = sync.Pool{New: func() any { return new(request) }}

func acquire(ctx context.Context, x *durward.Exchange, s *slice) *request {
	r := requests.Get().(*request)
	r.slice, r.x, r.ctx = s, x, ctx
	r.env.Entities, r.env.Layout = r, &s.layout
	r.env.Principal = eval.UID("Caller", x.Principal.Subject)
	r.env.Action = eval.UID("Action", s.op.ID)
	r.env.Context = eval.Value{Kind: eval.RecordOf, X: (*contextRecord)(r)}
	r.env.Resource = eval.UID("API", s.api)
	if s.resource != nil {
		r.id = idOf(s.resource, x)
		r.env.Resource = eval.UID(s.resource.Name, r.id)
	}
	return r
}

func (r *request) release() {
	r.env.Reset()
	for _, o := range r.objects[:r.used] {
		*o = object{}
	}
	clear(r.query)
	clear(r.given)
	clear(r.sets)
	r.content.reset()
	*r = request{
		env: r.env, query: r.query[:0], given: r.given[:0], sets: r.sets[:0], objects: r.objects, content: r.content,
		candidates: r.candidates[:0],
	}
	requests.Put(r)
}

// refuse notes the first reason for which the request cannot be decided.
func (r *request) refuse(code durward.Code, in, name, reason string) eval.Value {
	if r.fault == nil {
		d := durward.Refuse(code, durward.Violations{{In: in, Name: name, Reason: reason}})
		r.fault = &d
	}
	return eval.Failure(reason)
}

// Entity finds what policies can ask about an entity.
func (r *request) Entity(typ, id string) (eval.Node, bool) {
	switch typ {
	case "Caller":
		if id == r.x.Principal.Subject {
			return (*callerNode)(r), true
		}
		return nil, false
	case "Action":
		if id == r.op.ID {
			return (*actionNode)(r), true
		}
		return nil, false
	case "Role", "API":
		return nil, false
	}
	return r.object(typ, id)
}

// callerNode is the principal.
type callerNode request

func (n *callerNode) Attribute(name string) (eval.Value, bool) {
	p := &n.x.Principal
	switch name {
	case "subject":
		return eval.Text(p.Subject), true
	case "method":
		return eval.Text(p.Method), true
	case "roles":
		return eval.Value{Kind: eval.SetOf, X: (*eval.Texts)(&p.Roles)}, true
	case "scopes":
		return eval.Value{Kind: eval.SetOf, X: (*eval.Texts)(&p.Scopes)}, true
	case "claims":
		return eval.Value{Kind: eval.RecordOf, X: (*claimRecord)(n)}, true
	case "consumer":
		return known(p.Consumer)
	case "issuer":
		return known(p.Issuer)
	case "plan":
		return known(p.Plan)
	case "bound":
		return known(p.Bound)
	}
	return eval.Value{}, false
}

// known makes an attribute that is not there of an empty text, so that two
// unknown values are never equal.
func known(s string) (eval.Value, bool) { return eval.Text(s), s != "" }

func (n *callerNode) Tag(string) (eval.Value, bool) { return eval.Value{}, false }

func (n *callerNode) Parent(i int) (typ, id string, ok bool) {
	if i >= len(n.x.Principal.Roles) {
		return "", "", false
	}
	return "Role", n.x.Principal.Roles[i], true
}

// actionNode is the operation.
type actionNode request

func (n *actionNode) Attribute(string) (eval.Value, bool) { return eval.Value{}, false }
func (n *actionNode) Tag(string) (eval.Value, bool)       { return eval.Value{}, false }

func (n *actionNode) Parent(i int) (typ, id string, ok bool) {
	if i >= len(n.groups) {
		return "", "", false
	}
	return "Action", string(n.groups[i].ID), true
}

// contextRecord is the context.
type contextRecord request

var contextNames = [...]string{"method", "address", "time", "authentication", "path", "query", "headers", "body"}

func (c *contextRecord) Len() int          { return len(contextNames) }
func (c *contextRecord) Name(i int) string { return contextNames[i] }

func (c *contextRecord) Get(name string) (eval.Value, bool) {
	r := (*request)(c)
	switch name {
	case "method":
		return eval.Text(r.x.In.Method), true
	case "address":
		a := r.x.Client.Address
		if !a.IsValid() {
			return eval.Failure("the address is not known"), true
		}
		r.address = types.IPAddr(netip.PrefixFrom(a, a.BitLen()))
		return eval.Value{Kind: eval.IP, X: &r.address}, true
	case "time":
		return eval.Value{Kind: eval.Datetime, N: r.x.Started.UnixMilli()}, true
	case "authentication":
		return eval.Value{Kind: eval.RecordOf, X: (*authentication)(r)}, true
	case "path":
		return eval.Value{Kind: eval.RecordOf, X: (*pathRecord)(r)}, true
	case "query":
		return eval.Value{Kind: eval.RecordOf, X: (*queryRecord)(r)}, true
	case "headers":
		return eval.Value{Kind: eval.RecordOf, X: (*headerRecord)(r)}, true
	case "body":
		return r.bodyRecord()
	}
	return eval.Value{}, false
}

// authentication is how the caller proved who they are.
type authentication request

func (a *authentication) Len() int {
	if a.x.Principal.Bound == "" {
		return 1
	}
	return 2
}

func (a *authentication) Name(i int) string { return [...]string{"method", "bound"}[i] }

func (a *authentication) Get(name string) (eval.Value, bool) {
	switch name {
	case "method":
		return eval.Text(a.x.Principal.Method), true
	case "bound":
		return known(a.x.Principal.Bound)
	}
	return eval.Value{}, false
}
