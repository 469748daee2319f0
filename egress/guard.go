// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unsafe"

	"durward"
	"durward/egress/leak"
	"durward/internal/inflate"
)

var (
	errDisclosed = errors.New("the body of an upstream error was replaced: it told what runs there")
	errLeak      = errors.New("the answer holds what must not be sent")
	errUnguarded = errors.New("the answer's content cannot be looked into")
	errFound     = errors.New("something was found in the answer")
)

// innocent are fields whose values nobody else can make sense of, or whose
// grammar leaves no room.
var innocent = []string{
	"Date", "Content-Length", "Content-Type", "Etag", "Last-Modified", "Vary", "Cache-Control", "Content-Encoding", "Expires", "Age", "Server",
	"Connection", "X-Request-Id", "Accept-Ranges", "X-Content-Type-Options", "Allow", "Transfer-Encoding",
}

// guard looks into the answer's fields and content.
func (s *stage) guard(x *durward.Exchange) durward.Decision {
	r := x.Response
	act := s.normal
	if r.Status >= 400 {
		act = s.failed
	}
	worst := s.fields(x)
	d := durward.Proceed()
	switch {
	case r.Upgraded != nil:
		d = s.blind(x, unguardedUpgrade)
	case r.Body == nil || r.Length == 0 || x.In.Method == "HEAD":
	default:
		var w leak.Action
		w, d = s.content(x, act)
		worst = max(worst, w)
	}
	switch {
	case d.Verdict != durward.Allow:
		return d
	case worst == leak.Block && r.Status >= 400:
		return durward.Decision{Verdict: durward.Answer, Code: durward.CodeUpstreamError, Err: errDisclosed}
	case worst == leak.Block:
		return durward.Refuse(durward.CodeUpstreamInvalid, errLeak)
	case worst != leak.Pass:
		d.Err = errors.Join(d.Err, errFound)
	}
	return d
}

// blind declares an answer that cannot be guarded.
func (s *stage) blind(x *durward.Exchange, reason string) durward.Decision {
	if x.Guard.Unguarded == "" {
		x.Guard.Unguarded = reason
	}
	if s.cfg.Unguarded == "refuse" {
		return durward.Refuse(durward.CodeUpstreamInvalid, errUnguarded)
	}
	return durward.Proceed()
}

// fields looks into header fields. An error replaces its fields with its
// content, so what an error's fields tell counts as in any other answer.
func (s *stage) fields(x *durward.Exchange) (worst leak.Action) {
	h := x.Response.Header
	for i := range h {
		worst = max(worst, s.field(x, &h[i]))
	}
	return worst
}

// field looks into one field and masks it.
func (s *stage) field(x *durward.Exchange, f *durward.Field) (worst leak.Action) {
	if f.Value == "" || slices.Contains(innocent, f.Name) || slices.Contains(s.remove, f.Name) {
		return leak.Pass
	}
	var room [4]leak.Finding
	found := s.scan.Scan(room[:0], unsafe.Slice(unsafe.StringData(f.Value), len(f.Value)))
	if len(found) == 0 {
		return leak.Pass
	}
	value := []byte(f.Value)
	for _, one := range found {
		a := s.normal[one.Detector]
		if f.Name == "Set-Cookie" && s.scan.Detectors[one.Detector].ID == "jwt" {
			continue // a session, which is what the field is for
		}
		s.record(x, one, a, f.Name)
		worst = max(worst, a)
		if a == leak.Mask {
			leak.Overwrite(value, 0, one)
		}
	}
	if !bytes.Equal(value, unsafe.Slice(unsafe.StringData(f.Value), len(f.Value))) {
		f.Value = string(value)
	}
	return worst
}

// trailer guards the fields behind the content, once they are there: gRPC has
// its errors in them. What must not be sent is left out, for the rest has gone.
func (s *stage) trailer(x *durward.Exchange, source func() durward.Header) func() durward.Header {
	return func() durward.Header {
		var out durward.Header
		for _, f := range source() {
			if slices.Contains(s.remove, f.Name) || s.scan != nil && s.field(x, &f) == leak.Block {
				continue
			}
			out = append(out, f)
		}
		return out
	}
}

