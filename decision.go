// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import "time"

// Verdict is what a stage decided. Its zero value refuses, so that a forgotten
// return closes the door.
type Verdict uint8

const (
	Deny   Verdict = iota // refuse the request with the problem that Code names
	Allow                 // go on with the next stage
	Answer                // the stage has set x.Response: send it, ask no upstream
	Fail                  // the stage could not decide: OnError says what happens
)

var verdictNames = [...]string{"deny", "allow", "answer", "fail"}

func (v Verdict) String() string { return verdictNames[v] }

// Decision is the answer of one stage.
type Decision struct {
	Verdict Verdict
	// Code names the problem that the client gets when Verdict is Deny or
	// Fail. It is stable, and has a page in docs/problems. The empty code of a
	// zero Decision is answered as CodeInternal.
	Code Code
	// Reported makes a Deny one that is recorded and counted as in report mode,
	// and lets the request go on, whatever the stage's mode: a rule of the stage
	// has that mode of its own.
	Reported bool
	// Err is why, for the audit record. A client never sees it, but for the
	// Violations that it may hold.
	Err error
}

// Proceed is the decision to go on.
func Proceed() Decision { return Decision{Verdict: Allow} }

// Answered is the decision to send x.Response without asking an upstream.
func Answered() Decision { return Decision{Verdict: Answer} }

// Refuse is the decision to refuse with the problem code, because of err.
func Refuse(code Code, err error) Decision {
	return Decision{Verdict: Deny, Code: code, Err: err}
}

// Failed says that the stage could not decide, because of err; code names the
// problem that the client gets when the failure policy is to deny.
func Failed(code Code, err error) Decision {
	return Decision{Verdict: Fail, Code: code, Err: err}
}

// Unavailable is the error of a part that could not decide because something
// that it needs is away: a store, an issuer. Code names the problem.
type Unavailable struct {
	Code Code
	Err  error
}

func (e *Unavailable) Error() string { return e.Err.Error() }
func (e *Unavailable) Unwrap() error { return e.Err }

// Forbidden is the error of a part that knows who calls and refuses all the
// same, such as for the address that they call from: the client gets a 403, and
// nobody counts it as a failed attempt to authenticate.
type Forbidden struct{ Err error }

func (e *Forbidden) Error() string { return e.Err.Error() }
func (e *Forbidden) Unwrap() error { return e.Err }

// Step is one line of the trail: what one stage decided on one exchange. Only
// the runner writes it.
type Step struct {
	Stage   string
	Verdict Verdict
	Code    Code
	Mode    Mode
	OnError OnError
	Err     error
	Took    time.Duration // since the step before, or the beginning of the request
}

// Stopped tells whether the step ended the request: a refusal that was
// enforced, or a failure whose policy is to deny.
func (s *Step) Stopped() bool {
	switch s.Verdict {
	case Deny:
		return s.Mode == Enforce
	case Fail:
		return s.OnError == DenyOnError
	}
	return false
}
