// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"strings"
	"sync"

	"durward"
)

// Operation notes the calls of one declared operation. A nil *Operation notes
// nothing. Its methods are safe for concurrent use.
type Operation struct {
	mu               sync.Mutex
	method, template string
	known            map[string]struct{}
	any              bool // undeclared query parameters are nothing new
	shapes           int
	sampled          int64
	seen             *Seen // nil: nothing since the last flush
}

// firstShapes is of how many exchanges the shape is learned before only some
// are looked at.
const firstShapes = 20

// Saw notes the end of an exchange.
func (o *Operation) Saw(x *durward.Exchange, status int) {
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.now()
	s.count(x, status, x.Upstream.Attempts > 0, ample)
	if x.In.RawQuery != "" && !o.any {
		s.query(x.In.RawQuery, o.known, ample)
	}
}

// now gives what is noted since the last flush; o.mu is held.
func (o *Operation) now() *Seen {
	if o.seen == nil {
		o.seen = &Seen{Method: o.method, Template: o.template}
	}
	return o.seen
}

func (o *Operation) take() *Seen {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.seen
	o.seen = nil
	return s
}

func (o *Operation) giveBack(s *Seen) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen != nil {
		s.merge(o.seen, ample)
	}
	o.seen = s
}

// Sample tells whether the shape of this exchange is to be learned.
func (o *Operation) Sample() bool {
	if o == nil || o.shapes == 0 {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sampled++
	return o.sampled <= firstShapes || o.sampled%int64(o.shapes) == 0
}

// MaxContent is the most bytes of one content whose shape is learned.
const MaxContent = 64 << 10

// Learn notes the shapes of a request's content and of an answer's. Content
// that is no JSON, or is longer than MaxContent, is noted by its media type.
func (o *Operation) Learn(requestType string, request []byte, status int, responseType string, response []byte) {
	// Read before the lock is taken: the others who call the operation do not
	// wait for it.
	var requests map[string]*Shape
	if requestType != "" {
		requests = learned(mediaType(requestType), request)
	}
	responses := learned(statusText(status)+" "+mediaType(responseType), response)
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.now()
	s.Requests, s.Responses = mergeShapes(s.Requests, requests), mergeShapes(s.Responses, responses)
}

func learned(key string, content []byte) map[string]*Shape {
	shape := new(Shape)
	if isJSON(key) && len(content) > 0 && len(content) <= MaxContent {
		shape.learn(content)
	}
	return map[string]*Shape{key: shape}
}

// mediaType is a Content-Type without parameters, bounded.
func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "other"
	}
	return s
}

func isJSON(key string) bool {
	return strings.HasSuffix(key, "application/json") || strings.HasSuffix(key, "+json")
}