// content looks into the content, whole where it is short enough, else while it
// is sent.
func (s *stage) content(x *durward.Exchange, act []leak.Action) (leak.Action, durward.Decision) {
	r := x.Response
	form := formOf(r)
	if form.unguarded != "" {
		return leak.Pass, s.blind(x, form.unguarded)
	}
	if !form.flows {
		content, whole, _ := r.Buffer(s.limit)
		if whole {
			return s.whole(x, act, content, form)
		}
	}
	return s.stream(x, act, form)
}

// whole guards content that is in memory. Content that is clean stays as it
// came, compressed as well.
func (s *stage) whole(x *durward.Exchange, act []leak.Action, content []byte, form form) (leak.Action, durward.Decision) {
	if form.gzip && len(content) > 0 {
		plain, err := inflate.Bytes(content, s.limit)
		if errors.Is(err, inflate.ErrTooLarge) {
			return s.stream(x, act, form)
		}
		if err != nil {
			return leak.Pass, s.blind(x, unguardedCoding)
		}
		content = plain
	}
	var room [8]leak.Finding
	found := s.scan.Scan(room[:0], content)
	worst := leak.Pass
	for _, f := range found {
		s.record(x, f, act[f.Detector], "content")
		worst = max(worst, act[f.Detector])
	}
	if worst != leak.Mask {
		return worst, durward.Proceed()
	}
	if !form.gzip {
		content = bytes.Clone(content) // others may look at it still
	}
	for _, f := range found {
		if act[f.Detector] == leak.Mask {
			leak.Overwrite(content, 0, f)
		}
	}
	x.Response.Replace(content)
	changed(x.Response, form)
	return worst, durward.Proceed()
}

// stream guards content while it is sent. What must not be sent cuts it there:
// the status has gone out, and a client must not take the rest for all.
func (s *stage) stream(x *durward.Exchange, act []leak.Action, form form) (leak.Action, durward.Decision) {
	r := x.Response
	source := r.Body
	if form.gzip {
		plain, err := inflate.NewReader(source, 0)
		if err != nil {
			return leak.Pass, durward.Failed(durward.CodeUpstreamInvalid, err)
		}
		if s.report { // it goes out as it came
			return leak.Pass, s.blind(x, unguardedCoding)
		}
		source = inflated{plain, source}
		r.Length = -1
		changed(r, form)
	}
	x.Guard.Streamed = true
	r.Body = s.scan.Filter(source, form.events, func(f leak.Finding) leak.Action {
		a := act[f.Detector]
		if a == leak.Block && r.Status >= 400 && s.scan.Detectors[f.Detector].Kind == leak.Disclosure {
			a = leak.Mask // too late to replace it
		}
		s.record(x, f, a, "content")
		return a
	})
	return leak.Pass, durward.Proceed()
}

// inflated is plain content with the end of its source.
type inflated struct {
	io.Reader
	io.Closer
}

// changed takes away what described the content as it was.
func changed(r *durward.Response, form form) {
	for _, name := range []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5"} {
		r.Header.Del(name)
	}
	if !form.gzip {
		return
	}
	r.Header.Del("Content-Encoding")
	r.Header.Del("Content-Length")
	if tag := r.Header.Get("Etag"); len(tag) > 0 && tag[0] == '"' {
		r.Header.Set("Etag", "W/"+tag) // RFC 9110, 8.8.1: another coding is another strong validator
	}
}

// mostLeaks bounds the entries of one record.
const mostLeaks = 16

// record notes a finding, by what it is and where, never its value.
func (s *stage) record(x *durward.Exchange, f leak.Finding, a leak.Action, place string) {
	if a == leak.Pass {
		return
	}
	id, action := s.scan.Detectors[f.Detector].ID, a.String()
	for i := range x.Guard.Leaks {
		if l := &x.Guard.Leaks[i]; l.Detector == id && l.Action == action && l.Place == place {
			l.Count++
			return
		}
	}
	if len(x.Guard.Leaks) < mostLeaks {
		x.Guard.Leaks = append(x.Guard.Leaks, durward.Leak{Detector: id, Action: action, Place: place, Offset: f.Start, Count: 1})
	}
}
