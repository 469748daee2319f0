// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"

	"durward"
)

// refuse puts a problem in place of an answer that may not pass.
func (s *Answers) refuse(x *durward.Exchange, err error) durward.Decision {
	return s.deny(x, durward.CodeUndeclaredResponse, err)
}

// deny puts a problem in place of the answer. An answer that says that the
// client or the upstream failed keeps its status, so that a client still tells
// a 404 from a 409; any other becomes the problem's own.
func (s *Answers) deny(x *durward.Exchange, code durward.Code, err error) durward.Decision {
	r := x.Response
	if s.report || r.Status < 400 {
		return durward.Refuse(code, err)
	}
	kind := *durward.Lookup(code)
	kind.Status = r.Status
	p := durward.NewProblem(s.base, &durward.Decision{Code: code}, x)
	p.Kind = &kind
	r.Replace(p.AppendJSON(nil))
	r.Header.Filter(func(f durward.Field) bool {
		return f.Name == "Retry-After" || f.Name == "Allow" || f.Name == "Www-Authenticate"
	})
	r.Header.Add("Content-Type", "application/problem+json")
	r.Header.Add("Cache-Control", "no-store")
	if x.In.Method == "HEAD" {
		r.Body = nil
	}
	return durward.Decision{Verdict: durward.Answer, Code: code, Err: err}
}

// replace puts what is left of the content in place of the upstream's.
func replace(r *durward.Response, content []byte) {
	trailer := r.Trailer
	if trailer != nil && len(trailer()) == 0 {
		trailer = nil
	}
	r.Replace(content)
	if trailer != nil {
		r.Trailer, r.Length = trailer, -1
	}
	changed(r)
}

// changed makes the header true for content that was changed for this caller:
// digests are wrong, and a validator is at best a weak one (RFC 9110, 8.8.1).
func changed(r *durward.Response) {
	r.Header.Filter(func(f durward.Field) bool {
		switch f.Name {
		case "Content-Encoding", "Content-Digest", "Repr-Digest", "Digest", "Content-Md5", "Accept-Ranges", "Signature", "Signature-Input":
			return false
		}
		return true
	})
	for i := range r.Header {
		if f := &r.Header[i]; f.Name == "Etag" && !strings.HasPrefix(f.Value, "W/") {
			f.Value = "W/" + f.Value
		}
	}
}
