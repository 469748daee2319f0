// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"encoding/json"
	"math"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMintRefusesWhatNoTokenCanHold(t *testing.T) {
	key := Key{ID: "main", Secret: testSecret}
	who := Root{Consumer: "acme", Issued: start}
	many := make([]Caveat, 33)
	for i := range many {
		many[i] = Methods("GET")
	}
	for _, row := range []struct {
		name    string
		key     Key
		root    Root
		caveats []Caveat
		want    string
	}{
		{"no key id", Key{Secret: testSecret}, who, nil, "id: must"},
		{"a short secret", Key{ID: "main", Secret: "short"}, who, nil, "secret: must have at least 32"},
		{"no consumer", key, Root{Issued: start}, nil, "consumer: must"},
		{"a consumer of 64 letters", key, Root{Consumer: strings.Repeat("a", 64), Issued: start}, nil, "consumer: must"},
		{"a subject with a line break", key, Root{Consumer: "acme", Subject: "a\nb", Issued: start}, nil, "subject: must"},
		{"a subject of 256 bytes", key, Root{Consumer: "acme", Subject: strings.Repeat("a", 256), Issued: start}, nil, "subject: must"},
		{"no time", key, Root{Consumer: "acme"}, nil, "issued: must"},
		{"33 caveats", key, who, many, "more than 32"},
		{"the zero caveat", key, who, []Caveat{{}}, "not known"},
		{"an empty set", key, who, []Caveat{Operations()}, "operation: must have 1 to 64 names"},
		{"a bad path", key, who, []Caveat{Paths("/a/")}, "path-prefix: must have 1 to 64 canonical"},
		{"a long value", key, who, []Caveat{Query("a", strings.Repeat("x", 1025))}, "longer than 1024"},
		{"long values", key, who, []Caveat{Query("a", strings.Repeat("x", 1024), strings.Repeat("x", 1024), strings.Repeat("x", 1024))}, "longer than 4 KiB"},
		{"no network", key, who, []Caveat{Addresses(netip.Prefix{})}, "must be a network"},
		{"a mapped network", key, who, []Caveat{nets("::ffff:192.0.2.0/120")}, "must be a network"},
		{"a network with bits behind its prefix", key, who, []Caveat{nets("192.0.2.1/24")}, "must be a network"},
		{"a time before 1970", key, who, []Caveat{NotAfter(time.Unix(-1, 0))}, "must have a time"},
		{"no uses", key, who, []Caveat{after(time.Hour), UseCount(0)}, "must have a count"},
		{"all uses", key, who, []Caveat{after(time.Hour), UseCount(math.MaxUint32)}, "must have a count"},
		{"uses without an end", key, who, []Caveat{UseCount(1)}, "not-after must stand before"},
		{"a bad thumbprint", key, who, []Caveat{BoundKey("abc")}, "JWK thumbprint"},
		{"a padded thumbprint", key, who, []Caveat{BoundKey(zeros + "=")}, "JWK thumbprint"},
	} {
		t.Run(row.name, func(t *testing.T) {
			tok, err := Mint(row.key, row.root, row.caveats...)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v, want %q", err, row.want)
			}
			if tok.raw != "" {
				t.Error("a token beside an error")
			}
			if strings.Contains(err.Error(), "short") && row.key.Secret == "short" {
				t.Error("the secret stands in the error")
			}
		})
	}
}

func TestTwoTokensNeverHaveOneID(t *testing.T) {
	first, second := minted(t), minted(t)
	if first.ID == second.ID {
		t.Error("the same id twice")
	}
}

func TestCaveatsCanBeRead(t *testing.T) {
	for want, c := range map[string]Caveat{
		`operation is "listMessages"`:                               Operations("listMessages"),
		`api is one of "a", "b"`:                                    APIs("a", "b"),
		`path is, or is below, "/spaces/42"`:                        Paths("/spaces/42"),
		`method is one of "GET", "HEAD"`:                            Methods("GET", "HEAD"),
		`query parameter "q" is "a\u001b[2J"`:                       Query("q", "a\x1b[2J"),
		`content at "/a" is "x\u202ey"`:                             BodyString("/a", "x\u202ey"),
		`content at "" is null`:                                     BodyNull(""),
		`content at "/n" is -7`:                                     BodyInt("/n", -7),
		`content at "/n" is true`:                                   BodyBool("/n", true),
		`client's address is in one of "192.0.2.0/24", "2001::/16"`: nets("192.0.2.0/24", "2001::/16"),
		`before 2026-07-01T13:00:00Z`:                               after(time.Hour),
		`not before 2026-07-01T12:00:00Z`:                           NotBefore(start),
		`uses: 3`:                                                   UseCount(3),
		`one use`:                                                   OneTime(),
		`with proof of the key ` + zeros:                            BoundKey(zeros),
		`unknown caveat of type 99 (a gateway refuses it)`:          {kind: 99, body: "x"},
		`malformed operation`:                                       Operations(),
	} {
		if got := c.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if _, err := json.Marshal(Operations()); err == nil {
		t.Error("a malformed caveat was described")
	}
	if b, err := json.Marshal(Caveat{kind: 99, body: "\x01"}); err != nil || string(b) != `{"type":"unknown","number":99,"body":"01"}` {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestScalarsOfContentAreRead(t *testing.T) {
	for text, want := range map[string]Caveat{
		`"42"`: BodyString("/a", "42"), ` 42 `: BodyInt("/a", 42), `-1`: BodyInt("/a", -1),
		`true`: BodyBool("/a", true), `false`: BodyBool("/a", false), `null`: BodyNull("/a"), `"\u00fc"`: BodyString("/a", "ü"),
	} {
		if got, err := BodyField("/a", text); err != nil || got != want {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{``, `acme`, `{}`, `[1]`, `1.5`, `1e3`, `-0`, `9007199254740992`, `"\ud800"`, `1 2`} {
		if got, err := BodyField("/a", text); err == nil {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

func seeds(f *testing.F) (texts []string, encodings []string) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		f.Fatal(err)
	}
	var v struct {
		Tokens, Refused []struct{ Text string }
		Caveats         []struct{ Encoding string }
		BadCaveats      []struct{ Encoding string } `json:"bad_caveats"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		f.Fatal(err)
	}
	for _, row := range append(v.Tokens, v.Refused...) {
		texts = append(texts, row.Text)
	}
	for _, row := range append(v.Caveats, v.BadCaveats...) {
		encodings = append(encodings, row.Encoding)
	}
	return texts, encodings
}
