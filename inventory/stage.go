// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"context"

	"durward"
)

// Stage gives the response stage that learns shapes; nil when none are
// learned. It stands before all others, so that it sees what the upstream
// answered. It changes nothing and holds nothing up: only content whose length
// is known and small is looked at.
func (o *Operation) Stage() durward.ResponseStage {
	if o == nil || o.shapes == 0 {
		return nil
	}
	return learner{o}
}

// Learn notes an exchange of an API without a contract. The caller makes sure
// that only one does so at a time.
func (a *API) Learn(x *durward.Exchange, status int, requestType string, request []byte, responseType string, response []byte) {
	key := method(x.In.Method) + " " + Template(x.In.Path)
	seen := a.Undeclared[key]
	if seen == nil {
		if len(a.Undeclared) >= 10_000 {
			a.More++
			return
		}
		seen = new(Seen)
		put(&a.Undeclared, key, seen)
	}
	seen.count(x, status, true, ample)
	seen.query(x.In.RawQuery, nil, ample)
	if requestType != "" {
		seen.Requests = mergeShapes(seen.Requests, learned(mediaType(requestType), request))
	}
	seen.Responses = mergeShapes(seen.Responses, learned(statusText(status)+" "+mediaType(responseType), response))
}

type learner struct{ o *Operation }

func (learner) Name() string { return "inventory" }

func (l learner) Response(_ context.Context, x *durward.Exchange) durward.Decision {
	r := x.Response
	// An answer of the gateway's own, such as a preflight's, says nothing.
	if x.Upstream.Attempts == 0 || r.Stream || r.Upgraded != nil || !l.o.Sample() {
		return durward.Proceed()
	}
	var answer []byte
	if r.Length > 0 && r.Length <= MaxContent && !r.Header.Has("Content-Encoding") {
		content, whole, err := r.Buffer(MaxContent)
		if err == nil && whole {
			answer = content
		}
	}
	var request []byte
	if x.In.Body.Buffered() && !x.In.Header.Has("Content-Encoding") {
		request, _ = x.In.Body.Bytes()
	}
	kind := ""
	if !x.In.Body.Empty() {
		if kind = x.In.Header.Get("Content-Type"); kind == "" {
			kind = "other"
		}
	}
	l.o.Learn(kind, request, r.Status, r.Header.Get("Content-Type"), answer)
	return durward.Proceed()
}
