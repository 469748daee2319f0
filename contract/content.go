// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"runtime"
	"strings"

	"durward"
)

const (
	reasonNoBody       = "no content is declared for this operation"
	reasonNoType       = "needs one Content-Type field"
	reasonBadType      = "has a Content-Type that is not well-formed"
	reasonOtherType    = "has a media type that this operation does not take"
	reasonCharset      = "must be in UTF-8"
	reasonCoding       = "has a content coding that is not taken"
	reasonBadCoding    = "cannot be decompressed"
	reasonDecompressed = "is too large once it is decompressed"
	reasonBoundary     = "needs a valid boundary"
)

// content checks the request's content.
func (s *stage) content(w *work, x *durward.Exchange) durward.Decision {
	body, rule := &x.In.Body, s.rules.body
	if body.Empty() || body.Length() == 0 {
		if rule != nil && rule.required {
			return refuse(durward.CodeBodyInvalid, reasonRequired)
		}
		return durward.Proceed()
	}
	if rule == nil {
		// Content of unknown length may turn out to be none.
		if body.Length() > 0 {
			return refuse(durward.CodeBodyInvalid, reasonNoBody)
		}
		if content, err := body.Bytes(); err != nil {
			return bodyDecision(err)
		} else if len(content) > 0 {
			return refuse(durward.CodeBodyInvalid, reasonNoBody)
		}
		return durward.Proceed()
	}
	if body.Length() > s.lim.body {
		return durward.Refuse(durward.CodeBodyTooLarge, durward.ErrBodyTooLarge)
	}
	if x.In.Header.Count("Content-Type") != 1 {
		return refuse(durward.CodeMediaType, reasonNoType)
	}
	mt, ok := parseMediaType(x.In.Header.Get("Content-Type"))
	if !ok {
		return refuse(durward.CodeMediaType, reasonBadType)
	}
	m := rule.match(mt.base)
	if m == nil {
		return refuse(durward.CodeMediaType, reasonOtherType)
	}
	compressed, ok := s.coding(x.In.Header)
	if !ok {
		return refuse(durward.CodeMediaType, reasonCoding)
	}
	do := treatment(mt.base)
	if do != asIs && mt.charset != "" && mt.charset != "utf-8" && mt.charset != "us-ascii" {
		return refuse(durward.CodeMediaType, reasonCharset)
	}
	if do == asIs && m.unreadable {
		return refuse(durward.CodeMediaType, reasonOtherType)
	}
	if do == asIs && !compressed {
		return durward.Proceed() // it streams, within the runner's limit
	}
	return s.read(w, x, rule, m, mt, do, compressed)
}

// coding reads the Content-Encoding field (RFC 9110, 8.4).
func (s *stage) coding(h durward.Header) (compressed, ok bool) {
	if !h.Has("Content-Encoding") {
		return false, true
	}
	if h.Count("Content-Encoding") > 1 {
		return false, false
	}
	switch strings.ToLower(strings.Trim(h.Get("Content-Encoding"), " \t")) {
	case "identity":
		return false, true
	case "gzip", "x-gzip":
		return true, s.gzip
	}
	return false, false
}

// largeContent is the size in bytes from which content takes a turn. What is
// checked costs many times its size while it is, so a client that sends the
// last bytes of many requests at once could take gigabytes. The work is the
// processors' alone, so that a few turns for each lose no time; and it is
// bounded, so that a turn comes soon.
const largeContent = 16 << 10

var turns = make(chan struct{}, 2*runtime.GOMAXPROCS(0))

// read takes the whole content and checks it as its type says.
func (s *stage) read(w *work, x *durward.Exchange, rule *bodyRule, m *mediaRule, mt mediaType, do how, compressed bool) durward.Decision {
	content, err := x.In.Body.Bytes()
	if err != nil {
		return bodyDecision(err)
	}
	if int64(len(content)) > s.lim.body {
		return durward.Refuse(durward.CodeBodyTooLarge, durward.ErrBodyTooLarge)
	}
	if len(content) == 0 {
		if rule.required {
			return refuse(durward.CodeBodyInvalid, reasonRequired)
		}
		return durward.Proceed()
	}
	if compressed || len(content) > largeContent {
		turns <- struct{}{}
		defer func() { <-turns }()
	}
	if compressed {
		plain, reason := gunzip(content, s.lim.inflated, s.lim.ratio)
		switch reason {
		case "":
			content = plain
		case reasonDecompressed:
			return durward.Refuse(durward.CodeBodyTooLarge, durward.ErrBodyTooLarge)
		default:
			return refuse(durward.CodeBodyMalformed, reason)
		}
	}
	w.c.in, w.c.name = "body", ""
	var f *fault
	switch do {
	case asJSON:
		f = w.json(m, string(content))
	case asForm:
		f = w.form(m, string(content))
	case asMultipart:
		if !isBoundary(mt.boundary) {
			return refuse(durward.CodeMediaType, reasonBoundary)
		}
		f = w.multipart(m, content, mt.boundary)
	case asText:
		f = w.text(m, string(content))
	}
	if !compressed {
		w.fits = checked{m, do}
	}
	return verdict(f, w.out)
}

func verdict(f *fault, out durward.Violations) durward.Decision {
	switch {
	case f != nil && f.bounded:
		return durward.Refuse(durward.CodeBodyInvalid, durward.Violations{{In: "body", Name: f.pointer, Reason: f.reason}})
	case f != nil:
		return durward.Refuse(durward.CodeBodyMalformed, durward.Violations{{In: "body", Name: f.pointer, Reason: f.reason}})
	case len(out) > 0:
		return durward.Refuse(durward.CodeBodyInvalid, out)
	}
	return durward.Proceed()
}

func (w *work) json(m *mediaRule, s string) *fault { return w.value(m.plan, m.schema, s) }

// value holds JSON against a schema (nil: any) and its plan (nil: none). What
// the plan takes fits; the rest is read once more, to say why not.
func (w *work) value(pl *plan, s *schema, text string) *fault {
	if pl != nil && w.p.takes(pl, text, &w.c) {
		return nil
	}
	w.t.reset()
	if f := w.c.dec.decode(text, &w.t, w.c.lim); f != nil {
		return f
	}
	if s != nil {
		w.c.run(s, 0)
	}
	return nil
}

func (w *work) text(m *mediaRule, s string) *fault {
	if !isText(s) {
		return &fault{reason: reasonUTF8}
	}
	if m.schema != nil {
		w.t.reset()
		w.c.run(m.schema, w.c.scalar(m.schema, m.schema.typeSet(), s))
	}
	return nil
}
