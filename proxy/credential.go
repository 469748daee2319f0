// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"durward"
)

// maxCredential bounds what is sent as the gateway's own credential, in bytes.
const maxCredential = 8 << 10

// UpstreamCredential is what the gateway shows to the upstream in place of the
// caller's credential. It goes with every request, also one of nobody: it says
// that the gateway calls, not for whom. Exactly one of authorization, username
// and header is set. A client's own field of that name, in any spelling, is
// always removed.
type UpstreamCredential struct {
	// Authorization is the whole value of the Authorization field:
	// `Bearer ${UPSTREAM_TOKEN}`.
	Authorization string `yaml:"authorization" secret:"true"`
	// Username is the user of HTTP Basic (RFC 7617), without a colon.
	Username string `yaml:"username"`
	// Password is the password of HTTP Basic.
	Password string `yaml:"password" secret:"true"`
	// Header is the name of another field that carries the credential.
	Header string `yaml:"header"`
	// Value is the value of that field.
	Value string `yaml:"value" secret:"true"`
}

// check reports every fault, and quotes no secret.
func (c *UpstreamCredential) check(identity *Identity) error {
	var faults []error
	bad := func(field, reason string) { faults = append(faults, durward.Invalid(field, "%s", reason)) }
	kinds := 0
	for _, s := range []string{c.Authorization, c.Username, c.Header} {
		if s != "" {
			kinds++
		}
	}
	if kinds != 1 {
		bad("", "must have exactly one of authorization, username and header")
	}
	if (c.Username == "") != (c.Password == "") {
		bad("password", "goes together with username")
	}
	if (c.Header == "") != (c.Value == "") {
		bad("value", "goes together with header")
	}
	if strings.Contains(c.Username, ":") || !visible(c.Username+c.Password) {
		bad("username", "user and password must be printable ASCII, and the user without a colon")
	}
	for _, f := range []struct{ name, value string }{{"authorization", c.Authorization}, {"value", c.Value}} {
		if len(f.value) > maxCredential || !visible(f.value) || strings.TrimSpace(f.value) != f.value {
			bad(f.name, "must be printable ASCII of at most 8 KiB, without space at its ends")
		}
	}
	if len(c.Username)+len(c.Password) > maxCredential {
		bad("password", "user and password together must be at most 8 KiB")
	}
	if c.Header != "" {
		folded := foldName(c.Header)
		switch {
		case !isToken(c.Header) || len(c.Header) > maxName:
			bad("header", "must be a field name of at most 63 bytes")
		case folded == "authorization":
			bad("header", "the Authorization field is set with authorization")
		case isDropped(folded) || neverIdentity[folded] || strings.HasPrefix(folded, "content-"):
			bad("header", "this field has a meaning of its own")
		}
	}
	if name, _ := c.field(); name != "" && slices.Contains(identity.folded(), foldName(name)) {
		bad("header", "an identity field has the same name")
	}
	return errors.Join(faults...)
}

// field gives the field that carries the credential.
func (c *UpstreamCredential) field() (name, value string) {
	switch {
	case c == nil:
		return "", ""
	case c.Username != "":
		return "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(c.Username+":"+c.Password))
	case c.Header != "":
		return durward.CanonicalName(c.Header), c.Value
	case c.Authorization != "":
		return "Authorization", c.Authorization
	}
	return "", ""
}

// folded gives the folded names of the fields that are written.
func (n *Identity) folded() []string {
	var names []string
	for _, name := range []string{n.Subject, n.Consumer, n.Roles, n.Scopes, n.Method} {
		if name != "" {
			names = append(names, foldName(name))
		}
	}
	return names
}

// visible tells whether s is printable ASCII.
func visible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

// CheckOwn looks whether the fields that later stages write (own) can be theirs
// alone. New does too; the arguments are its.
func (c *Config) CheckOwn(credentialHeaders, own []string) error {
	var faults []error
	stored, _ := c.UpstreamCredential.field()
	for _, name := range own {
		folded := foldName(name)
		switch {
		case !isToken(name) || len(name) > maxName:
			faults = append(faults, durward.Invalid("", "a field of the gateway's own must have a name of at most %d bytes", maxName))
		case folded == foldName(stored) || slices.Contains(c.Identity.folded(), folded):
			faults = append(faults, durward.Invalid("", "%s is written twice: as a field of identity or upstream_credential, and with the identity token", name))
		case c.Credential == "pass" && slices.ContainsFunc(credentialHeaders, func(h string) bool { return foldName(h) == folded }):
			faults = append(faults, durward.Invalid("credential", "pass sends the caller's %s, which the identity token takes the place of", name))
		}
	}
	return errors.Join(faults...)
}
