// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"strings"

	"durward"
)

// outgoing is the stage that makes the request for the upstream.
type outgoing struct {
	names    *nameSet
	forward  forwardFields
	identity Identity // canonical names
	host     string   // fixed Host, "" for the target's own
	preserve bool
	strip    bool
	upgrades []string
	http2    bool // the targets speak HTTP/2, so that TE: trailers has a meaning
	// credential is the gateway's own, with which the caller's was replaced;
	// without a name there is none.
	credential durward.Field
}

var (
	errUpgrade    = errors.New("upgrade to a protocol that this API does not list")
	errConnection = errors.New("the Connection field names a field that is not about the connection")
)

func newOutgoing(c *Config, credentialHeaders []string, later ...string) *outgoing {
	n := c.Identity
	var credential durward.Field
	if c.Credential == "replace" {
		credential.Name, credential.Value = c.UpstreamCredential.field()
	}
	own := append([]string{n.Subject, n.Consumer, n.Roles, n.Scopes, n.Method, credential.Name}, later...)
	for _, name := range []*string{&n.Subject, &n.Consumer, &n.Roles, &n.Scopes, &n.Method} {
		if *name != "" {
			*name = durward.CanonicalName(*name)
		}
	}
	o := &outgoing{
		names:    newNameSet(own, credentialHeaders, c.Credential == "pass"),
		forward:  forwardFields{rfc7239: c.Forward == "both" || c.Forward == "rfc7239", legacy: c.Forward == "both" || c.Forward == "x-forwarded"},
		identity: n,
		strip:    c.StripPrefix,
		upgrades: c.Upgrades,
		http2:    c.Protocol == "h2" || c.Protocol == "h2c",

		credential: credential,
	}
	switch c.Host {
	case "target":
	case "preserve":
		o.preserve = true
	default:
		o.host = c.Host
	}
	return o
}

// Name is the stage's name in the trail.
func (o *outgoing) Name() string { return "outgoing" }

// Request fills x.Out from x.In and x.Principal. It refuses an upgrade that is
// not listed and a Connection field that names an end-to-end field. It
// allocates only the strings that it builds.
func (o *outgoing) Request(_ context.Context, x *durward.Exchange) durward.Decision {
	out := &x.Out
	out.Method, out.RawQuery, out.Path = x.In.Method, x.In.RawQuery, x.In.Path
	if o.strip && x.Operation != nil {
		out.Path = stripPrefix(out.Path, x.Operation.Prefix)
	}
	switch {
	case o.preserve:
		out.Host = x.In.Host
	default:
		out.Host = o.host
	}
	out.Upgrade = ""
	if x.In.Upgrade != "" && !negotiatesHTTP(x.In.Upgrade) {
		if !o.upgradable(x.In.Upgrade) {
			return durward.Refuse(durward.CodeUpgradeRefused, errUpgrade)
		}
		out.Upgrade = x.In.Upgrade
	}
	if !o.copyFields(&out.Header, x.In.Header) {
		return durward.Refuse(durward.CodeMalformed, errConnection)
	}
	o.forward.add(&out.Header, x)
	if x.ID != "" {
		out.Header.Add("X-Request-Id", x.ID)
	}
	o.addIdentity(&out.Header, &x.Principal)
	if o.credential.Name != "" {
		out.Header = append(out.Header, o.credential)
	}
	return durward.Proceed()
}

// negotiatesHTTP tells an offer to speak HTTP otherwise, which common clients
// make with their first cleartext request, from one that the client cannot do
// without. It may be ignored (RFC 9110, section 7.8), and is: both protocols are
// obsolete by RFC 9113, and passing them on hides requests from the gateway.
func negotiatesHTTP(protocol string) bool {
	return protocol == "h2c" || strings.HasPrefix(protocol, "tls/")
}

