// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/durwardtest"

	"github.com/google/go-cmp/cmp"

	"durward"
)

var pepper = []byte("0123456789abcdef0123456789abcdef")

// fakeKeys is a store of keys.
type fakeKeys struct {
	mu        sync.Mutex
	keys      map[string]durward.Key
	consumers map[string]durward.Consumer
	err       error
	lookups   int
	touched   map[string]time.Time
	pepper    []byte
}

func newFakeKeys() *fakeKeys {
	return &fakeKeys{
		keys: map[string]durward.Key{}, touched: map[string]time.Time{}, pepper: pepper,
		consumers: map[string]durward.Consumer{"acme": {ID: "acme", Roles: []string{"member"}}},
	}
}

func (s *fakeKeys) Key(_ context.Context, id string) (durward.Key, durward.Consumer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lookups++
	if s.err != nil {
		return durward.Key{}, durward.Consumer{}, s.err
	}
	k, ok := s.keys[id]
	if !ok {
		return durward.Key{}, durward.Consumer{}, durward.ErrNotFound
	}
	return k, s.consumers[k.Consumer], nil
}

func (s *fakeKeys) Touch(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.touched[id] = at
}

func (s *fakeKeys) Pepper() []byte { return s.pepper }

// mint makes a key of acme and gives its text.
func (s *fakeKeys) mint(t testing.TB, environment string, change func(*durward.Key)) string {
	t.Helper()
	text, id, hash, err := MintKey(pepper, environment)
	if err != nil {
		t.Fatal(err)
	}
	k := durward.Key{ID: id, Environment: environment, Consumer: "acme", Hash: hash, Scopes: []string{"read"}}
	if change != nil {
		change(&k)
	}
	s.keys[id] = k
	return text
}

