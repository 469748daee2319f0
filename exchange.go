// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/netip"
	"time"
)

// Exchange is one request and its answer on the way through the pipeline. It
// is owned by one goroutine and is used again for a later request after its
// outcome was recorded: nobody may keep a pointer to it or to a slice of it.
type Exchange struct {
	ID      string // the request id, in every answer and record
	Started time.Time
	// Trace is the trace that the request belongs to: the gateway's own where
	// it traces, else the one that the request came with.
	Trace TraceID

	// In is the request as the client sent it, canonical once package route
	// has seen it, and read only from then on.
	In Request
	// Client is who is at the other end, judged behind trusted proxies.
	Client Client
	// Operation is what the request was routed to; never nil in a stage.
	Operation *Operation
	// Params are the path parameters of Operation.Template, percent-decoded.
	Params []Param
	// Principal is who was authenticated; its zero value is nobody.
	Principal Principal

	// Proven is what the contract has proven of this very request, nil for
	// nothing. Only a check that has enforced it to the end sets it.
	Proven *Proven

	// Out is what the upstream will get. Stages may change its header and
	// path; it starts as In without hop-by-hop and identity fields.
	Out Outgoing
	// Response is the answer on its way to the client: the upstream's, or a
	// stage's own. nil until there is one.
	Response *Response
	// Extra are header fields of the gateway's own that go with whatever
	// answer is sent: challenges, rate limits, CORS, the request id.
	Extra Header
	// Violated names the limits that a 429 or 503 is about
	// ("violated-policies" of the problem).
	Violated []string

	// Policies names the policies that decided whether the caller may do this,
	// for the record; a client never sees them. The texts are made at load.
	Policies []string

	// Findings are what the firewall's rules found, for the record; a client
	// never sees them.
	Findings []Finding

	// Trail is what each stage decided. Only the runner writes it.
	Trail []Step
	// Upstream is what is known of the upstream's part, for the record.
	Upstream UpstreamFacts
	// Guard is what was found in the content of the answer, for the record.
	Guard GuardFacts
}

// Request is a request as the listener read it.
type Request struct {
	Method string
	Scheme string // "http" or "https", of the connection to this gateway
	Host   string // authority in lower case, without the scheme's default port
	// Path is the canonical escaped path, the one form that is routed,
	// decided on and sent; RawPath is the wire's, for the record only.
	Path     string
	RawPath  string
	RawQuery string
	Proto    string // "HTTP/1.0", "HTTP/1.1", "HTTP/2.0"
	Header   Header
	Body     Body
	// Trailer gives the request's trailer section, once the body has ended.
	// nil when none was announced.
	Trailer func() Header
	Peer    netip.AddrPort // the other end of the connection (or of the PROXY header)
	Local   netip.AddrPort // this end
	// Listener is the configured address of the listener that took the
	// connection.
	Listener string
	TLS      *tls.ConnectionState // nil on cleartext
	// Upgrade is the protocol that a valid Upgrade request asks for
	// ("websocket"), or "".
	Upgrade string
	// Fault is the code with which a request is refused that the listener could
	// not read, and FaultErr why; "" for any other. The other fields then hold
	// what could be read of it, and Body is empty.
	Fault    Code
	FaultErr error
}

// Client is who is at the other end of the request.
type Client struct {
	Address netip.Addr // unmapped, without zone; behind trusted proxies the one that they name
	Scheme  string     // as the client saw it
	Trusted bool       // the peer is a trusted proxy
}

// Param is a path parameter.
type Param struct{ Name, Value string }

// Param returns the decoded value of a path parameter, or "".
func (x *Exchange) Param(name string) string {
	for i := range x.Params {
		if x.Params[i].Name == name {
			return x.Params[i].Value
		}
	}
	return ""
}

// Operation is a method and a path template of an API. It is immutable and
// shared by all requests of a generation.
type Operation struct {
	API      string // the API's name in the configuration
	ID       string // operationId, or "METHOD template" where there is none
	Method   string
	Template string // path template below the API's prefix: /spaces/{space}
	Prefix   string // the API's prefix, "" for the root
	Index    int    // its place in the generation's list
	// Allowed are the methods that a 405 names, for the pseudo operations
	// that answer what no operation takes.
	Allowed string
	// Refusal marks a pseudo operation: every request that is routed to it is
	// refused with this code. "" for a declared operation.
	Refusal Code
	// Preflight marks the pseudo operation that answers a path's CORS
	// preflights; Allowed then names the methods that may be asked for.
	Preflight bool
}

// Outgoing is the request to the upstream.
type Outgoing struct {
	Method   string
	Host     string // the Host field; "" means the target's own
	Path     string // escaped
	RawQuery string
	Header   Header
	Upgrade  string // as In.Upgrade, when the operation lets it pass
}

// Response is an answer on its way to the client.
type Response struct {
	Status int
	Header Header
	// Body is the content; nil means none. Whoever replaces it closes the old
	// one. A Read error other than io.EOF means that the answer is cut: the
	// client's connection must then be cut too, never ended cleanly.
	Body io.ReadCloser
	// Length is the content's length in bytes, -1 when unknown.
	Length int64
	// Stream asks that every Read is passed on at once (server-sent events,
	// gRPC, or an unknown length).
	Stream bool
	// Trailer gives the trailer section after Body has ended; nil when none.
	Trailer func() Header
	// Upgraded is the upstream's end of a connection that left HTTP with a
	// 101; nil otherwise. Whoever sends the answer joins it to the client's
	// end and closes it.
	Upgraded io.ReadWriteCloser

	held heldContent // of Buffer, so that it takes no memory of its own
}

