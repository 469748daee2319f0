// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import "strings"

// maxName is the longest name that the set of dropped fields can hold.
const maxName = 63

// hopByHop are the fields that are about one connection (RFC 9110, 7.6.1).
// TE has a rule of its own.
var hopByHop = []string{
	"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
}

// rebuilt are the fields that the gateway or its HTTP client writes itself.
// Expect is the gateway's to meet: it asks for the content when a stage or
// the upstream wants it.
var rebuilt = []string{"host", "content-length", "expect", "x-request-id", "forwarded"}

// claims are the fields by which proxies tell an upstream about the client, or
// by which a request says that it is another one than its line says. A client
// may not send them. Every name with a prefix of dropPrefixes is one as well.
var claims = []string{
	"proxy", "client-cert", "client-cert-chain", "x-client-cert", "x-ssl-client-cert", "x-ssl-client-verify",
	"x-ssl-client-s-dn", "x-ssl-client-dn", "ssl-client-cert", "ssl-client-verify", "x-real-ip", "x-client-ip",
	"x-cluster-client-ip", "x-remote-ip", "x-remote-addr", "x-originating-ip", "x-proxyuser-ip", "x-true-client-ip",
	"true-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-envoy-external-address", "x-original-url",
	"x-original-uri", "x-original-host", "x-original-method", "x-rewrite-url", "x-host", "x-http-host-override",
	"x-http-method-override", "x-http-method", "x-method-override", "x-forwarded", "remote-user", "x-remote-user",
	"x-auth-request-user", "x-webauth-user",
}

// vouched are the fields by which other gateways, load balancers and platforms
// vouch for a caller or tell an inner request from an outer one. Upstreams
// that once stood behind one of them still believe the field, so a client may
// not send it; an API may use it as an identity field of its own.
var vouched = []string{
	"client-ip", "cf-connecting-ipv6", "fly-client-ip", "do-connecting-ip", "remote-addr",
	"x-appengine-user-ip", "x-azure-clientip", "x-azure-socketip", "x-nf-client-connection-ip",
	"x-auth-user", "x-auth-username", "x-authenticated-user", "x-authenticated-userid", "x-authenticated-scope",
	"x-auth-request-email", "x-auth-request-groups", "x-auth-request-preferred-username", "x-auth-request-access-token",
	"x-consumer-id", "x-consumer-custom-id", "x-consumer-username", "x-consumer-groups", "x-credential-identifier",
	"x-anonymous-consumer", "x-userinfo", "x-amzn-oidc-identity", "x-amzn-oidc-data", "x-amzn-oidc-accesstoken",
	"x-ms-client-principal", "x-ms-client-principal-id", "x-ms-client-principal-name", "x-ms-client-principal-idp",
	"x-goog-authenticated-user-email", "x-goog-authenticated-user-id", "x-goog-iap-jwt-assertion",
	"cf-access-jwt-assertion", "cf-access-authenticated-user-email", "x-authentik-username", "x-authentik-groups",
	"x-durward-identity", // of an API without identity token, before an upstream that knows it from another
	"x-envoy-internal", "x-envoy-original-path", "x-envoy-original-host", "x-middleware-subrequest",
	"x-amzn-mtls-clientcert", "x-amzn-mtls-clientcert-leaf", "x-amzn-mtls-clientcert-subject", "x-arr-clientcert",
	"ssl-client-dn", "ssl-client-s-dn", "ssl-client-subject-dn", "x-ssl-client-subject-dn", "x-client-verify", "x-client-dn",
}

// dropPrefixes begin the names of further such fields: Proxy-Authorization is
// for a proxy, X-Forwarded-Client-Cert and its like for nobody but us.
var dropPrefixes = []string{"proxy-", "x-forwarded-"}

