// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/authn/httpsig"
)

// TestCombinationsOfCredentials is the rule table of the stage.
func TestCombinationsOfCredentials(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	s := newFakeKeys()
	tok, key := "Bearer "+f.fresh(ec), s.mint(t, "live", nil)
	bad := tok[:len(tok)-6] // whole bytes less
	both := Config{{JWT: &JWT{Issuer: "corp"}}, {APIKey: &APIKey{}}}
	onlyKey := Config{{APIKey: &APIKey{}}}
	aside := Config{{JWT: &JWT{Issuer: "corp", Header: "X-Token"}}}
	for name, row := range map[string]struct {
		cfg    Config
		public bool
		fields []string
		query  string
		why    error  // nil: allowed
		method string // of the principal; "" is nobody
	}{
		"nothing":                             {cfg: both, why: errNoCredential},
		"nothing, public":                     {cfg: both, public: true},
		"token":                               {cfg: both, fields: []string{"Authorization", tok}, method: "jwt"},
		"token, public":                       {cfg: both, public: true, fields: []string{"Authorization", tok}, method: "jwt"},
		"key":                                 {cfg: both, fields: []string{"X-Api-Key", key}, method: "api_key"},
		"scheme in lower case":                {cfg: both, fields: []string{"Authorization", "bearer" + tok[6:]}, method: "jwt"},
		"scheme and two spaces":               {cfg: both, fields: []string{"Authorization", "Bearer " + tok[6:]}, method: "jwt"},
		"bad token, public":                   {cfg: both, public: true, fields: []string{"Authorization", bad}, why: errSignature},
		"bad key, public":                     {cfg: both, public: true, fields: []string{"X-Api-Key", "x"}, why: errKeyForm},
		"empty key, public":                   {cfg: both, public: true, fields: []string{"X-Api-Key", ""}, why: errKeyForm},
		"empty Authorization, public":         {cfg: both, public: true, fields: []string{"Authorization", ""}, why: errScheme},
		"Basic, public":                       {cfg: both, public: true, fields: []string{"Authorization", "Basic YTpi"}, why: errScheme},
		"Bearer without token":                {cfg: both, fields: []string{"Authorization", "Bearer"}, why: errScheme},
		"Bearer and a space":                  {cfg: both, fields: []string{"Authorization", "Bearer "}, why: errTokenSize},
		"Bearer and a tab":                    {cfg: both, fields: []string{"Authorization", "Bearer\t" + tok[7:]}, why: errScheme},
		"two tokens in one field":             {cfg: both, fields: []string{"Authorization", tok + ", " + tok}, why: errTokenForm},
		"token without scheme":                {cfg: both, fields: []string{"Authorization", tok[7:]}, why: errScheme},
		"token and key":                       {cfg: both, fields: []string{"Authorization", tok, "X-Api-Key", key}, why: errTwo},
		"token and key, public":               {cfg: both, public: true, fields: []string{"Authorization", tok, "X-Api-Key", key}, why: errTwo},
		"bad token and good key":              {cfg: both, fields: []string{"Authorization", bad, "X-Api-Key", key}, why: errTwo},
		"good token and bad key":              {cfg: both, fields: []string{"Authorization", tok, "X-Api-Key", "x"}, why: errTwo},
		"Basic and key":                       {cfg: both, fields: []string{"Authorization", "Basic YTpi", "X-Api-Key", key}, why: errTwo},
		"two Authorization fields":            {cfg: both, fields: []string{"Authorization", tok, "Authorization", tok}, why: errTwo},
		"two Authorization fields, one empty": {cfg: both, fields: []string{"Authorization", tok, "Authorization", ""}, why: errTwo},
		"token in the query":                  {cfg: both, query: "access_token=" + tok[7:], why: errTokenInQuery},
		"token in the query, public":          {cfg: both, public: true, query: "a=1&access%5Ftoken=" + tok[7:], why: errTokenInQuery},
		"token in the query and field":        {cfg: both, fields: []string{"Authorization", tok}, query: "access_token=" + tok[7:], why: errTwo},
		"query of another name":               {cfg: both, fields: []string{"Authorization", tok}, query: "my_access_token=1", method: "jwt"},
		"token to an API of keys":             {cfg: onlyKey, fields: []string{"Authorization", tok}, why: errNoCredential},
		"key beside what is not ours":         {cfg: onlyKey, fields: []string{"Authorization", tok, "X-Api-Key", key}, why: errTwo},
		"token in a field of its own":         {cfg: aside, fields: []string{"X-Token", tok[7:]}, method: "jwt"},
		"scheme in a field of its own":        {cfg: aside, fields: []string{"X-Token", tok}, why: errTokenForm},
		"no kind is taken, public":            {public: true, fields: []string{"Authorization", tok}},
	} {
		t.Run(name, func(t *testing.T) {
			st, err := newStage(row.cfg, Env{Issuers: f.issuers, Keys: s, Cache: f.cache, Now: f.clock.Now}, row.public)
			if err != nil {
				t.Fatal(err)
			}
			x := exchange(row.fields...)
			x.In.RawQuery = row.query
			d := st.Request(context.Background(), x)
			if row.why != nil {
				refused(t, d, row.why)
				if x.Extra.Count("Www-Authenticate") == 0 {
					t.Error("no challenge")
				}
			} else {
				allowed(t, d)
			}
			if x.Principal.Method != row.method {
				t.Errorf("method %q, want %q", x.Principal.Method, row.method)
			}
		})
	}
}