// UpstreamFacts is what is known of the upstream's part of an exchange.
type UpstreamFacts struct {
	Target   string        // scheme and authority, "" when none was asked
	Attempts int           // requests sent, retries included
	Status   int           // as the upstream answered, 0 when it did not
	Took     time.Duration // until the head of the answer
	BytesOut int64         // content bytes sent to the upstream
	BytesIn  int64         // content bytes got from the upstream
}

// GuardFacts is what the guards of an answer found in its content and fields.
// Places are JSON pointers with * for items and undeclared names of maps;
// they never hold a value. What is found while content is sent is there when the
// exchange ends.
// The lists belong to who reads them: they are made anew for each exchange.
type GuardFacts struct {
	Stripped  int      // members that were removed, or would have been in report mode
	Fields    []string // the places of the first of them
	Invalid   int      // values that are not as declared
	Faults    []string // the places of the first of them
	Unguarded string   // why the content was not looked into, "" when it was
	Streamed  bool     // it was looked into while it was sent
	Leaks     []Leak   // what must not be told, at most 16
}

// Leak is what must not be told, by what it is and where, never its value.
type Leak struct {
	Detector string // "card_number"
	Action   string // what was done: "mask", "block", "report"
	Place    string // "content", or the name of a header field
	Offset   int64  // of the first, in bytes from the beginning
	Count    int
}

// None tells that nothing was found.
func (g *GuardFacts) None() bool {
	return g.Stripped == 0 && g.Invalid == 0 && g.Unguarded == "" && !g.Streamed && len(g.Leaks) == 0
}

// Responder is the client's end of one exchange. The listener implements it
// for its protocol; only the runner calls it, once.
type Responder interface {
	// Inform sends an interim (1xx) answer other than 101.
	Inform(status int, h Header) error
	// Respond sends r, with extra behind its header, and its body to the end.
	// It gives the content bytes sent. An error means that the client's
	// connection was cut. It never closes r.Body.
	Respond(r *Response, extra Header) (int64, error)
	// Upgrade sends the 101 and joins both ends until one closes, idle
	// connections after the given time. It gives the bytes sent each way.
	Upgrade(ctx context.Context, r *Response, extra Header, idle time.Duration) (toClient, toUpstream int64, err error)
	// Abort makes the client's connection end so that nobody can take what
	// was sent for a whole answer.
	Abort()
}

// Principal is who was authenticated, and with what.
type Principal struct {
	Subject  string // stable id: the token's sub or the consumer's id; "" is nobody
	Consumer string // the application or partner that calls, where known
	Issuer   string // the issuer's name in the configuration, for tokens
	// Method is how: "api_key", "jwt"; "" when nobody was authenticated.
	Method string
	// Credential identifies the credential in records and limits: the key's
	// id, the token's jti or a hash. Never the secret.
	Credential string
	Roles      []string
	Scopes     []string
	Expires    time.Time       // of the credential; zero when it does not
	Claims     json.RawMessage // a token's verified payload; nil otherwise
	Plan       string          // the rate plan of the key or consumer; "" is the API's own quota
	// Bound is by what the caller proved to hold the key that the credential
	// is bound to: "dpop", "mtls", "signature"; "" for a bearer credential.
	Bound string
	// Certificate is the client certificate of the connection, once a part of
	// the gateway has verified it for this operation; nil otherwise.
	Certificate *x509.Certificate
	// CertificateChain are the certificates by which Certificate was verified,
	// from its issuer to the trust anchor; nil without Certificate.
	CertificateChain []*x509.Certificate
	// Restrictions is what the credential itself allows, beyond who it names,
	// and can be judged only when the content is known; nil for none.
	Restrictions Restrictions
}

// Restrictions are limits that a credential carries: the caveats of a
// capability. The late stage of package authn asks them once for each request.
type Restrictions interface {
	// Check is nil when x is within the limits. An *Unavailable says that it
	// could not be decided, any other error that x is not.
	Check(ctx context.Context, x *Exchange) error
}

// Known tells whether somebody was authenticated.
func (p *Principal) Known() bool { return p.Method != "" }

// Reset makes x ready for the next request, keeping its buffers.
func (x *Exchange) Reset() {
	body, in, out := x.In.Body, x.In.Header, x.Out.Header
	params, extra, trail, violated, policies := x.Params, x.Extra, x.Trail, x.Violated, x.Policies
	clear(in)
	clear(out)
	clear(params)
	clear(extra)
	clear(trail)
	clear(violated)
	clear(policies)
	*x = Exchange{
		Params: params[:0], Extra: extra[:0], Trail: trail[:0], Violated: violated[:0],
		Policies: policies[:0],
	}
	x.In.Header, x.Out.Header = in[:0], out[:0]
	if cap(body.buf) <= 64<<10 {
		x.In.Body.buf = body.buf[:0]
	}
}
