// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
)

// An Authorization that no method reads reaches the upstream, which may take it
// for somebody: beside a certificate the request would then have two callers,
// and on a public operation one that the gateway has never heard of.
func TestAnAuthorizationThatNobodyReadsIsRefused(t *testing.T) {
	m := &Methods{
		slots:   []slot{{authenticator: fake{field: "A"}}, {authenticator: fake{field: "T"}, ambient: true}},
		entries: []entry{{slot: 0}, {slot: 1}},
	}
	for name, row := range map[string]struct {
		demand Demand
		fields []string
		why    error // nil is let in
	}{
		"beside a certificate":                   {Demand{Choices: []Choice{{Entries: []int{1}}}}, []string{"T", "good"}, errScheme},
		"beside a key":                           {Demand{Choices: []Choice{{Entries: []int{0}}}}, []string{"A", "good"}, errTwo},
		"alone on a public operation":            {Demand{Public: true, Choices: []Choice{{Entries: []int{0}}}}, nil, errScheme},
		"beside a certificate, for the upstream": {Demand{PassThrough: true, Choices: []Choice{{Entries: []int{1}}}}, []string{"T", "good"}, nil},
		"alone, for the upstream":                {Demand{PassThrough: true, Public: true, Choices: []Choice{{Entries: []int{0}}}}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := m.Stage(row.demand)
			if err != nil {
				t.Fatal(err)
			}
			d := s.Request(t.Context(), exchange(append(row.fields, "Authorization", "Basic YWRtaW46YWRtaW4=")...))
			if row.why == nil {
				allowed(t, d)
				return
			}
			refused(t, d, row.why)
		})
	}
	open, err := (&Methods{}).Stage(Demand{Public: true})
	if err != nil {
		t.Fatal(err)
	}
	allowed(t, open.Request(t.Context(), exchange("Authorization", "Basic YQ=="))) // the upstream's affair alone
}

// credentialOf is a credential of a consumer.
type credentialOf struct {
	fake
	consumer string
}

func (n credentialOf) Authenticate(ctx context.Context, x *durward.Exchange) (durward.Principal, error) {
	p, err := n.fake.Authenticate(ctx, x)
	p.Consumer = n.consumer
	return p, err
}

func TestTheRulesOfASecondCredentialsConsumerHoldToo(t *testing.T) {
	for name, row := range map[string]struct {
		second durward.Consumer
		why    error
		code   durward.Code
	}{
		"of another one": {durward.Consumer{ID: "second", Plan: "silver"}, errTwoConsumers, durward.CodeUnauthenticated},
		"disabled":       {durward.Consumer{ID: "second", Disabled: true}, errDisabled, durward.CodeUnauthenticated},
		"from elsewhere": {durward.Consumer{ID: "second", Addresses: prefixes("198.51.100.0/24")}, errConsumerPlace, durward.CodeForbidden},
		"denied":         {durward.Consumer{ID: "second", Denied: prefixes("192.0.2.0/24")}, errConsumerPlace, durward.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Methods{
				env:     Env{Consumers: someConsumers{"first": {ID: "first", Plan: "gold"}, "second": row.second}},
				slots:   []slot{{authenticator: credentialOf{fake{field: "A"}, "first"}}, {authenticator: credentialOf{fake{field: "B"}, "second"}}},
				entries: []entry{{slot: 0}, {slot: 1}},
			}
			s, err := m.Stage(Demand{Choices: []Choice{{Entries: []int{0, 1}}}})
			if err != nil {
				t.Fatal(err)
			}
			x := exchange("A", "good", "B", "good")
			d := s.Request(t.Context(), x)
			refused(t, d, row.why)
			if d.Code != row.code || x.Principal.Known() {
				t.Errorf("%s, principal %v", d.Code, x.Principal)
			}
		})
	}
}

