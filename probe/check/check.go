// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package check says what a security test is and what it is given. The tests
// themselves are the packages below it, one for each family.
package check

import (
	"context"
	"math/rand/v2"

	"durward/probe/call"
	"durward/probe/client"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/spec"
)

// Check is one family of tests that share their requests.
type Check struct {
	// Name is what --checks takes: "object-access".
	Name string
	// Kinds is all that it may report.
	Kinds []finding.Kind
	// Writes tells that it sends methods that change something, so that a
	// read-only run leaves it out or it leaves them out (Env.ReadOnly).
	Writes bool
	// Destructive tells that it may harm the service or other users' data, so
	// that it runs only when it is asked for.
	Destructive bool
	// API runs once, Operation for each operation; either may be nil.
	API       func(context.Context, *Env) error
	Operation func(context.Context, *Env, *spec.Operation) error
}

// Exchange is one request with its answer, and the call that it was made of.
type Exchange struct {
	Call    *call.Call // nil for requests that are no call of an operation
	As      *identity.Identity
	Request *client.Request
	Answer  *client.Answer
}

// World is the service as a run knows it: what works for whom, on which
// resources. It is safe for concurrent use.
type World interface {
	// Call makes a call of op that as should be allowed, with valid data, on
	// resources that as has made or may use; they are made first where needed.
	// The call was not sent yet. It fails when no such call is known
	// (ErrUnreached).
	Call(ctx context.Context, op *spec.Operation, as *identity.Identity) (*call.Call, error)
	// Good gives the first exchange of op by as that was answered 2xx, sending
	// one where there is none yet and op is safe or may be repeated.
	Good(ctx context.Context, op *spec.Operation, as *identity.Identity) (*Exchange, error)
	// Send sends a call as somebody; as is nil for nobody. Expired credentials
	// are renewed once. Ids in answers are remembered as that identity's.
	Send(ctx context.Context, c *call.Call, as *identity.Identity) (*Exchange, error)
	// Do sends a request that was made by hand, as it stands.
	Do(ctx context.Context, r *client.Request) (*Exchange, error)
	// Request writes a call down, with the credentials of as.
	Request(ctx context.Context, c *call.Call, as *identity.Identity) (*client.Request, error)
	// Reader finds the operation that reads the object that op acts on (GET of
	// the same path, or the nearest by names and links); nil where none is known.
	Reader(op *spec.Operation) *spec.Operation
	// Owns gives ids of resources that as has made or was shown as its own, for
	// a place of an operation, in the order they were learned.
	Owns(op *spec.Operation, place call.Place, as *identity.Identity) []any
}

// Env is what a check works with during a run.
type Env struct {
	API   *spec.API
	World World
	// Origin is scheme, host and port of the service.
	Origin string
	// Users are the identities, in the configuration's order; at least the
	// anonymous one is never among them.
	Users []*identity.Identity
	// Rand is seeded by the run's seed, the check and the operation, so that
	// every part of a run repeats by itself.
	Rand *rand.Rand
	// ReadOnly forbids methods other than GET, HEAD and OPTIONS.
	ReadOnly    bool
	Destructive bool
	// Expect says what a configuration promises of a call, nil where there is
	// none to ask.
	Expect Expectation
	// Listener takes requests that the service was made to send (SSRF, XXE); nil
	// when it was forbidden.
	Listener Listener
	// Report takes a finding. It drops repetitions.
	Report func(finding.Finding)
	// Step makes a step of evidence of an exchange, secrets masked.
	Step func(why string, e *Exchange) finding.Step
}

// Verdict is what is expected of a call.
type Verdict int

// Verdicts.
const (
	Unknown Verdict = iota
	Allow
	Deny
)

// Expectation tells what a configuration promises. as is nil for nobody.
type Expectation interface {
	// Operation tells whether as may call op at all.
	Operation(op *spec.Operation, as *identity.Identity) Verdict
	// Request tells what becomes of one request, and why it is denied.
	Request(ctx context.Context, r *client.Request, as *identity.Identity) (Verdict, string)
}

// Listener is a server of the run's own on loopback.
type Listener interface {
	// URL makes an address that nobody else has, and Hit tells whether it was
	// asked for.
	URL() (url string, hit func() bool)
}
