// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"errors"
	"net/http"
	"strings"
)

// Code is the stable name of a problem. Each has a page in docs/problems.
type Code string

const (
	CodeMalformed        Code = "malformed-request"
	CodePathAmbiguous    Code = "ambiguous-path"
	CodeVersion          Code = "unsupported-version"
	CodeNotImplemented   Code = "not-implemented"
	CodeExpectation      Code = "expectation-failed"
	CodeHeaderTimeout    Code = "header-timeout"
	CodeHostInvalid      Code = "invalid-host"
	CodeMisdirected      Code = "misdirected-request"
	CodeURITooLong       Code = "uri-too-long"
	CodeHeaderTooLarge   Code = "header-too-large"
	CodeBodyTooLarge     Code = "body-too-large"
	CodeBodyTimeout      Code = "body-timeout"
	CodeNoRoute          Code = "no-route"
	CodeUnknownOperation Code = "unknown-operation"
	CodeMethodNotAllowed Code = "method-not-allowed"
	CodeUpgradeRefused   Code = "upgrade-refused"
	CodeOriginRefused    Code = "origin-refused"

	CodeRateLimited     Code = "rate-limited"
	CodeOverloaded      Code = "overloaded"
	CodeUnauthenticated Code = "unauthenticated"
	CodeForbidden       Code = "forbidden"

	CodeParameterInvalid Code = "invalid-parameter"
	CodeMediaType        Code = "unsupported-media-type"
	CodeNotAcceptable    Code = "not-acceptable"
	CodeBodyMalformed    Code = "malformed-body"
	CodeBodyInvalid      Code = "invalid-body"
	// CodeWAFBlocked: the firewall takes the request for an attack.
	CodeWAFBlocked Code = "waf-blocked"
	// CodeWAFBusy: there is no processor time left for the firewall's rules.
	CodeWAFBusy Code = "waf-busy"

	CodeUpstreamUnreachable Code = "upstream-unreachable"
	CodeUpstreamInvalid     Code = "upstream-invalid"
	CodeUpstreamTimeout     Code = "upstream-timeout"
	CodeUpstreamError       Code = "upstream-error"
	CodeNoTarget            Code = "no-healthy-target"
	// CodeUndeclaredResponse: the upstream answered what the contract does not have.
	CodeUndeclaredResponse Code = "undeclared-response"

	CodeAuditUnavailable Code = "audit-unavailable"
	CodeStoreUnavailable Code = "store-unavailable"
	// CodeIssuerUnavailable: a token's issuer was never reached, or too long ago.
	CodeIssuerUnavailable Code = "issuer-unavailable"
	CodeInternal          Code = "internal-error"
)

// Kind is what is fixed about a problem code.
type Kind struct {
	Code   Code
	Status int
	Title  string // for people; the same for every occurrence (RFC 9457, 3.1.3)
	Detail string // what the caller can do; never what the gateway knows
}

// kinds is the one table from codes to answers.
var kinds = []Kind{
	{CodeMalformed, 400, "Malformed request", "The request breaks the rules of HTTP, or can be read in more than one way."},
	{CodeVersion, 505, "Unsupported version", "This gateway speaks HTTP/1.0, HTTP/1.1 and HTTP/2."},
	{CodeNotImplemented, 501, "Not implemented", "No API can have this method."},
	{CodeExpectation, 417, "Expectation failed", "The only expectation that is known is 100-continue."},
	{CodeHeaderTimeout, 408, "Request too slow", "The header section did not arrive in time."},
	{CodePathAmbiguous, 400, "Ambiguous path", "The path can be read in more than one way. Send it in canonical form."},
	{CodeHostInvalid, 400, "Invalid host", "The request must name one valid host."},
	{CodeMisdirected, 421, "Misdirected request", "This connection was not made for the host that the request names."},
	{CodeURITooLong, 414, "Request target too long", "The path and query are longer than this gateway takes."},
	{CodeHeaderTooLarge, 431, "Header too large", "The header section is larger than this gateway takes."},
	{CodeBodyTooLarge, 413, "Content too large", "The content is larger than this operation takes."},
	{CodeBodyTimeout, 408, "Content too slow", "The content did not arrive in time."},
	{CodeNoRoute, 404, "Not found", "No API is served here."},
	{CodeUnknownOperation, 404, "Not found", "This API has no such operation."},
	{CodeMethodNotAllowed, 405, "Method not allowed", "The Allow field lists the methods of this resource."},
	{CodeUpgradeRefused, 400, "Upgrade refused", "This operation does not take the upgrade that was asked for."},
	{CodeOriginRefused, 403, "Origin refused", "This origin may not call the API from a browser."},

	{CodeRateLimited, 429, "Too many requests", "Wait as long as Retry-After says, then try again."},
	{CodeOverloaded, 503, "Overloaded", "The gateway takes no more requests right now. Try again later."},
	{CodeUnauthenticated, 401, "Authentication required", "Send a valid credential. The WWW-Authenticate field says which kinds are taken."},
	{CodeForbidden, 403, "Forbidden", "The credential is not allowed to do this."},

	{CodeParameterInvalid, 400, "Invalid parameter", "A parameter is not as the API's contract says."},
	{CodeMediaType, 415, "Unsupported media type", "The content's type or coding is not one that this operation takes."},
	{CodeNotAcceptable, 406, "Not acceptable", "This operation answers with none of the media types that the Accept field names."},
	{CodeBodyMalformed, 400, "Malformed content", "The content cannot be read as its type says."},
	{CodeBodyInvalid, 422, "Invalid content", "The content is not as the API's contract says."},

	{CodeWAFBlocked, 403, "Request blocked", "The request looks like an attack. If it is none, tell the operators of the API its request id."},
	{CodeWAFBusy, 503, "Firewall busy", "The request needs a closer look than there is time for now. Wait as long as Retry-After says, then try again."},

	{CodeUpstreamUnreachable, 502, "Upstream unreachable", "The service behind this gateway cannot be reached."},
	{CodeUpstreamInvalid, 502, "Invalid upstream answer", "The service behind this gateway gave an answer that cannot be passed on."},
	{CodeUpstreamTimeout, 504, "Upstream timeout", "The service behind this gateway did not answer in time."},
	{CodeUpstreamError, 502, "Upstream error", "The service behind this gateway failed."},
	{CodeUndeclaredResponse, 502, "Undeclared answer", "The service behind this gateway gave an answer that its contract does not have."},
	{CodeNoTarget, 503, "No healthy target", "The service behind this gateway is unavailable. Try again later."},

	{CodeAuditUnavailable, 503, "Audit unavailable", "The request cannot be recorded, so it was not carried out."},
	{CodeStoreUnavailable, 503, "Store unavailable", "The gateway cannot look up what it needs to decide."},
	{CodeIssuerUnavailable, 503, "Issuer unavailable", "The gateway cannot get the keys that this token is checked with. Try again later."},
	{CodeInternal, 500, "Internal error", "The gateway failed. The request id helps its operators to find out why."},
}