// copyFields copies what the client may say. It gives false when Connection
// names a field that it may not.
func (o *outgoing) copyFields(dst *durward.Header, in durward.Header) bool {
	h := (*dst)[:0]
	named := false
	for _, f := range in {
		switch o.names.of(f.Name) {
		case keep:
			h = append(h, f)
		case connects:
			named = named || !onlyCommonOptions(f.Value)
		case teFate:
			if o.http2 && hasToken(f.Value, "trailers") {
				h = append(h, durward.Field{Name: "Te", Value: "trailers"})
			}
		}
	}
	*dst = h
	return !named || o.dropNamed(dst, in)
}

// dropNamed removes the fields that the Connection fields of in name.
func (o *outgoing) dropNamed(dst *durward.Header, in durward.Header) bool {
	for _, f := range in {
		if f.Name != "Connection" {
			continue
		}
		for rest := f.Value; rest != ""; {
			var option string
			option, rest = nextToken(rest)
			if option == "" {
				continue
			}
			folded := foldName(option)
			if endToEnd[folded] || strings.HasPrefix(folded, "content-") {
				return false
			}
			kept := (*dst)[:0]
			for _, have := range *dst {
				if !strings.EqualFold(have.Name, option) || folded == "te" {
					kept = append(kept, have)
				}
			}
			*dst = kept
		}
	}
	return true
}

// trailer gives the client's trailer section without what it may not say, nil
// when there is none.
func (o *outgoing) trailer(x *durward.Exchange) func() durward.Header {
	if x.In.Trailer == nil {
		return nil
	}
	return func() durward.Header {
		var h durward.Header
		for _, f := range x.In.Trailer() {
			if o.names.of(f.Name) == keep {
				h = append(h, f)
			}
		}
		return h
	}
}

func (o *outgoing) upgradable(protocol string) bool {
	for _, p := range o.upgrades {
		if strings.EqualFold(p, protocol) {
			return true
		}
	}
	return false
}

// addIdentity writes who calls. What is not known is not written.
func (o *outgoing) addIdentity(h *durward.Header, p *durward.Principal) {
	if !p.Known() {
		return
	}
	n := &o.identity
	one := func(name, value string) {
		if name != "" && value != "" {
			h.Add(name, escapeValue(value, false))
		}
	}
	list := func(name string, values []string, sep string) {
		switch {
		case name == "" || len(values) == 0:
		case len(values) == 1:
			h.Add(name, escapeValue(values[0], true))
		default:
			h.Add(name, joinEscaped(values, sep))
		}
	}
	one(n.Subject, p.Subject)
	one(n.Consumer, p.Consumer)
	list(n.Roles, p.Roles, ",")
	list(n.Scopes, p.Scopes, " ")
	one(n.Method, p.Method)
	n.addCertificate(h, p)
}

// stripPrefix removes an API's prefix, on a segment's border, from a path.
func stripPrefix(path, prefix string) string {
	rest, ok := strings.CutPrefix(path, prefix)
	switch {
	case !ok || prefix == "" || prefix == "/":
		return path
	case rest == "":
		return "/"
	case rest[0] != '/':
		return path
	}
	return rest
}

// onlyCommonOptions tells that a Connection field names nothing but options
// whose fields are dropped anyway.
func onlyCommonOptions(value string) bool {
	switch value {
	case "keep-alive", "close", "Keep-Alive", "Upgrade", "upgrade":
		return true
	}
	for rest := value; rest != ""; {
		var option string
		option, rest = nextToken(rest)
		if option == "" || strings.EqualFold(option, "close") || strings.EqualFold(option, "keep-alive") ||
			strings.EqualFold(option, "upgrade") || strings.EqualFold(option, "te") ||
			strings.EqualFold(option, "http2-settings") {
			continue
		}
		return false
	}
	return true
}

// hasToken tells whether a comma-separated list has the token.
func hasToken(list, token string) bool {
	for list != "" {
		var one string
		if one, list = nextToken(list); strings.EqualFold(one, token) {
			return true
		}
	}
	return false
}

// nextToken cuts the first element off a comma-separated list.
func nextToken(list string) (first, rest string) {
	first, rest, _ = strings.Cut(list, ",")
	return strings.Trim(first, " \t"), rest
}
