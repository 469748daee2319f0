// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"errors"
	"strings"
	"sync"

	"durward"
)

var (
	errStatus    = errors.New("the operation does not declare the answer's status")
	errType      = errors.New("the operation does not declare the media type of the answer's content")
	errCoding    = errors.New("the answer's content has a coding or charset that cannot be read")
	errInflated  = errors.New("the answer's content grows too much by decompression")
	errUnguarded = errors.New("the answer's content cannot be looked into")
	errInvalid   = errors.New("the answer's content is not as its schema says")
)

// Why content was not looked into, in metrics and records.
const (
	unguardedStream  = "stream"         // events, or messages of gRPC
	unguardedType    = "media-type"     // not JSON
	unguardedSchema  = "schema"         // the document says nothing of it
	unguardedCoding  = "content-coding" // large and compressed, in report mode
	unguardedContent = "undeclared"     // the document does not have it, and the configuration lets it pass
)

// UnguardedReasons lists why an answer may not be looked into, for metrics.
func UnguardedReasons() []string {
	return []string{unguardedStream, unguardedType, unguardedSchema, unguardedCoding, unguardedContent}
}

// Response judges the upstream's answer. What it removes is noted in
// x.Guard, and in the decision's Err.
func (s *Answers) Response(_ context.Context, x *durward.Exchange) durward.Decision {
	r := x.Response
	if r.Upgraded != nil || r.Status == 304 || x.Upstream.Status == 0 { // the last is an answer of the gateway's own
		return durward.Proceed()
	}
	if s.errors && r.Status >= 500 {
		return durward.Proceed()
	}
	if len(s.declared) == 0 {
		return s.unguarded(x, unguardedSchema)
	}
	a := s.find(r.Status)
	if a == nil {
		if s.cfg.UndeclaredStatus != Allow {
			return s.refuse(x, errStatus)
		}
		return s.unguarded(x, unguardedContent)
	}
	if r.Body == nil || r.Length == 0 || x.In.Method == "HEAD" || r.Status == 204 || r.Status == 205 {
		if x.In.Method == "HEAD" && s.json && !s.report {
			r.Length = -1 // a GET's answer may be shorter than the upstream knows
		}
		return durward.Proceed()
	}
	if a.silent {
		return s.unguarded(x, unguardedSchema)
	}
	return s.typed(x, a)
}

// typed judges content by its media type.
func (s *Answers) typed(x *durward.Exchange, a *declaredAnswer) durward.Decision {
	r := x.Response
	mt, ok := parseMediaType(r.Header.Get("Content-Type"))
	m := a.match(mt.base)
	if !ok || m == nil || r.Header.Count("Content-Type") != 1 {
		if s.cfg.UndeclaredType != Allow {
			// Content may turn out to be none, and then has no type.
			if content, whole, err := r.Buffer(0); err == nil && whole && len(content) == 0 {
				return durward.Proceed()
			}
			return s.refuse(x, errType)
		}
		return s.unguarded(x, unguardedContent)
	}
	switch {
	case mt.base == "text/event-stream" || strings.HasPrefix(mt.base, "application/grpc"):
		return s.unguarded(x, unguardedStream)
	case !isJSONType(mt.base):
		return s.unguarded(x, unguardedType)
	case m.outline == nil || m.outline.free && len(m.outline.hidden) == 0:
		return s.unguarded(x, unguardedSchema)
	case mt.charset != "" && mt.charset != "utf-8" && mt.charset != "us-ascii":
		return s.refuse(x, errCoding)
	}
	return s.content(x, m.outline)
}

// maxRatio is how many times larger an answer may get by decompression. Deflate
// reaches about 1030, and text hardly ever 50.
const maxRatio = 100

var strippers = sync.Pool{New: func() any { return new(stripper) }}

// content judges JSON, as a whole where it is small enough.
func (s *Answers) content(x *durward.Exchange, root *outline) durward.Decision {
	r := x.Response
	compressed, ok := answerCoding(r.Header)
	if !ok {
		return s.refuse(x, errCoding)
	}
	text, whole, err := r.Buffer(s.limit)
	if err != nil && s.report {
		return durward.Proceed() // it broke off, and so will the client's connection
	}
	if err != nil { // nothing of it was looked into, so nothing of it is sent
		return durward.Refuse(durward.CodeUpstreamInvalid, err)
	}
	if whole && len(text) == 0 {
		return durward.Proceed()
	}
	if whole && compressed {
		plain, reason := gunzip(text, s.limit, maxRatio)
		switch {
		case reason == reasonDecompressed && s.limit < int64(len(text))*maxRatio:
			whole = false // it may be honest; what is large is read while it passes
		case reason == reasonDecompressed:
			return s.refuse(x, errInflated)
		case reason != "":
			return s.refuse(x, errCoding)
		}
		text = plain
	}
	if !whole {
		return s.follow(x, root, compressed)
	}
	w := strippers.Get().(*stripper)
	defer release(w)
	w.reset(root, &s.rules, &x.Principal)
	kept, clean, err := w.strip(text)
	s.note(x, w)
	switch {
	case errors.Is(err, errHidden):
		return s.deny(x, durward.CodeForbidden, err)
	case err != nil:
		return s.refuse(x, err)
	case w.found.invalid > 0 && s.cfg.Invalid == Block:
		return s.refuse(x, errInvalid)
	case !clean:
		replace(r, append([]byte(nil), kept...))
	}
	return s.verdict(&w.found)
}

func release(w *stripper) {
	if cap(w.out) > 64<<10 {
		w.out = nil
	}
	w.buf, w.who, w.rules, w.root, w.found.next = nil, nil, nil, nil, nil
	clear(w.stack[:cap(w.stack)])
	w.stack = w.stack[:0]
	strippers.Put(w)
}

var errStripped = errors.New("members were removed")

// verdict is Allow, with what was found for the record; in report mode what
// would have been removed is a refusal that is only recorded.
func (s *Answers) verdict(f *findings) durward.Decision {
	d := durward.Proceed()
	switch {
	case f.removed > 0 && s.report:
		return durward.Refuse(durward.CodeUndeclaredResponse, errUndeclared)
	case f.removed > 0:
		d.Err = errStripped
	case f.invalid > 0 && s.report && s.cfg.Invalid == Block:
		return durward.Refuse(durward.CodeUndeclaredResponse, errInvalid)
	case f.invalid > 0:
		d.Err = errInvalid
	}
	return d
}

// note writes what was found to the exchange's facts.
func (s *Answers) note(x *durward.Exchange, w *stripper) {
	x.Guard.Stripped, x.Guard.Fields = w.found.removed, w.found.fields
	x.Guard.Invalid, x.Guard.Faults = w.found.invalid, w.found.faults
}

// unguarded lets declared content pass that cannot be looked into, or refuses it.
func (s *Answers) unguarded(x *durward.Exchange, reason string) durward.Decision {
	x.Guard.Unguarded = reason
	if s.cfg.Unguarded != Refuse {
		return durward.Proceed()
	}
	return s.refuse(x, errUnguarded)
}

// answerCoding reads Content-Encoding; ok is false for what cannot be undone.
func answerCoding(h durward.Header) (compressed, ok bool) {
	if !h.Has("Content-Encoding") {
		return false, true
	}
	if h.Count("Content-Encoding") > 1 {
		return false, false
	}
	switch strings.ToLower(strings.Trim(h.Get("Content-Encoding"), " \t")) {
	case "identity", "":
		return false, true
	case "gzip", "x-gzip":
		return true, true
	}
	return false, false
}
