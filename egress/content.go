// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package egress

import (
	"context"
	"slices"
	"strings"

	"durward"
)

// Why the content of an answer is not looked into: the values of a metric.
const (
	unguardedCoding  = "content-coding"
	unguardedType    = "media-type"
	unguardedCharset = "charset"
	unguardedRange   = "partial"
	unguardedUpgrade = "upgrade"
)

// form is how an answer's content can be read.
type form struct {
	unguarded string // why it cannot; "" when it can
	gzip      bool
	events    bool // a blank line ends each of them
	flows     bool // it is a stream, which is not held back
}

// formOf judges the answer by its fields.
func formOf(r *durward.Response) form {
	var f form
	switch coding := strings.ToLower(strings.TrimSpace(joined(r.Header, "Content-Encoding"))); coding {
	case "", "identity":
	case "gzip", "x-gzip":
		f.gzip = true
	default:
		f.unguarded = unguardedCoding
	}
	kind, parameters, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	if r.Header.Count("Content-Type") > 1 { // who knows which one a client takes
		kind, parameters = "", ""
	}
	switch {
	case f.unguarded != "":
	case r.Status == 206 || r.Header.Has("Content-Range"):
		f.unguarded = unguardedRange
	case !textual(kind):
		f.unguarded = unguardedType
	case !readable(parameters):
		f.unguarded = unguardedCharset
	}
	f.events = kind == "text/event-stream"
	f.flows = f.events || strings.HasSuffix(kind, "ndjson") || kind == "application/jsonl" || kind == "application/json-seq" ||
		kind == "text/plain" && r.Length < 0
	return f
}

func joined(h durward.Header, name string) string {
	switch h.Count(name) {
	case 0:
		return ""
	case 1:
		return h.Get(name)
	}
	return strings.Join(h.Values(nil, name), ",")
}

// textual tells whether the content of a media type is text. Content without a
// type is looked into: a client guesses as well.
func textual(kind string) bool {
	main, sub, _ := strings.Cut(kind, "/")
	switch main {
	case "", "text", "multipart", "message":
		return true
	case "application":
	case "image":
		return sub == "svg+xml"
	default:
		return false
	}
	if strings.Contains(sub, "json") { // application/x-amz-json-1.1
		return true
	}
	for _, ending := range []string{"xml", "yaml", "javascript", "ecmascript", "x-www-form-urlencoded", "graphql", "sql", "toml",
		"x-sh", "pem-certificate-chain", "x-pem-file", "csv", "jwt", "jose", "problem"} {
		if strings.HasSuffix(sub, ending) {
			return true
		}
	}
	return false
}

// readable tells whether text in a charset has ASCII where ASCII has it.
func readable(parameters string) bool {
	at := strings.Index(strings.ToLower(parameters), "charset=")
	if at < 0 {
		return true
	}
	charset := strings.ToLower(strings.Trim(parameters[at+len("charset="):], ` "'`))
	return !strings.HasPrefix(charset, "utf-16") && !strings.HasPrefix(charset, "utf-32") && !strings.HasPrefix(charset, "ucs-") &&
		!strings.HasPrefix(charset, "utf-7") && !strings.HasPrefix(charset, "ebcdic") && !strings.HasPrefix(charset, "ibm037")
}

// Asks gives the stage that keeps the upstream from answering in forms that
// cannot be looked into; nil when nothing is looked for. types are the media
// types that the operation's answers may have, none when that is not known:
// parts of an answer are asked for only where all of them are binary. A client
// could otherwise have any text sent past the guard, in pieces.
func (g *Guard) Asks(types ...string) durward.Stage {
	if g == nil || g.scan == nil {
		return nil
	}
	return asks{parts: g.report || len(types) > 0 && !slices.ContainsFunc(types, maybeText)}
}

func maybeText(kind string) bool {
	return strings.Contains(kind, "*") || textual(strings.ToLower(kind))
}

type asks struct{ parts bool }

func (asks) Name() string { return "egress-coding" }

// Request leaves gzip of the codings that the client takes.
func (a asks) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	h := &x.Out.Header
	if !a.parts && h.Has("Range") {
		h.Del("Range")
		h.Del("If-Range")
	}
	if !h.Has("Accept-Encoding") {
		return durward.Proceed()
	}
	want := "identity"
	if takesGzip(joined(*h, "Accept-Encoding")) {
		want = "gzip"
	}
	h.Set("Accept-Encoding", want)
	return durward.Proceed()
}

// takesGzip reads an Accept-Encoding field (RFC 9110, section 12.5.3).
func takesGzip(offers string) bool {
	for offers != "" {
		var offer string
		offer, offers, _ = strings.Cut(offers, ",")
		name, weight, weighted := strings.Cut(offer, ";")
		name = strings.TrimSpace(name)
		if len(name) != len("gzip") && len(name) != len("x-gzip") {
			continue
		}
		plain, old := strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip")
		if !weighted {
			weight = ""
		} else if plain || old {
			weight = strings.ReplaceAll(strings.ToLower(weight), " ", "")
		}
		if plain && weight == "" || (plain || old) && strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" {
			return true
		}
	}
	return false
}
