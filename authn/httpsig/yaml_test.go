// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"testing"
	"time"

	"durward/internal/strictyaml"
)

func TestAConfigurationIsReadFromADocument(t *testing.T) {
	const text = `
keys:
  acme-2026: {algorithm: ed25519, public_key: acme.pem, consumer: acme, roles: [member], not_after: 2027-06-30T00:00:00Z}
  quoted: {algorithm: ed25519, public_key: acme.pem, not_after: "2027-06-30T00:00:00Z"}
  shared: {algorithm: hmac-sha256, secret: "0123456789abcdef0123456789abcdef"}
components: ["@method", "@target-uri"]
max_age: 2m
clock_skew: 5s
max_content: 64KiB
nonce_optional: true
tag: app
label: sig1
`
	var c Config
	if _, err := strictyaml.Decode([]byte(text), &c, strictyaml.Options{Name: "durward.yaml"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)
	if k := c.Keys["acme-2026"]; k.Consumer != "acme" || !k.NotAfter.Equal(end) || !c.Keys["quoted"].NotAfter.Equal(end) {
		t.Errorf("got %+v", c.Keys)
	}
	if c.maxAge() != 2*time.Minute || c.skew() != 5*time.Second || c.maxContent() != 64<<10 || !c.NonceOptional || len(c.Components) != 2 {
		t.Errorf("got %+v", c)
	}
}
