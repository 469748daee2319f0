// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"durward"
)

// Record is one exchange: what its decision was made from, without secrets,
// and the decision.
type Record struct {
	Time     time.Time      `json:"time"`
	ID       string         `json:"id"`
	Method   string         `json:"method"`
	Scheme   string         `json:"scheme"`
	Host     string         `json:"host"`
	Path     string         `json:"path"` // as the client sent it
	Query    string         `json:"query,omitempty"`
	Proto    string         `json:"proto"`
	Header   durward.Header `json:"header,omitempty"`
	Upgrade  string         `json:"upgrade,omitempty"`
	Peer     netip.AddrPort `json:"peer"`
	Client   netip.Addr     `json:"client"`
	Listener string         `json:"listener,omitempty"`
	Fault    durward.Code   `json:"fault,omitempty"` // the listener could not read it
	Length   int64          `json:"length"`          // of the content; -1 unknown
	Body     []byte         `json:"body,omitempty"`  // nil when it was not kept
	Who      *Who           `json:"who,omitempty"`   // who was authenticated
	Presents bool           `json:"presents"`        // it carried a credential
	API      string         `json:"api,omitempty"`
	Op       string         `json:"operation,omitempty"`
	Decision Decision       `json:"decision"`
}

// Who is the part of a principal that rules are about.
type Who struct {
	Subject    string   `json:"subject"`
	Consumer   string   `json:"consumer,omitempty"`
	Issuer     string   `json:"issuer,omitempty"`
	Method     string   `json:"method"`
	Credential string   `json:"credential,omitempty"`
	Roles      []string `json:"roles,omitempty"`
	Scopes     []string `json:"scopes,omitempty"`
	Plan       string   `json:"plan,omitempty"`
	Bound      string   `json:"bound,omitempty"`
	Claims     []byte   `json:"claims,omitempty"`
}

// Principal gives it back.
func (w *Who) Principal() durward.Principal {
	return durward.Principal{
		Subject: w.Subject, Consumer: w.Consumer, Issuer: w.Issuer, Method: w.Method, Credential: w.Credential,
		Roles: w.Roles, Scopes: w.Scopes, Plan: w.Plan, Bound: w.Bound, Claims: w.Claims,
	}
}

// Decision is what became of a request.
type Decision struct {
	Allowed bool         `json:"allowed"`          // the upstream was asked, or the gateway answered itself
	Code    durward.Code `json:"code,omitempty"`   // of a refusal
	Stage   string       `json:"stage,omitempty"`  // that refused
	Reason  string       `json:"reason,omitempty"` // why
}

func (d *Decision) same(other *Decision) bool {
	return d.Allowed == other.Allowed && d.Code == other.Code && d.Stage == other.Stage
}

// String is the decision without its reason.
func (d *Decision) String() string {
	if d.Allowed {
		return "allowed"
	}
	return "refused by " + d.Stage + " (" + string(d.Code) + ")"
}

// Bounds of one record.
const (
	maxFields = 128
	maxField  = 4 << 10 // a longer value is left out
	maxClaims = 8 << 10
)

// newRecord takes over what may be kept of x; the strings are immutable, all
// else is copied. stage and reason are those of a refusal.
func newRecord(x *durward.Exchange, code durward.Code, stage, reason string, secret func(string) bool, maxBody int) *Record {
	in := &x.In
	r := &Record{
		Time: x.Started.UTC(), ID: x.ID, Method: in.Method, Scheme: in.Scheme, Host: in.Host, Path: in.RawPath,
		Proto: in.Proto, Upgrade: in.Upgrade, Peer: in.Peer, Client: x.Client.Address, Listener: in.Listener,
		Fault: in.Fault, Length: in.Body.Length(),
		Decision: Decision{Allowed: code == "" || !refused(x), Code: code, Stage: stage, Reason: reason},
	}
	if r.Decision.Allowed {
		r.Decision = Decision{Allowed: true}
	}
	if x.Operation != nil {
		r.API, r.Op = x.Operation.API, x.Operation.ID
	}
	r.Query = redactQuery(in.RawQuery, secret, &r.Presents)
	for i := range in.Header {
		f := &in.Header[i]
		switch {
		case secret(f.Name):
			r.Presents = true
		case len(f.Value) <= maxField && len(r.Header) < maxFields:
			r.Header = append(r.Header, *f)
		}
	}
	if in.TLS != nil && len(in.TLS.PeerCertificates) > 0 {
		r.Presents = true
	}
	if p := &x.Principal; p.Known() {
		r.Who = &Who{
			Subject: p.Subject, Consumer: p.Consumer, Issuer: p.Issuer, Method: p.Method, Credential: p.Credential,
			Roles: slices.Clone(p.Roles), Scopes: slices.Clone(p.Scopes), Plan: p.Plan, Bound: p.Bound,
		}
		if len(p.Claims) <= maxClaims {
			r.Who.Claims = slices.Clone(p.Claims)
		}
	}
	if in.Body.Buffered() && in.Body.Err() == nil {
		if b, err := in.Body.Bytes(); err == nil && len(b) <= maxBody {
			r.Body = slices.Clone(b)
		}
	}
	return r
}

// refused tells whether a stage of the request path refused, or failed with a
// policy to deny. A fault of the upstream is no decision of ours.
func refused(x *durward.Exchange) bool {
	for i := range x.Trail {
		if s := &x.Trail[i]; s.Stopped() && s.Stage != "upstream" {
			return true
		}
	}
	return false
}

// redactQuery takes the parameters out whose names sound like credentials.
func redactQuery(query string, secret func(string) bool, found *bool) string {
	if query == "" {
		return ""
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil || secret(plain) {
			*found = true
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

// soundsSecret tells whether a field or parameter may carry a credential, by
// its name. A miss would be worse than a record that tells less.
func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "cookie", "set-cookie", "authorization", "proxy-authorization", "dpop", "signature", "signature-input",
		"client-cert", "client-cert-chain", "x-forwarded-client-cert", "sid", "sig", "code", "state", "nonce", "pin", "otp":
		return true
	}
	for _, part := range []string{"token", "secret", "key", "auth", "session", "pass", "pwd", "signature", "saml", "ticket", "credential", "jwt", "csrf", "xsrf", "assertion"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
