// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package strength

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/address"
	"durward/audit"
	"durward/authn"
	"durward/authn/capability"
	"durward/authn/httpsig"
	"durward/authz"
	"durward/contract"
	"durward/egress"
	"durward/internal/units"
	"durward/listen"
	"durward/proxy"
	"durward/ratelimit"
)

// outcome sums up what Compare says: the worst label, or "same".
func outcome(changes Changes) string {
	if len(changes) == 0 {
		return "same"
	}
	changes.Sort()
	return changes[0].Label.String()
}

func compared[T any](old, new T) Changes {
	return Compare(Document{Root: &old, At: "x"}, Document{Root: &new, At: "x"})
}

func ranges(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, one := range s {
		out = append(out, netip.MustParsePrefix(one))
	}
	return out
}

func limitOf(s string, burst int) *ratelimit.Limit {
	l := &ratelimit.Limit{Burst: burst}
	if err := l.Rate.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return l
}

func moment(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestChangesAreLabelled(t *testing.T) {
	type addresses = address.Config
	type roles = map[string][]string
	for _, tc := range []struct {
		name       string
		there      Changes
		back       Changes
		want, home string // of there, and of the way back
	}{
		both("the default in words", contract.Config{}, contract.Config{MaxBody: 1 << 20}, "neutral", "neutral"),
		both("a larger body", contract.Config{}, contract.Config{MaxBody: 2 << 20}, "weaker", "stronger"),
		both("report", contract.Config{}, contract.Config{Mode: durward.Report}, "weaker", "stronger"),
		both("proceed", contract.Config{}, contract.Config{OnError: durward.ProceedOnError}, "weaker", "stronger"),
		both("a gap of the contract", contract.Config{}, contract.Config{Gaps: []string{"#/paths/~1x/get"}}, "weaker", "stronger"),
		both("all gaps of the contract", contract.Config{Gaps: []string{"#/paths/~1x/get"}}, contract.Config{Gaps: []string{"*"}}, "weaker", "stronger"),
		both("another coding", contract.Config{}, contract.Config{ContentEncodings: []string{"gzip"}}, "weaker", "stronger"),
		both("a word that is not known", contract.Config{}, contract.Config{UnknownQuery: "perhaps"}, "weaker", "weaker"),

		both("a first allow list", addresses{}, addresses{Allow: ranges("10.0.0.0/8")}, "stronger", "weaker"),
		both("a first allow file", addresses{}, addresses{AllowFiles: []string{"a"}}, "stronger", "weaker"),
		both("a narrower allow list", addresses{Allow: ranges("10.0.0.0/8")}, addresses{Allow: ranges("10.1.0.0/16")}, "stronger", "weaker"),
		both("two halves", addresses{Allow: ranges("10.0.0.0/8")}, addresses{Allow: ranges("10.0.0.0/9", "10.128.0.0/9")}, "neutral", "neutral"),
		both("halves of IPv6 that miss one", addresses{Deny: ranges("2001:db8::/126")}, addresses{Deny: ranges("2001:db8::/127", "2001:db8::3/128")}, "weaker", "stronger"),
		both("a deny list", addresses{}, addresses{Deny: ranges("10.0.0.0/8")}, "stronger", "weaker"),
		both("a deny file", addresses{}, addresses{DenyFiles: []string{"a"}}, "stronger", "weaker"),

		both("a first limit", ratelimit.Config{}, ratelimit.Config{PerAddress: limitOf("9/s", 0)}, "stronger", "weaker"),
		both("a limit in other words", ratelimit.Config{PerAddress: limitOf("60/m", 60)}, ratelimit.Config{PerAddress: limitOf("1/s", 60)}, "neutral", "neutral"),
		both("slower, but more at once", ratelimit.Config{PerAddress: limitOf("9/s", 9)}, ratelimit.Config{PerAddress: limitOf("8/s", 10)}, "weaker", "weaker"),
		both("a group", ratelimit.Config{}, ratelimit.Config{Groups: []ratelimit.Group{{Name: "g", Ranges: ranges("10.0.0.0/8"), Limit: *limitOf("1/s", 0)}}}, "stronger", "weaker"),
		both("ranges of one client", ratelimit.Config{PerRange: &ratelimit.RangeLimit{Limit: *limitOf("1/s", 0)}},
			ratelimit.Config{PerRange: &ratelimit.RangeLimit{Limit: *limitOf("1/s", 0), IPv4: 28}}, "weaker", "stronger"),
		both("a plan with more", ratelimit.PrincipalConfig{PerConsumer: limitOf("1/s", 0)},
			ratelimit.PrincipalConfig{PerConsumer: limitOf("1/s", 0), Plans: map[string]ratelimit.Plan{"gold": {PerConsumer: limitOf("2/s", 0)}}}, "weaker", "stronger"),
		both("a plan without a limit that others have", ratelimit.PrincipalConfig{PerConsumer: limitOf("1/s", 0), PerSubject: limitOf("9/s", 0)},
			ratelimit.PrincipalConfig{PerConsumer: limitOf("1/s", 0), PerSubject: limitOf("9/s", 0), Plans: map[string]ratelimit.Plan{"gold": {PerConsumer: limitOf("1/m", 0)}}}, "weaker", "weaker"),

		both("a further role", authz.Config{Roles: roles{"a": {"x"}}}, authz.Config{Roles: roles{"a": {"x"}, "b": {"x"}}}, "weaker", "stronger"),
		both("a scope beside the role", authz.Config{Roles: roles{"a": {"x"}}}, authz.Config{Roles: roles{"a": {"x"}}, Scopes: roles{"s": {"*"}}}, "stronger", "weaker"),
		both("everybody beside a role", authz.Config{Roles: roles{"a": {"x"}}}, authz.Config{Roles: roles{"a": {"x"}}, Authenticated: []string{"x"}}, "weaker", "stronger"),
		both("an owner rule", authz.Config{Roles: roles{"a": {"x"}}}, authz.Config{Roles: roles{"a": {"x"}}, Owner: []authz.Owner{{Operations: []string{"x"}, Claim: "sub", Equals: "path.id"}}}, "stronger", "weaker"),
		both("a role beside policies", authz.Config{Policies: []authz.Source{{Cedar: "p"}}}, authz.Config{Policies: []authz.Source{{Cedar: "p"}}, Roles: roles{"a": {"x"}}}, "weaker", "stronger"),
		both("another policy", authz.Config{Policies: []authz.Source{{Cedar: "p"}}}, authz.Config{Policies: []authz.Source{{Cedar: "q"}}}, "weaker", "weaker"),

		both("records that wait for no disk", audit.Config{}, audit.Config{Durability: "buffered"}, "weaker", "stronger"),
		both("files that are removed", audit.Config{}, audit.Config{KeepFiles: 9}, "weaker", "stronger"),
		both("TLS", listen.Config{}, listen.Config{TLS: &listen.TLS{}}, "stronger", "weaker"),
		both("TLS 1.3", listen.Config{TLS: &listen.TLS{}}, listen.Config{TLS: &listen.TLS{MinVersion: "1.3"}}, "stronger", "weaker"),
		both("slower bodies", listen.Limits{}, listen.Limits{BodyMinRate: 1}, "weaker", "stronger"),
		both("masked errors", egress.Config{}, egress.Config{Errors: "pass"}, "weaker", "stronger"),
		both("a credential that is passed on", proxy.Config{}, proxy.Config{Credential: "pass"}, "weaker", "stronger"),
		both("one credential for another", proxy.Config{Credential: "pass"}, proxy.Config{Credential: "replace"}, "weaker", "weaker"),
		both("a target in clear text", proxy.Config{Targets: []proxy.Target{{URL: "https://a"}}}, proxy.Config{Targets: []proxy.Target{{URL: "http://a"}}}, "weaker", "stronger"),
		both("no upgrade rather than the contract's", proxy.Config{}, proxy.Config{Upgrades: []string{}}, "stronger", "weaker"),
		both("a longer wait", proxy.Config{}, proxy.Config{Timeout: units.Duration(1e12)}, "neutral", "neutral"),

		both("an issuer's audiences", authn.IssuerConfig{Audiences: []string{"a"}}, authn.IssuerConfig{Audiences: []string{"a", "b"}}, "weaker", "stronger"),
		both("fewer algorithms", authn.IssuerConfig{}, authn.IssuerConfig{Algorithms: []string{"EdDSA"}}, "stronger", "weaker"),
		both("an age", authn.IssuerConfig{}, authn.IssuerConfig{MaxAge: units.Duration(1e9)}, "stronger", "weaker"),
		both("kinds of keys", authn.APIKey{}, authn.APIKey{Environments: []string{"live"}}, "stronger", "weaker"),
		both("foreign keys", authn.APIKey{}, authn.APIKey{Environments: []string{"ext"}}, "weaker", "weaker"),
		both("a further key", capability.Config{Keys: []capability.Key{{ID: "a"}}}, capability.Config{Keys: []capability.Key{{ID: "b"}, {ID: "a"}}}, "weaker", "stronger"),
		both("a key in another place of the list", capability.Config{Keys: []capability.Key{{ID: "a"}, {ID: "b"}}}, capability.Config{Keys: []capability.Key{{ID: "b"}, {ID: "a"}}}, "same", "same"),
		both("a key that ends", capability.Key{}, capability.Key{NotAfter: moment("2027-01-01T00:00:00Z")}, "stronger", "weaker"),
		both("a key that ends later", capability.Key{NotAfter: moment("2027-01-01T00:00:00Z")}, capability.Key{NotAfter: moment("2027-01-01T00:00:00-01:00")}, "weaker", "stronger"),
		both("more that is signed", httpsig.Config{Components: []string{"@method"}}, httpsig.Config{Components: []string{"@method", "date"}}, "stronger", "weaker"),
	} {
		if got := outcome(tc.there); got != tc.want {
			t.Errorf("%s: %s, want %s: %+v", tc.name, got, tc.want, tc.there)
		}
		if got := outcome(tc.back); got != tc.home {
			t.Errorf("%s, taken back: %s, want %s: %+v", tc.name, got, tc.home, tc.back)
		}
		for _, c := range append(tc.there, tc.back...) {
			if c.Reason == "" || !strings.HasPrefix(c.Field, "x") {
				t.Errorf("%s: a change without reason or field: %+v", tc.name, c)
			}
		}
	}
}

// both compares in both directions.
func both[T any](name string, a, b T, want, home string) (out struct {
	name       string
	there      Changes
	back       Changes
	want, home string
}) {
	out.name, out.there, out.back, out.want, out.home = name, compared(a, b), compared(b, a), want, home
	return out
}

func TestAFieldWithoutARuleIsWeaker(t *testing.T) {
	type part struct {
		Unheard string `yaml:"unheard"`
		Number  int    `yaml:"number"`
	}
	got := compared(part{}, part{Unheard: "of"})
	if outcome(got) != "weaker" || !strings.Contains(got[0].Reason, "cannot be compared") {
		t.Errorf("%+v", got)
	}
	if got := compared(part{Number: 1}, part{Number: 1}); len(got) != 0 {
		t.Errorf("equal documents differ: %+v", got)
	}
	if Label(0) != Weaker {
		t.Error("the zero label must be the worst one")
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	a, b := capability.Key{ID: "a", Secret: strings.Repeat("hidden", 9)}, capability.Key{ID: "a", Secret: strings.Repeat("unseen", 9)}
	for _, c := range compared(a, b) {
		if c.Old.Value != "(secret)" || c.New.Value != "(secret)" {
			t.Errorf("%+v", c)
		}
	}
	for _, c := range compared(capability.Config{}, capability.Config{Keys: []capability.Key{a}}) {
		if strings.Contains(c.New.Value+c.Old.Value, "hidden") {
			t.Errorf("an added key is shown: %+v", c)
		}
	}
}

func TestASummaryIsShort(t *testing.T) {
	var all Changes
	for range 50 {
		all = append(all, Change{Field: strings.Repeat("long", 100)}, Change{Field: "b", Label: Stronger})
	}
	all = append(all, Change{Field: "other"})
	s := all.Summary()
	if len(s) > 1000 || !strings.HasPrefix(s, "51 weaker, 50 stronger, 0 neutral; weaker: long") || !strings.HasSuffix(s, ", other") {
		t.Error(s)
	}
	if got := (Changes{}).Summary(); got != "0 weaker, 0 stronger, 0 neutral" {
		t.Error(got)
	}
}

// Whether ranges cover an address is asked address by address, too.
func TestCoverageOfRangesIsThatOfTheirAddresses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	random := func() []netip.Prefix {
		var out []netip.Prefix
		for range r.IntN(5) {
			out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(256))}), 24+r.IntN(9)).Masked())
		}
		return out
	}
	contains := func(all []netip.Prefix, a netip.Addr) bool {
		for _, p := range all {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	for range 2000 {
		a, b := random(), random()
		want := false
		for i := range 256 {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			want = want || contains(a, addr) && !contains(b, addr)
		}
		if got := uncovered(a, b); got != want {
			t.Fatalf("%v in %v: uncovered is %t", a, b, got)
		}
	}
}