func keyStage(t testing.TB, c APIKey, s *fakeKeys, now func() time.Time) durward.Stage {
	t.Helper()
	st, err := newStage(Config{{APIKey: &c}}, Env{Keys: s, Now: now}, false)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestKeyNamesItsConsumer(t *testing.T) {
	c, s := durwardtest.NewClock(), newFakeKeys()
	expires := c.Now().Add(time.Hour)
	text := s.mint(t, "live", func(k *durward.Key) {
		k.Roles, k.Expires = []string{"member", "bot"}, expires
	})
	x := exchange("X-Api-Key", text)
	allowed(t, keyStage(t, APIKey{}, s, c.Now).Request(t.Context(), x))
	id := text[8:20]
	want := durward.Principal{Subject: "acme", Consumer: "acme", Method: "api_key", Credential: id,
		Roles: []string{"member", "bot"}, Scopes: []string{"read"}, Expires: expires}
	if diff := cmp.Diff(want, x.Principal); diff != "" {
		t.Errorf("principal (-want +got):\n%s", diff)
	}
	if !s.touched[id].Equal(c.Now()) {
		t.Errorf("last use %v, want %v", s.touched[id], c.Now())
	}
	if len(s.consumers["acme"].Roles) != 1 {
		t.Error("the consumer's roles were changed")
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	c := durwardtest.NewClock()
	now := c.Now()
	for name, row := range map[string]struct {
		key   func(*durward.Key)
		store func(*fakeKeys)
		text  func(string) string
		api   APIKey
		why   error // nil: accepted
	}{
		"good":                            {},
		"expires later":                   {key: func(k *durward.Key) { k.Expires = now.Add(time.Second) }},
		"expires now":                     {key: func(k *durward.Key) { k.Expires = now }, why: errKeyExpired},
		"expired":                         {key: func(k *durward.Key) { k.Expires = now.Add(-time.Hour) }, why: errKeyExpired},
		"revoked":                         {key: func(k *durward.Key) { k.Revoked = now.Add(-time.Hour) }, why: errKeyRevoked},
		"consumer disabled":               {store: func(s *fakeKeys) { s.consumers["acme"] = durward.Consumer{ID: "acme", Disabled: true} }, why: errKeyConsumer},
		"consumer gone":                   {store: func(s *fakeKeys) { delete(s.consumers, "acme") }, why: errKeyUnknown},
		"key without consumer":            {key: func(k *durward.Key) { k.Consumer = "" }, store: func(s *fakeKeys) { delete(s.consumers, "acme") }, why: errKeyUnknown},
		"from an allowed network":         {key: func(k *durward.Key) { k.Addresses = prefixes("198.51.100.0/24", "192.0.2.0/24") }},
		"from elsewhere":                  {key: func(k *durward.Key) { k.Addresses = prefixes("198.51.100.0/24", "2001:db8::/32") }, why: errKeyAddress},
		"of an allowed environment":       {api: APIKey{Environments: []string{"test", "live"}}},
		"of another environment":          {api: APIKey{Environments: []string{"test"}}, why: errKeyEnvironment},
		"stored for another environment":  {key: func(k *durward.Key) { k.Environment = "test" }, why: errKeyUnknown},
		"store answers with another key":  {key: func(k *durward.Key) { k.ID = "000000000000" }, why: errKeyUnknown},
		"unknown id":                      {store: func(s *fakeKeys) { clear(s.keys) }, why: errKeyUnknown},
		"hash of nothing":                 {key: func(k *durward.Key) { k.Hash = [32]byte{} }, why: errKeySecret},
		"another secret":                  {text: func(s string) string { return resum(s[:21] + flip(s[21]) + s[22:]) }, why: errKeySecret},
		"another environment in the text": {text: func(s string) string { return resum("dw_test" + s[7:]) }, why: errKeySecret},
		"wrong checksum":                  {text: func(s string) string { return s[:21] + flip(s[21]) + s[22:] }, why: errKeyForm},
		"empty":                           {text: func(string) string { return "" }, why: errKeyForm},
		"a space behind":                  {text: func(s string) string { return s + " " }, why: errKeyForm},
		"a JWT":                           {text: func(string) string { return "eyJ.eyJ.x" }, why: errKeyForm},
		"very long":                       {text: func(s string) string { return s + strings.Repeat("x", 1<<16) }, why: errKeyForm},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFakeKeys()
			text := s.mint(t, "live", row.key)
			if row.key != nil { // found under the id in the text, whatever the record says
				for _, k := range s.keys {
					s.keys[text[8:20]] = k
				}
			}
			if row.store != nil {
				row.store(s)
			}
			if row.text != nil {
				text = row.text(text)
			}
			x := exchange("X-Api-Key", text)
			d := keyStage(t, row.api, s, c.Now).Request(t.Context(), x)
			if row.why == nil {
				allowed(t, d)
				return
			}
			refused(t, d, row.why)
			if x.Principal.Known() || len(s.touched) != 0 {
				t.Error("a refused key left a trace of use")
			}
			if got := x.Extra.Get("Www-Authenticate"); got != `ApiKey realm="moot"` && d.Code == durward.CodeUnauthenticated {
				t.Errorf("challenge %s", got)
			}
			if row.why == errKeyForm && s.lookups != 0 {
				t.Error("looked up a key that cannot exist")
			}
			if len(text) > 21 && strings.Contains(d.Err.Error(), text[21:]) {
				t.Error("the error holds the secret")
			}
		})
	}
}

