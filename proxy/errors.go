// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"os"

	"durward"
	"durward/proxy/http1"
)

// fault is the kind of a target's failure, as passive health counts it.
type fault uint8

const (
	noFault fault = iota
	connectFault
	brokenFault
	timeoutFault
	serverFault
)

// faultNames are the words of Passive.Count, by fault.
var faultNames = []string{"", "connect", "broken", "timeout", "5xx"}

// Errors that end an exchange without a target's fault, or name what HTTP/2
// through net/http only hints at. All stand in audit records only.
var (
	errNoTarget    = errors.New("no target takes requests")
	errHeadTimeout = errors.New("no answer within the timeout")
	errIdleBody    = errors.New("the answer's content stopped coming")
	errClientGone  = errors.New("client went away")
	errSwitch      = errors.New("upstream switched protocols unasked")
	errInterim     = errors.New("too many interim answers")
	errLength      = errors.New("the answer's content is shorter than announced")
	errNotHTTP2    = errors.New("the target did not choose HTTP/2")
)

// verdict is what an attempt's error means.
type verdict struct {
	code  durward.Code
	fault fault // noFault where the target is not to blame
	// unsent tells that the target cannot have acted on the request.
	unsent bool
	// again tells that another attempt may end differently.
	again bool
}

// judge tells what the error of an attempt means.
func judge(err error) verdict {
	if code, ok := bodyCode(err); ok {
		return verdict{code: code}
	}
	var e *http1.Error
	if !errors.As(err, &e) {
		return verdict{code: durward.CodeUpstreamUnreachable, fault: brokenFault, again: true}
	}
	v := verdict{unsent: !e.Sent}
	switch e.Kind {
	case http1.Dial:
		v.code, v.fault, v.again, v.unsent = durward.CodeUpstreamUnreachable, connectFault, true, true
		if errors.Is(e.Err, context.DeadlineExceeded) || errors.Is(e.Err, os.ErrDeadlineExceeded) {
			v.code = durward.CodeUpstreamTimeout
		}
	case http1.Busy:
		v.code, v.again = durward.CodeOverloaded, true
	case http1.Timeout:
		v.code, v.fault = durward.CodeUpstreamTimeout, timeoutFault
	case http1.Invalid:
		if e.Op == "request" {
			// It is the request that cannot be put in HTTP/1.1.
			v.code = durward.CodeMalformed
			return v
		}
		v.code, v.fault = durward.CodeUpstreamInvalid, brokenFault
	case http1.RequestBody, http1.Canceled:
		// The client went away: it gets no answer, and no upstream is blamed.
		v.code = durward.CodeMalformed
	default:
		v.code, v.fault, v.again = durward.CodeUpstreamUnreachable, brokenFault, true
	}
	return v
}

// bodyCode gives the code for a failure of the client's request body.
func bodyCode(err error) (durward.Code, bool) {
	switch {
	case errors.Is(err, durward.ErrBodyTooLarge):
		return durward.CodeBodyTooLarge, true
	case errors.Is(err, durward.ErrBodyTimeout):
		return durward.CodeBodyTimeout, true
	case errors.Is(err, durward.ErrBodyMalformed), errors.Is(err, durward.ErrBodyAborted):
		return durward.CodeMalformed, true
	}
	return "", false
}

// safeMethod tells that a request of this method asks for no change (RFC 9110,
// 9.2.1). TRACE is left out: no gateway should repeat it.
func safeMethod(m string) bool { return m == "GET" || m == "HEAD" || m == "OPTIONS" }