// endToEnd are fields that a Connection field may not name: a request that
// asks to have them removed wants the upstream to see another request than
// the one that was judged.
var endToEnd = map[string]bool{
	"authorization": true, "cookie": true, "host": true, "date": true, "range": true, "origin": true,
	"referer": true, "user-agent": true, "cache-control": true, "pragma": true, "accept": true, "expect": true,
	"forwarded": true, "accept-encoding": true, "accept-language": true, "if-match": true, "if-none-match": true,
	"if-modified-since": true, "if-unmodified-since": true, "if-range": true, "idempotency-key": true,
}

// neverIdentity are names that an identity field may not take.
var neverIdentity = map[string]bool{
	"authorization": true, "cookie": true, "set-cookie": true, "date": true, "range": true, "origin": true,
	"referer": true, "user-agent": true, "accept": true, "accept-encoding": true, "cache-control": true,
}

// foldName gives the form in which two names are the same to some upstream:
// CGI-like servers make X-User, x_user and X.User one variable.
func foldName(name string) string {
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
}

// fold writes the folded form of name into dst, as much as fits.
func fold(dst []byte, name string) []byte {
	n := min(len(name), len(dst))
	for i := range n {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		case c == '_' || c == '.':
			c = '-'
		}
		dst[i] = c
	}
	return dst[:n]
}

// hasDropPrefix tells whether a folded name is one of a dropped family.
func hasDropPrefix(folded []byte) bool {
	for _, p := range dropPrefixes {
		if len(folded) >= len(p) && string(folded[:len(p)]) == p {
			return true
		}
	}
	return false
}

// isDropped tells whether every API drops the folded name.
func isDropped(folded string) bool {
	for _, list := range [][]string{hopByHop, rebuilt, claims} {
		for _, name := range list {
			if name == folded {
				return true
			}
		}
	}
	return hasDropPrefix([]byte(folded))
}

// What happens to a field of the client's.
type fate uint8

const (
	keep     fate = iota
	drop          // in any spelling
	connects      // Connection: dropped, and what it names with it
	teFate        // TE: dropped unless it is what gRPC needs
	exact         // kept in its own spelling, dropped in any other
)

// nameSet tells what happens to a field by its name. It is immutable.
type nameSet struct {
	// first has, for each length of a name, a bit for each first letter that
	// a listed name of that length has: most fields pass with one look.
	first [maxName + 1]uint32
	fates map[string]fate // by folded name
}

func (s *nameSet) add(folded string, f fate) {
	if folded == "" || len(folded) > maxName {
		return
	}
	if s.fates == nil {
		s.fates = make(map[string]fate)
	}
	s.fates[folded] = f
	s.first[len(folded)] |= 1 << (folded[0] & 31)
}

// newNameSet lists what every API drops, and its own names.
func newNameSet(own []string, credentials []string, pass bool) *nameSet {
	s := new(nameSet)
	for _, name := range vouched {
		s.add(name, drop)
	}
	for _, name := range credentials {
		if pass {
			s.add(foldName(name), exact)
		} else {
			s.add(foldName(name), drop)
		}
	}
	for _, list := range [][]string{hopByHop, rebuilt, claims} {
		for _, name := range list {
			s.add(name, drop)
		}
	}
	s.add("connection", connects)
	s.add("te", teFate)
	for _, name := range own {
		s.add(foldName(name), drop)
	}
	return s
}

// of gives the fate of a field. It does not allocate.
func (s *nameSet) of(name string) fate {
	if name == "" {
		return drop
	}
	// Bits 0 to 4 are the same in upper and lower case.
	c := name[0] & 31
	if (len(name) > maxName || s.first[len(name)]&(1<<c) == 0) && c != 'x'&31 && c != 'p'&31 {
		return keep
	}
	var buf [maxName]byte
	folded := fold(buf[:], name)
	if hasDropPrefix(folded) {
		return drop
	}
	if len(name) > maxName {
		return keep
	}
	f := s.fates[string(folded)]
	if f == exact {
		// The header's names are canonical, so only _ and . can differ.
		for i := range len(name) {
			if name[i] == '_' || name[i] == '.' {
				return drop
			}
		}
		return keep
	}
	return f
}

// isToken tells whether s is a token (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
		return true
	}
	return strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}