func prefixes(s ...string) (out []netip.Prefix) {
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// resum gives a changed key a checksum that fits.
func resum(text string) string {
	body := text[:len(text)-checksumLen]
	sum := keyChecksum(body)
	return body + string(sum[:])
}

func flip(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}

func TestStoreThatIsAwayIsAFailure(t *testing.T) {
	s := newFakeKeys()
	text := s.mint(t, "live", nil)
	s.err = errors.New("database is locked")
	x := exchange("X-Api-Key", text)
	failed(t, keyStage(t, APIKey{}, s, nil).Request(t.Context(), x), durward.CodeStoreUnavailable)
	if x.Principal.Known() {
		t.Error("a principal is set")
	}
}

func TestKeyIsReadFromWhereItIsDeclared(t *testing.T) {
	s := newFakeKeys()
	k := s.mint(t, "live", nil)
	for name, row := range map[string]struct {
		api    APIKey
		fields []string
		query  string
		why    error
		out    string
	}{
		"default field":                          {fields: []string{"X-Api-Key", k}},
		"own field":                              {api: APIKey{Header: "x-partner-key"}, fields: []string{"X-Partner-Key", k}},
		"default field when another is declared": {api: APIKey{Header: "X-Partner-Key"}, fields: []string{"X-Api-Key", k}, why: errNoCredential},
		"Authorization":                          {api: APIKey{Header: "Authorization"}, fields: []string{"Authorization", "apikey " + k}},
		"Authorization, no scheme":               {api: APIKey{Header: "Authorization"}, fields: []string{"Authorization", k}, why: errScheme},
		"Authorization, other scheme":            {api: APIKey{Header: "Authorization"}, fields: []string{"Authorization", "Bearer " + k}, why: errScheme},
		"query":                                  {api: APIKey{Query: "key"}, query: "a=1&key=" + k + "&b=2", out: "a=1&b=2"},
		"query, escaped name":                    {api: APIKey{Query: "key"}, query: "%6bey=" + k, out: ""},
		"query, not declared":                    {query: "key=" + k, why: errNoCredential, out: "key=" + k},
		"query, field not declared":              {api: APIKey{Query: "key"}, fields: []string{"X-Api-Key", k}, why: errNoCredential},
		"query twice":                            {api: APIKey{Query: "key"}, query: "key=" + k + "&%6Bey=x", why: errTwo},
		"query broken":                           {api: APIKey{Query: "key"}, query: "key=%zz", why: errKeyForm},
		"query empty":                            {api: APIKey{Query: "key"}, query: "key=", why: errKeyForm},
		"query without value":                    {api: APIKey{Query: "key"}, query: "key", why: errKeyForm},
		"both, only one used":                    {api: APIKey{Header: "X-Api-Key", Query: "key"}, fields: []string{"X-Api-Key", k}, query: "a=1", out: "a=1"},
		"both used":                              {api: APIKey{Header: "X-Api-Key", Query: "key"}, fields: []string{"X-Api-Key", k}, query: "key=" + k, why: errTwo},
		"field twice":                            {fields: []string{"X-Api-Key", k, "X-Api-Key", k}, why: errTwo},
		"field twice, one empty":                 {fields: []string{"X-Api-Key", "", "X-Api-Key", k}, why: errTwo},
	} {
		t.Run(name, func(t *testing.T) {
			x := exchange(row.fields...)
			x.In.RawQuery, x.Out.RawQuery = row.query, row.query
			d := keyStage(t, row.api, s, nil).Request(t.Context(), x)
			if row.why != nil {
				refused(t, d, row.why)
				return
			}
			allowed(t, d)
			if hide := HideQuery(Config{{APIKey: &row.api}}); hide != nil {
				allowed(t, hide.Request(t.Context(), x))
			} else if row.api.Query != "" {
				t.Error("nothing hides the key from the upstream")
			}
			if x.Out.RawQuery != row.out {
				t.Errorf("the upstream gets %q, want %q", x.Out.RawQuery, row.out)
			}
			if x.In.RawQuery != row.query {
				t.Error("the request as it was sent was changed")
			}
		})
	}
}

func TestStageNeedsAStoreWithAPepper(t *testing.T) {
	short := newFakeKeys()
	short.pepper = []byte("short")
	for name, env := range map[string]Env{"no store": {}, "short pepper": {Keys: short}} {
		if _, err := newStage(Config{{APIKey: &APIKey{}}}, env, false); err == nil || !strings.Contains(err.Error(), "[0].api_key: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnion(t *testing.T) {
	a, b := []string{"x", "y"}, []string{"y", "z"}
	if diff := cmp.Diff([]string{"x", "y", "z"}, durward.Union(a, b)); diff != "" {
		t.Error(diff)
	}
	if len(durward.Union(nil, b)) != 2 || len(durward.Union(a, nil)) != 2 || durward.Union(nil, nil) != nil {
		t.Error("one empty list")
	}
}
