// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package durward holds the words that every part of the gateway shares: the
// [Exchange] that travels through the pipeline, the [Decision] that a stage
// returns, the [Operation] that a request was routed to, the [Principal] that
// was authenticated, the [Problem] that a caller gets (RFC 9457) and the
// [Event] that the audit log keeps.
//
// It decides nothing, keeps no state and imports only the standard library,
// so that every domain package can depend on it and none on another.
package durward

import (
	"context"
	"errors"
	"fmt"
)

// A Stage decides on a request before it goes to the upstream. One instance is
// made for each operation at load and shared by all its requests, so it must
// be safe for concurrent use. A stage never writes to the client; it returns.
type Stage interface {
	// Name is the stage's name in the trail, in metrics and in `explain`.
	Name() string
	// Request decides. The zero Decision refuses.
	Request(ctx context.Context, x *Exchange) Decision
}

// A ResponseStage decides on the upstream's answer, x.Response, before it goes
// to the client. It may replace or change the answer. Like a Stage it is
// shared by all requests of its operation.
type ResponseStage interface {
	Name() string
	Response(ctx context.Context, x *Exchange) Decision
}

// Mode says what a stage's refusals do.
type Mode uint8

const (
	Enforce Mode = iota // a refusal refuses: the zero value is the strict one
	Report              // a refusal is recorded and counted, and the request goes on
	Off                 // the stage is not built
)

var modeNames = [...]string{"enforce", "report", "off"}

func (m Mode) String() string { return modeNames[m] }

// MarshalText writes the mode's name in the configuration.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads enforce, report or off; anything else is an error.
func (m *Mode) UnmarshalText(text []byte) error {
	for i, name := range modeNames {
		if string(text) == name {
			*m = Mode(i)
			return nil
		}
	}
	return fmt.Errorf("mode must be enforce, report or off")
}

// OnError says what happens when a stage cannot decide (a Fail verdict).
type OnError uint8

const (
	DenyOnError    OnError = iota // the request is refused: the zero value
	ProceedOnError                // the request goes on, and the failure is recorded
)

func (o OnError) String() string {
	if o == ProceedOnError {
		return "proceed"
	}
	return "deny"
}

// MarshalText writes deny or proceed.
func (o OnError) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads deny or proceed; anything else is an error.
func (o *OnError) UnmarshalText(text []byte) error {
	switch string(text) {
	case "deny":
		*o = DenyOnError
	case "proceed":
		*o = ProceedOnError
	default:
		return fmt.Errorf("on_error must be deny or proceed")
	}
	return nil
}

// FieldError is a configuration value that cannot be used. Field is the path
// below the Config whose Check returned it, in the notation of the document:
// "targets[0]", "tls.certificates[1].key". The config package adds the prefix,
// file, line and column. Reason must not quote a secret.
type FieldError struct {
	Field  string
	Reason string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Reason
	}
	return e.Field + ": " + e.Reason
}

// Invalid makes a FieldError. Join several with errors.Join: a Check reports
// every fault that it finds, not only the first.
func Invalid(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// InvalidIn puts prefix before the Field of every FieldError in err (which may
// be joined), for a Check that calls the Check of a nested Config.
func InvalidIn(prefix string, err error) error {
	if err == nil {
		return nil
	}
	var out []error
	for _, e := range Flatten(err) {
		var fe *FieldError
		if !errors.As(e, &fe) {
			out = append(out, &FieldError{Field: prefix, Reason: e.Error()})
			continue
		}
		field := prefix
		switch {
		case fe.Field == "":
		case fe.Field[0] == '[':
			field += fe.Field
		default:
			field += "." + fe.Field
		}
		out = append(out, &FieldError{Field: field, Reason: fe.Reason})
	}
	return errors.Join(out...)
}

// Flatten lists the errors that errors.Join put together, in order.
func Flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, Flatten(e)...)
	}
	return out
}