func TestChallengesNameEveryKindThatIsTaken(t *testing.T) {
	ec := es("a")
	f := newFixture(t, setOf(ec.jwk()), nil)
	st, err := newStage(Config{{JWT: &JWT{Issuer: "corp"}}, {APIKey: &APIKey{}}}, Env{Issuers: f.issuers, Keys: newFakeKeys(), Now: f.clock.Now}, false)
	if err != nil {
		t.Fatal(err)
	}
	const plain, bad, key = `Bearer realm="moot"`, `Bearer realm="moot", error="invalid_token"`, `ApiKey realm="moot"`
	for name, row := range map[string]struct {
		x    *durward.Exchange
		want []string
	}{
		"no credential": {exchange(), []string{plain, key}},
		"a bad token":   {bearer("x"), []string{bad, key}},
		"a bad key":     {exchange("X-Api-Key", "x"), []string{plain, key}},
		"two":           {exchange("X-Api-Key", "x", "Authorization", "Bearer x"), []string{plain, key}},
	} {
		st.Request(context.Background(), row.x)
		if diff := cmp.Diff(row.want, row.x.Extra.Values(nil, "Www-Authenticate")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	x := exchange()
	x.Operation.API = "a\"b"
	st.Request(context.Background(), x)
	if got := x.Extra.Get("Www-Authenticate"); got != `Bearer realm="api"` {
		t.Errorf("realm: %s", got)
	}
	if x.Extra.Has("Accept-Signature") {
		t.Error("what to sign is said where nothing signed is taken")
	}
}

// RFC 9421, section 5.1. It is the same for whatever was wrong, and nobody who
// is let in gets it.
func TestRefusalsOfAnAPIWithSignaturesSayWhatToSign(t *testing.T) {
	keys := newFakeKeys()
	good := keys.mint(t, "live", nil)
	signed := &httpsig.Config{
		Components: []string{"@method", "@target-uri", "content-type"}, Tag: "api",
		Keys: map[string]httpsig.Key{"acme": {Algorithm: "hmac-sha256", Secret: strings.Repeat("s", 32)}},
	}
	st, err := newStage(Config{{Signature: signed}, {APIKey: &APIKey{}}}, Env{Keys: keys, Uses: noUses{}, Now: time.Now}, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		x    *durward.Exchange
		want []string
	}{
		"no credential":   {exchange(), []string{`sig1=("@method" "@target-uri" "content-type" "content-digest");created;tag="api"`}},
		"a bad signature": {exchange("Signature-Input", "x", "Signature", "y"), []string{`sig1=("@method" "@target-uri" "content-type" "content-digest");created;tag="api"`}},
		"a bad key":       {exchange("X-Api-Key", "x"), []string{`sig1=("@method" "@target-uri" "content-type" "content-digest");created;tag="api"`}},
		"a good key":      {exchange("X-Api-Key", good), nil},
	} {
		d := st.Request(context.Background(), row.x)
		if diff := cmp.Diff(row.want, row.x.Extra.Values(nil, "Accept-Signature")); diff != "" || (d.Verdict == durward.Allow) != (row.want == nil) {
			t.Errorf("%s: %v (-want +got):\n%s", name, d.Err, diff)
		}
	}
}

// noUses takes everything as used for the first time.
type noUses struct{}

func (noUses) Use(context.Context, string, [32]byte, int, time.Time) (bool, error) { return true, nil }

// broken is an authenticator with the fault that row names.
type broken struct {
	method string
	err    error
}

func (broken) Present(*durward.Exchange) int         { return 1 }
func (broken) Challenge(realm string, _ bool) string { return "X" }
func (b broken) Authenticate(context.Context, *durward.Exchange) (durward.Principal, error) {
	return durward.Principal{Subject: "root", Method: b.method}, b.err
}

func TestNothingButACleanAcceptAccepts(t *testing.T) {
	for _, b := range []broken{{}, {method: "x", err: errTwo}, {err: errTwo}} {
		x := exchange()
		m := &Methods{slots: []slot{{authenticator: b}}, entries: []entry{{}}, own: [][]int{{0}}}
		s, err := m.Stage(Demand{Public: true})
		if err != nil {
			t.Fatal(err)
		}
		if d := s.Request(context.Background(), x); d.Verdict != durward.Deny || d.Err == nil || x.Principal.Known() {
			t.Errorf("%+v gives %v", b, d)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	f := newFixture(t, "", nil)
	for name, row := range map[string]struct {
		cfg  Config
		env  Env
		want string
	}{
		"nothing taken, not public": {nil, Env{}, "takes no credential"},
		"no issuers at all":         {Config{{JWT: &JWT{Issuer: "corp"}}}, Env{}, `[0].jwt.issuer: no issuer is called "corp"`},
		"unknown issuer":            {Config{{JWT: &JWT{Issuer: "crop"}}}, Env{Issuers: f.issuers}, `[0].jwt.issuer: no issuer is called "crop"`},
		"bad config":                {Config{{}}, Env{}, "[0]: must name exactly one"},
	} {
		if _, err := newStage(row.cfg, row.env, false); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
	st, err := newStage(nil, Env{}, true)
	if err != nil || st.Name() != "authn" {
		t.Errorf("public: %v", err)
	}
}

func TestConfigCheckNamesEveryFault(t *testing.T) {
	var short JWT
	if err := short.UnmarshalText([]byte("corp")); err != nil || short != (JWT{Issuer: "corp"}) {
		t.Errorf("short form: %+v %v", short, err)
	}
	if short.UnmarshalText(nil) == nil {
		t.Error("an empty short form is taken")
	}
	for name, row := range map[string]struct {
		cfg  Config
		want []string
	}{
		"good":                    {Config{{JWT: &JWT{Issuer: "a"}}, {JWT: &JWT{Issuer: "b"}}, {APIKey: &APIKey{}}}, nil},
		"both":                    {Config{{JWT: &JWT{Issuer: "a"}, APIKey: &APIKey{}}}, []string{"[0]: must name exactly one"}},
		"no issuer":               {Config{{JWT: &JWT{}}}, []string{"[0].jwt.issuer: is required"}},
		"issuer twice":            {Config{{JWT: &JWT{Issuer: "a"}}, {JWT: &JWT{Issuer: "a"}}}, []string{"[1].jwt.issuer: is listed twice"}},
		"two tokens of one place": {Config{{All: []Method{{JWT: &JWT{Issuer: "a"}}, {JWT: &JWT{Issuer: "b"}}}}}, []string{"[0].all[1]: stands in the same place"}},
		"keys twice":              {Config{{APIKey: &APIKey{}}, {APIKey: &APIKey{Header: "X-K"}}}, []string{"[1].api_key: is listed twice"}},
		"one field for all":       {Config{{JWT: &JWT{Issuer: "a", Header: "X-Token"}}, {APIKey: &APIKey{Header: "x-token"}}}, []string{"[1].api_key.header: X-Token is read"}},
		"bad names": {Config{{JWT: &JWT{Issuer: "a", Header: "X Y"}}, {APIKey: &APIKey{Header: "Host", Query: "a&b", Environments: []string{"LIVE"}}}},
			[]string{"[0].jwt.header:", "[1].api_key.header:", "[1].api_key.query:", "[1].api_key.environments[0]:"}},
		"too many": {slices.Repeat(Config{{}}, 17), append([]string{"has more than 16"}, slices.Repeat([]string{"must name exactly one"}, 17)...)},
	} {
		t.Run(name, func(t *testing.T) {
			err := row.cfg.Check()
			if n := len(durward.Flatten(err)); n != len(row.want) {
				t.Errorf("%d faults, want %d: %v", n, len(row.want), err)
			}
			for _, w := range row.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v does not say %q", err, w)
				}
			}
		})
	}
}

func TestCredentialPlaces(t *testing.T) {
	cfg := Config{{JWT: &JWT{Issuer: "a"}}, {JWT: &JWT{Issuer: "b"}}, {APIKey: &APIKey{}}}
	if diff := cmp.Diff([]string{"Authorization", "Dpop", "X-Api-Key"}, CredentialHeaders(cfg)); diff != "" {
		t.Error(diff)
	}
	cfg = Config{{JWT: &JWT{Issuer: "a", Header: "x-token"}}, {APIKey: &APIKey{Query: "key"}}}
	if diff := cmp.Diff([]string{"X-Token"}, CredentialHeaders(cfg)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"key"}, CredentialParameters(cfg)); diff != "" {
		t.Error(diff)
	}
	if CredentialHeaders(nil) != nil || CredentialParameters(nil) != nil {
		t.Error("an empty list has places")
	}
}