// A stolen key beside the thief's own token would else be as good as the
// victim's two.
func TestTwoCredentialsThatAreNeededTogetherAreOfOneConsumer(t *testing.T) {
	known := someConsumers{"acme": {ID: "acme", Plan: "gold"}, "globex": {ID: "globex"}}
	for name, row := range map[string]struct {
		first, second string
		why           error
		consumer      string
	}{
		"the same one":                {"acme", "acme", nil, "acme"},
		"two":                         {"acme", "globex", errTwoConsumers, ""},
		"two, the other way round":    {"globex", "acme", errTwoConsumers, ""},
		"one says none":               {"", "acme", nil, "acme"},
		"one that the store has not":  {"app", "acme", nil, "app"},
		"the second is not known":     {"acme", "corp:app", nil, "acme"},
		"neither is known, differing": {"app", "corp:app", nil, "app"},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Methods{
				env:     Env{Consumers: known},
				slots:   []slot{{authenticator: credentialOf{fake{field: "A"}, row.first}}, {authenticator: credentialOf{fake{field: "B"}, row.second}}},
				entries: []entry{{slot: 0}, {slot: 1}},
			}
			s, err := m.Stage(Demand{Choices: []Choice{{Entries: []int{0, 1}}}})
			if err != nil {
				t.Fatal(err)
			}
			x := exchange("A", "good", "B", "good")
			d := s.Request(t.Context(), x)
			if row.why != nil {
				refused(t, d, row.why)
				return
			}
			allowed(t, d)
			if x.Principal.Consumer != row.consumer {
				t.Errorf("consumer %q", x.Principal.Consumer)
			}
		})
	}
}

// texted is a credential that says what it is.
type texted struct{ fake }

func (f texted) Claimed(x *durward.Exchange) (credential, presented string) {
	return "", x.In.Header.Get(f.field)
}

// Who guesses one credential beside another that stays the same presents
// something new each time: else only the first guess would count.
func TestEveryCredentialOfARequestIsWhatItPresents(t *testing.T) {
	c := &counted{}
	m := &Methods{env: Env{Attempts: c}, slots: []slot{
		{authenticator: fake{field: "A"}}, {authenticator: fake{field: "B"}}, {authenticator: fake{field: "C"}},
		{authenticator: fake{field: "D"}}, {authenticator: fake{field: "T"}, ambient: true},
	}}
	for i := range m.slots {
		if i < 2 || i == 3 {
			m.slots[i].authenticator = texted{fake{field: string(rune('A' + i))}}
			m.slots[i].claims = texted{fake{field: string(rune('A' + i))}}
		}
		m.entries = append(m.entries, entry{slot: i})
	}
	one := func(entries ...int) Choice { return Choice{Entries: entries} }
	s, err := m.Stage(Demand{Choices: []Choice{one(0), one(3), one(0, 1), one(0, 2), one(1, 3), one(4)}})
	if err != nil {
		t.Fatal(err)
	}
	certificate := func(x *durward.Exchange) {
		x.In.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte("der")}}}
	}
	for _, row := range []struct {
		fields []string
		change func(*durward.Exchange)
		want   string
	}{
		{[]string{"A", "x"}, nil, "x"},
		{[]string{"A", "good", "B", "one"}, nil, "good\x00one"},
		{[]string{"A", "good", "B", "two"}, nil, "good\x00two"},
		{[]string{"A", "good", "C", "x"}, nil, ""}, // not known as text
		{[]string{"D", "x"}, nil, "x"},
		{[]string{"B", "good", "D", "x"}, nil, "good\x00x"},
		{[]string{"T", "x"}, certificate, "der"},
		{[]string{"T", "x"}, nil, ""},
		{[]string{"T", "x"}, func(x *durward.Exchange) { certificate(x); x.Client.Trusted = true }, ""}, // the proxy's own
	} {
		c.failed = nil
		x := exchange(row.fields...)
		x.Client.Address = netip.MustParseAddr("192.0.2.7")
		if row.change != nil {
			row.change(x)
		}
		s.Request(t.Context(), x)
		want := []durward.Attempt{{Source: x.Client.Address, Presented: row.want}}
		if diff := cmp.Diff(want, c.failed, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("%v: %s", row.fields, diff)
		}
	}
}
