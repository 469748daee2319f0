// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// vectors is testdata/vectors.json, which a program made that shares no code
// with this package. The JavaScript module passes the same.
type vectors struct {
	Secret  string
	Caveats []struct {
		Name, Encoding string
		Caveat         json.RawMessage
	}
	BadCaveats []struct {
		Name, Encoding, Text string
	} `json:"bad_caveats"`
	BadDescriptions []struct {
		Name   string
		Caveat json.RawMessage
	} `json:"bad_descriptions"`
	Tokens []struct {
		Name, Text, ID, Consumer, Subject, Header string
		KeyID                                     string `json:"key_id"`
		Issued                                    time.Time
		Caveats                                   []json.RawMessage
		Tags                                      []string
	}
	Attenuated, NotAttenuated []struct {
		Name, From, To string
		Caveats        []Caveat
	} `json:"-"`
	Refused []struct{ Name, At, Text string }
}

func readVectors(t *testing.T) (v vectors) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var more struct {
		Attenuated    json.RawMessage `json:"attenuated"`
		NotAttenuated json.RawMessage `json:"not_attenuated"`
	}
	if err := json.Unmarshal(b, &more); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[any]json.RawMessage{&v.Attenuated: more.Attenuated, &v.NotAttenuated: more.NotAttenuated} {
		if err := json.Unmarshal(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for name, n := range map[string]int{
		"caveats": len(v.Caveats), "bad caveats": len(v.BadCaveats), "bad descriptions": len(v.BadDescriptions),
		"tokens": len(v.Tokens), "attenuated": len(v.Attenuated), "not attenuated": len(v.NotAttenuated), "refused": len(v.Refused),
	} {
		if n < 4 {
			t.Fatalf("only %d %s were read", n, name)
		}
	}
	return v
}

// sameJSON compares two documents by what they say.
func sameJSON(t *testing.T, got, want []byte) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, g); d != "" {
		t.Error(d)
	}
}

func TestCaveatsAreEncodedAsTheVectorsSay(t *testing.T) {
	for _, row := range readVectors(t).Caveats {
		t.Run(row.Name, func(t *testing.T) {
			var c Caveat
			if err := json.Unmarshal(row.Caveat, &c); err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(c.Encoding()); got != row.Encoding {
				t.Errorf("got  %s\nwant %s", got, row.Encoding)
			}
			b, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, b, row.Caveat)
		})
	}
}

func TestMalformedCaveatsOfTheVectorsAreRefused(t *testing.T) {
	v := readVectors(t)
	for _, row := range v.BadCaveats {
		t.Run(row.Name, func(t *testing.T) {
			b, err := hex.DecodeString(row.Encoding)
			if err != nil {
				t.Fatal(err)
			}
			kind, _, body, rest, ok := nextCaveat(b)
			if !ok || len(rest) > 0 {
				t.Fatal("the vector is no caveat")
			}
			if checkBody(kind, body) == nil {
				t.Error("well-formed, and should not be")
			}
			if _, err := Parse(row.Text); err != errCaveats {
				t.Errorf("in a token: %v", err)
			}
			m, x := newMethod(t), newExchange(row.Text)
			m.setKey("main", v.Secret)
			if _, err := m.Authenticate(t.Context(), x); err != errMalformed {
				t.Errorf("in a request: %v", err)
			}
		})
	}
	for _, row := range v.BadDescriptions {
		t.Run("description of "+row.Name, func(t *testing.T) {
			var c Caveat
			if err := json.Unmarshal(row.Caveat, &c); err == nil {
				t.Errorf("taken as %s", c)
			}
		})
	}
}

func TestTokensAreWhatTheVectorsSay(t *testing.T) {
	v := readVectors(t)
	for _, row := range v.Tokens {
		t.Run(row.Name, func(t *testing.T) {
			tok, err := Parse(row.Text)
			if err != nil {
				t.Fatal(err)
			}
			if tok.Text() != row.Text {
				t.Error("printed otherwise than parsed")
			}
			if err := tok.Verify([]byte(v.Secret)); err != nil {
				t.Error(err)
			}
			if tok.KeyID != row.KeyID || tok.ID != row.ID || tok.Consumer != row.Consumer || tok.Subject != row.Subject || !tok.Issued.Equal(row.Issued) {
				t.Errorf("got %+v of key %s", tok.Root, tok.KeyID)
			}
			got, err := json.Marshal(tok.Caveats)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := json.Marshal(row.Caveats)
			if len(row.Caveats) == 0 {
				got, want = []byte("0"), []byte("0")
			}
			sameJSON(t, got, want)
			var id [idSize]byte
			hex.Decode(id[:], []byte(row.ID))
			for i := range row.Tags { // minted anew, caveat by caveat
				made, err := mint(Key{ID: row.KeyID, Secret: v.Secret}, tok.Root, id, tok.Caveats[:i])
				if err != nil {
					t.Fatal(err)
				}
				if got := hex.EncodeToString([]byte(made.raw[len(made.raw)-tagSize:])); got != row.Tags[i] {
					t.Errorf("tag %d is %s, want %s", i, got, row.Tags[i])
				}
				if i == len(row.Tags)-1 && made.Text() != row.Text {
					t.Error("minted another token")
				}
			}
		})
	}
}

func TestAttenuationIsAsTheVectorsSay(t *testing.T) {
	v := readVectors(t)
	for _, row := range v.Attenuated {
		t.Run(row.Name, func(t *testing.T) {
			tok, err := Parse(row.From)
			if err != nil {
				t.Fatal(err)
			}
			if tok, err = tok.Attenuate(row.Caveats...); err != nil {
				t.Fatal(err)
			}
			if tok.Text() != row.To {
				t.Error("made another token")
			}
		})
	}
	for _, row := range v.NotAttenuated {
		t.Run("refuses "+row.Name, func(t *testing.T) {
			tok, err := Parse(row.From)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tok.Attenuate(row.Caveats...); err == nil {
				t.Error("made a token")
			}
		})
	}
}

func TestTokensThatTheVectorsRefuseAreRefused(t *testing.T) {
	v := readVectors(t)
	for _, row := range v.Refused {
		t.Run(row.Name, func(t *testing.T) {
			tok, err := Parse(row.Text)
			if (err != nil) != (row.At == "parse") {
				t.Fatalf("parsed: %v", err)
			}
			if row.At == "verify" && tok.Verify([]byte(v.Secret)) == nil {
				t.Error("verified")
			}
			m := newMethod(t, func(c *Config) { c.Header = "X-Capability" })
			m.setKey("main", v.Secret)
			x := newExchange("")
			x.In.Header.Add("X-Capability", row.Text)
			if p, err := m.Authenticate(t.Context(), x); err == nil || p.Known() {
				t.Error("a request with it passed")
			}
		})
	}
}

func TestTheJavaScriptModulePassesTheVectors(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node 18 or newer")
	}
	out, err := exec.CommandContext(t.Context(), node, "--test", "js/capability.test.js").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
