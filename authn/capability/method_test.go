// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"durward"

	"github.com/google/go-cmp/cmp"
)

func TestAGoodTokenNamesItsConsumer(t *testing.T) {
	m := newMethod(t)
	tok := minted(t, after(time.Hour), after(2*time.Hour))
	p, err := m.Authenticate(t.Context(), newExchange(tok.Text()))
	if err != nil {
		t.Fatal(err)
	}
	want := durward.Principal{
		Subject: "acme", Consumer: "acme", Method: "capability", Credential: tok.ID, Roles: []string{"reader"}, Expires: start.Add(time.Hour).Local(),
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	tok, err = Mint(Key{ID: "main", Secret: testSecret}, Root{Consumer: "acme", Subject: "user-7", Issued: start})
	if err != nil {
		t.Fatal(err)
	}
	p, err = m.Authenticate(t.Context(), newExchange(tok.Text()))
	if err != nil || p.Subject != "user-7" || p.Consumer != "acme" || !p.Expires.Equal(start.Add(24*time.Hour)) || p.Restrictions != nil {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestWhoIsBehindATokenIsLookedUp(t *testing.T) {
	tok := minted(t).Text()
	away := errors.New("locked")
	for _, row := range []struct {
		name   string
		change func(m *testMethod)
		want   error
	}{
		{"a consumer that is there", nil, nil},
		{"one that is not", func(m *testMethod) { delete(m.consumers, "acme") }, errConsumer},
		{"one that is disabled", func(m *testMethod) { m.consumers["acme"] = durward.Consumer{ID: "acme", Disabled: true} }, errConsumer},
		{"another than was asked for", func(m *testMethod) { m.consumers["acme"] = durward.Consumer{ID: "root"} }, errConsumer},
		{"a store that is away", func(m *testMethod) { m.lookup = away }, away},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newMethod(t)
			if row.change != nil {
				row.change(m)
			}
			if err := m.decide(t, newExchange(tok)); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			} else if row.want == away {
				if u, ok := errors.AsType[*durward.Unavailable](err); !ok || u.Code != durward.CodeStoreUnavailable {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

func TestARevokedTokenTakesAllThatWereMadeFromItAlong(t *testing.T) {
	m := newMethod(t)
	tok, other := minted(t), minted(t)
	child, err := tok.Attenuate(Methods("GET"))
	if err != nil {
		t.Fatal(err)
	}
	m.revoked["capability "+tok.ID] = true
	for text, want := range map[string]error{tok.Text(): errRevoked, child.Text(): errRevoked, other.Text(): nil} {
		if err := m.decide(t, newExchange(text)); err != want {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

func TestAllTokensOfASubjectAreRevoked(t *testing.T) {
	m := newMethod(t)
	mint := func(subject string, at time.Time) string {
		tok, err := Mint(Key{ID: "main", Secret: testSecret}, Root{Consumer: "acme", Subject: subject, Issued: at})
		if err != nil {
			t.Fatal(err)
		}
		return tok.Text()
	}
	m.revoked["capability of erin"], m.revoked["capability of acme"] = true, true
	for name, row := range map[string]struct {
		text string
		want error
	}{
		"of the subject":               {mint("erin", start.Add(-time.Second)), errRevoked},
		"of the consumer itself":       {mint("", start.Add(-time.Second)), errRevoked},
		"of another subject":           {mint("lee", start.Add(-time.Second)), nil},
		"of the subject, issued since": {mint("erin", start.Add(time.Second)), nil},
	} {
		if err := m.decide(t, newExchange(row.text)); err != row.want {
			t.Errorf("%s: got %v, want %v", name, err, row.want)
		}
	}
}

func TestATokenEndsByItsKeyAndItsAge(t *testing.T) {
	secret := strings.Repeat("s", 32)
	keys := func(c *Config) {
		c.Keys = append(c.Keys, Key{ID: "old", Secret: secret, NotAfter: start.Add(time.Minute)})
		c.MaxAge = 3600e9
	}
	issued := func(id, s string, at time.Time) string {
		tok, err := Mint(Key{ID: id, Secret: s}, Root{Consumer: "acme", Issued: at})
		if err != nil {
			t.Fatal(err)
		}
		return tok.Text()
	}
	for _, row := range []struct {
		name, text string
		now        time.Time
		want       error
	}{
		{"the first key", issued("main", testSecret, start), start, nil},
		{"the second key", issued("old", secret, start), start, nil},
		{"a second before the key ends", issued("old", secret, start), start.Add(59 * time.Second), nil},
		{"a key that has ended", issued("old", secret, start), start.Add(time.Minute), errKeyEnded},
		{"a key that is not known", issued("new", secret, start), start, errKey},
		{"another key under that id", issued("main", secret, start), start, errChain},
		{"a second before max_age", issued("main", testSecret, start), start.Add(3599 * time.Second), nil},
		{"at max_age", issued("main", testSecret, start), start.Add(time.Hour), errAge},
		{"a clock a little behind", issued("main", testSecret, start.Add(30*time.Second)), start, nil},
		{"a token of the future", issued("main", testSecret, start.Add(31*time.Second)), start, errFuture},
		{"a token of the year 9999", issued("main", testSecret, time.Unix(maxTime, 0)), start, errFuture},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newMethod(t, keys)
			m.now = row.now
			if err := m.decide(t, newExchange(row.text)); err != row.want {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
	m := newMethod(t, keys)
	if p, err := m.Authenticate(t.Context(), newExchange(issued("old", secret, start))); err != nil || !p.Expires.Equal(start.Add(time.Minute)) {
		t.Errorf("expires at %v (%v), and its key before", p.Expires, err)
	}
}

func TestABoundTokenNeedsAProofOfItsKey(t *testing.T) {
	mine, other := zeros, "B"+zeros[1:]
	away := &durward.Unavailable{Code: durward.CodeOverloaded, Err: errors.New("full")}
	bad := errors.New("proof: bad")
	for _, row := range []struct {
		name    string
		caveats []Caveat
		jkt     string
		err     error
		want    error
		asked   int
	}{
		{"the key", []Caveat{BoundKey(mine)}, mine, nil, nil, 1},
		{"the key, twice", []Caveat{BoundKey(mine), BoundKey(mine)}, mine, nil, nil, 1},
		{"another key", []Caveat{BoundKey(mine)}, other, nil, errProof, 1},
		{"no key", []Caveat{BoundKey(mine)}, "", nil, errProof, 1},
		{"two keys", []Caveat{BoundKey(mine), BoundKey(other)}, mine, nil, errKeys, 0},
		{"a bad proof", []Caveat{BoundKey(mine)}, mine, bad, bad, 1},
		{"a proof that could not be checked", []Caveat{BoundKey(mine)}, "", away, away, 1},
		{"no bound key", nil, mine, nil, nil, 0},
		{"a caveat that fails spends no proof", []Caveat{BoundKey(mine), Methods("PUT")}, mine, nil, errMethod, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			m, asked := newMethod(t), 0
			m.env.Proof = m
			text := minted(t, row.caveats...).Text()
			m.proof = func(token string) (string, error) {
				if asked++; token != text {
					t.Error("asked about another token")
				}
				return row.jkt, row.err
			}
			p, err := m.Authenticate(t.Context(), newExchange(text))
			if err != row.want || asked != row.asked {
				t.Errorf("got %v after %d proofs", err, asked)
			}
			if bound := err == nil && row.asked > 0; bound != (p.Bound == "dpop") {
				t.Errorf("bound by %q", p.Bound)
			}
		})
	}
}

func TestWhereATokenStands(t *testing.T) {
	good := minted(t).Text()
	for _, row := range []struct {
		name, header string
		fields       []string
		count        int
		ok           bool
	}{
		{"the scheme", "", []string{"Authorization", "Capability " + good}, 1, true},
		{"the scheme in lower case", "", []string{"Authorization", "capability " + good}, 1, true},
		{"more blanks", "", []string{"Authorization", "Capability   " + good}, 1, true},
		{"nothing", "", nil, 0, false},
		{"another scheme", "", []string{"Authorization", "Bearer " + good}, 0, false},
		{"another scheme beside it", "", []string{"Authorization", "Bearer x", "Authorization", "Capability " + good}, 1, true},
		{"a scheme that begins alike", "", []string{"Authorization", "Capability2 " + good}, 0, false},
		{"the scheme alone", "", []string{"Authorization", "Capability"}, 1, false},
		{"the scheme and a blank", "", []string{"Authorization", "Capability "}, 1, false},
		{"a parameter", "", []string{"Authorization", "Capability token=" + good}, 1, false},
		{"something behind it", "", []string{"Authorization", "Capability " + good + " x"}, 1, false},
		{"two", "", []string{"Authorization", "Capability " + good, "Authorization", "Capability " + good}, 2, false},
		{"too long", "", []string{"Authorization", "Capability dwc_" + strings.Repeat("A", MaxText)}, 1, false},
		{"a field of its own", "x-capability", []string{"X-Capability", good}, 1, true},
		{"the scheme in a field of its own", "X-Capability", []string{"X-Capability", "Capability " + good}, 1, false},
		{"Authorization when it is not read", "X-Capability", []string{"Authorization", "Capability " + good}, 0, false},
		{"a field of its own, empty", "X-Capability", []string{"X-Capability", ""}, 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			m := newMethod(t, func(c *Config) { c.Header = row.header })
			x := newExchange("")
			x.In.Header = nil
			for i := 0; i < len(row.fields); i += 2 {
				x.In.Header.Add(row.fields[i], row.fields[i+1])
			}
			if n := m.Present(x); n != row.count {
				t.Errorf("%d are present, want %d", n, row.count)
			}
			if err := m.decide(t, x); (err == nil) != row.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNothingOfATokenIsToldOutside(t *testing.T) {
	m := newMethod(t)
	if a, b := m.Challenge("moot", true), m.Challenge("moot", false); a != b || a != `Capability realm="moot"` {
		t.Errorf("challenges %q and %q", a, b)
	}
	tok := minted(t, Operations("secretOperation"))
	for _, s := range []string{fmt.Sprint(tok), fmt.Sprintf("%v %+v %#v %s", tok, tok, tok, tok), fmt.Sprintf("%+v", []any{tok, &tok})} {
		if strings.Contains(s, tok.raw[len(tok.raw)-8:]) || strings.Contains(s, prefix) || !strings.Contains(s, tok.ID) {
			t.Error("printing a token shows it")
		}
	}
	if err := m.decide(t, newExchange(tok.Text())); err == nil || strings.Contains(err.Error(), "secretOperation") {
		t.Errorf("got %v", err)
	}
}

func TestAMethodNeedsItsParts(t *testing.T) {
	m := newMethod(t)
	cfg := Config{Keys: []Key{{ID: "main", Secret: testSecret}}}
	for name, env := range map[string]Env{"nothing": {}, "no consumers": {Uses: m}, "no uses": {Consumers: m}} {
		if _, err := New(cfg, env); err == nil {
			t.Errorf("%s: made", name)
		}
	}
	if _, err := New(Config{}, m.env); err == nil {
		t.Error("made without keys")
	}
	made, err := New(cfg, Env{Consumers: m, Uses: m})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := Mint(cfg.Keys[0], Root{Consumer: "acme", Issued: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Authenticate(context.Background(), newExchange(tok.Text())); err != nil {
		t.Errorf("by the real clock: %v", err)
	}
}

func TestCheckReportsEveryFault(t *testing.T) {
	long := strings.Repeat("s", 32)
	for _, row := range []struct {
		name string
		cfg  Config
		want []string
	}{
		{"good", Config{Keys: []Key{{ID: "a", Secret: long}, {ID: "b", Secret: long + "b"}}, Header: "x-capability", MaxAge: 1e9}, nil},
		{"no keys", Config{}, []string{"keys: must list"}},
		{"many keys", Config{Keys: make([]Key, 17)}, []string{"keys: must list", "keys[16].id"}},
		{"bad keys", Config{Keys: []Key{{ID: "a b", Secret: "short"}, {ID: "b", Secret: long}, {ID: "b", Secret: long}}},
			[]string{"keys[0].id: must", "keys[0].secret: must have at least 32", "keys[2].id: is listed twice", "keys[2].secret: is that of another key"}},
		{"a field that HTTP reads", Config{Keys: []Key{{ID: "a", Secret: long}}, Header: "content-type"}, []string{"header: is not"}},
		{"a field of a proof", Config{Keys: []Key{{ID: "a", Secret: long}}, Header: "DPoP"}, []string{"header: is not"}},
		{"no field", Config{Keys: []Key{{ID: "a", Secret: long}}, Header: "a b"}, []string{"header: is not"}},
		{"a negative age", Config{Keys: []Key{{ID: "a", Secret: long}}, MaxAge: -1e9}, []string{"max_age: must"}},
		{"half a second", Config{Keys: []Key{{ID: "a", Secret: long}}, MaxAge: 5e8}, []string{"max_age: must"}},
		{"two years", Config{Keys: []Key{{ID: "a", Secret: long}}, MaxAge: 732 * 24 * 3600e9}, []string{"max_age: must"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := row.cfg.Check()
			if (err == nil) != (row.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, w := range row.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v lacks %q", err, w)
				}
			}
			if err != nil && (strings.Contains(err.Error(), "short") || strings.Contains(err.Error(), long)) {
				t.Error("a secret stands in the error")
			}
		})
	}
}
