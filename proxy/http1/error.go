// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package http1

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
)

// Kind says what went wrong, as far as the caller has to tell it apart.
type Kind uint8

// The kinds of an Error.
const (
	Dial        Kind = iota + 1 // no connection could be opened
	Busy                        // no connection came free in time
	Timeout                     // the target, or the context's deadline, took too long
	Closed                      // the connection ended or was reset, or the pool is closed
	Invalid                     // the answer breaks the rules, or the request would
	RequestBody                 // the client's body failed; Err wraps a durward.ErrBody error
	Canceled                    // the context was canceled, or Inform failed
)

var kindNames = [...]string{"unknown", "dial", "busy", "timeout", "closed", "invalid", "request body", "canceled"}

// String is the kind as a word.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		k = 0
	}
	return kindNames[k]
}

// Error is what RoundTrip and the body of an answer fail with. Its text holds
// nothing that the target sent.
type Error struct {
	Op   string // "request", "dial", "wait", "write", "head", "body", "trailer"
	Kind Kind
	Err  error
	// Sent tells that bytes of the request went out, so that the target may
	// have acted on it.
	Sent bool
}

// Error gives operation, kind and reason.
func (e *Error) Error() string {
	return "http1: " + e.Op + ": " + e.Kind.String() + ": " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// reason is a fixed text, so that an answer's fault costs no allocation and
// cannot quote the answer.
type reason string

func (r reason) Error() string { return string(r) }

// ErrPoolClosed is the reason of an error of RoundTrip after Close.
const ErrPoolClosed = reason("pool is closed")

// classify makes an Error of what a connection returned.
func classify(op string, err error) *Error {
	var known *Error
	var bad reason
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &bad):
		return &Error{Op: op, Kind: Invalid, Err: bad}
	case err == io.EOF:
		return &Error{Op: op, Kind: Closed, Err: io.ErrUnexpectedEOF}
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return &Error{Op: op, Kind: Timeout, Err: os.ErrDeadlineExceeded}
	}
	return &Error{Op: op, Kind: Closed, Err: err}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// canceled makes an Error of a context that has ended: its deadline is a
// timeout, all else the caller's wish.
func canceled(op string, ctx context.Context) *Error {
	err := context.Cause(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Op: op, Kind: Timeout, Err: err}
	}
	return &Error{Op: op, Kind: Canceled, Err: err}
}