var kindByCode = func() map[Code]*Kind {
	m := make(map[Code]*Kind, len(kinds))
	for i := range kinds {
		m[kinds[i].Code] = &kinds[i]
	}
	return m
}()

// Kinds lists every problem code, in the order of the table.
func Kinds() []Kind { return append([]Kind(nil), kinds...) }

// Lookup gives what is fixed about a code. A code that is not in the table,
// the empty one included, is an internal error.
func Lookup(c Code) *Kind {
	if k, ok := kindByCode[c]; ok {
		return k
	}
	return kindByCode[CodeInternal]
}

// Violation is one thing about a request that the contract does not allow. It
// is shown to the client, so it must not hold the value that was sent or the
// schema's internals.
type Violation struct {
	In     string // "path", "query", "header", "cookie", "body"
	Name   string // parameter name, or JSON pointer (RFC 6901) in the body
	Reason string
}

// Violations is the error of a contract check. AsViolations finds it.
type Violations []Violation

func (v Violations) Error() string {
	var b strings.Builder
	for i, one := range v {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(one.In + " " + one.Name + ": " + one.Reason)
	}
	return b.String()
}

// Problem is an RFC 9457 problem document.
type Problem struct {
	*Kind
	// Type is the URI of the problem's type.
	Type      string
	RequestID string
	Errors    Violations // "errors"
	Violated  []string   // "violated-policies"
}

// QuotaExceededType is the problem type that
// draft-ietf-httpapi-ratelimit-headers registers for a spent quota.
const QuotaExceededType = "https://iana.org/assignments/http-problem-types#quota-exceeded"

// NewProblem makes the document for a decision. Types are base+code, where
// base is "" for "urn:durward:problem:".
func NewProblem(base string, d *Decision, x *Exchange) Problem {
	k := Lookup(d.Code)
	p := Problem{Kind: k, RequestID: x.ID, Violated: x.Violated}
	switch {
	case k.Code == CodeRateLimited:
		p.Type = QuotaExceededType
	case base == "":
		p.Type = "urn:durward:problem:" + string(k.Code)
	default:
		p.Type = base + string(k.Code)
	}
	if d.Err != nil {
		errors.As(d.Err, &p.Errors)
	}
	return p
}

// AppendJSON appends the document to b.
func (p *Problem) AppendJSON(b []byte) []byte {
	b = append(b, `{"type":`...)
	b = AppendString(b, p.Type)
	b = append(b, `,"title":`...)
	b = AppendString(b, p.Title)
	b = append(b, `,"status":`...)
	b = appendStatus(b, p.Status)
	b = append(b, `,"detail":`...)
	b = AppendString(b, p.Detail)
	b = append(b, `,"code":`...)
	b = AppendString(b, string(p.Code))
	b = append(b, `,"request_id":`...)
	b = AppendString(b, p.RequestID)
	if len(p.Errors) > 0 {
		b = append(b, `,"errors":[`...)
		for i, v := range p.Errors {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"in":`...)
			b = AppendString(b, v.In)
			if v.In == "body" {
				b = append(b, `,"pointer":`...)
			} else {
				b = append(b, `,"name":`...)
			}
			b = AppendString(b, v.Name)
			b = append(b, `,"detail":`...)
			b = AppendString(b, v.Reason)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	if len(p.Violated) > 0 {
		b = append(b, `,"violated-policies":[`...)
		for i, v := range p.Violated {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendString(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendStatus(b []byte, s int) []byte {
	return append(b, byte('0'+s/100%10), byte('0'+s/10%10), byte('0'+s%10))
}

// StatusText is the reason phrase that the gateway sends for a status.
func StatusText(status int) string { return http.StatusText(status) }
