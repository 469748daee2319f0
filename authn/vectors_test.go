// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package authn

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// verifyVector is the signature half of the way of a token: form, header, key
// selection, signature.
func verifyVector(t *testing.T, keys json.RawMessage, jws string) error {
	t.Helper()
	set, left, err := parseKeySet(keys, nil)
	if err != nil {
		t.Fatalf("key set: %v", err)
	}
	for _, e := range left {
		t.Logf("left out: %v", e)
	}
	tok, err := parseToken(jws)
	if err != nil {
		return err
	}
	if !slices.Contains(knownAlgorithms, tok.alg) {
		return errAlgorithm
	}
	if set.verify(tok) == nil {
		return errSignature
	}
	return nil
}

func keySetOf(key json.RawMessage) json.RawMessage {
	var s struct{ Keys json.RawMessage }
	if json.Unmarshal(key, &s) == nil && s.Keys != nil {
		return key
	}
	return slices.Concat(json.RawMessage(`{"keys":[`), key, json.RawMessage(`]}`))
}

func TestExamplesOfTheStandardsVerify(t *testing.T) {
	data, err := os.ReadFile("testdata/rfc.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name string
		Key  json.RawMessage
		JWS  string
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 6 {
		t.Fatalf("%d examples, want 6", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			if err := verifyVector(t, keySetOf(v.Key), v.JWS); err != nil {
				t.Errorf("refused: %v", err)
			}
			for i := range len(v.JWS) {
				if i%37 != 0 || v.JWS[i] == '.' {
					continue
				}
				b := []byte(v.JWS)
				b[i] = base62[(slices.Index([]byte(base62), b[i])+8)%62]
				if string(b) != v.JWS && verifyVector(t, keySetOf(v.Key), string(b)) == nil {
					t.Errorf("accepted with byte %d changed", i)
				}
			}
		})
	}
}

type wycheproof struct {
	TestGroups []struct {
		Comment         string
		Public, Private json.RawMessage
		Tests           []struct {
			TcID    int
			Comment string
			JWS     string
			Result  string
		}
	}
}

// stricter are valid vectors that are refused on purpose.
var stricter = map[string]map[int]string{
	"json_web_signature_test.json": {
		346: "the key's alg is PS256 and the token's PS384: a key is for one algorithm (RFC 7517, 4.4)",
		350: "as 346",
		347: "the key's alg is ES521, which does not exist, and the token's ES512",
		351: "as 347",
	},
}

func TestWycheproofVectors(t *testing.T) {
	for file, wantRun := range map[string]int{"json_web_signature_test.json": 401, "json_web_key_test.json": 26} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("../../shared/vectors/wycheproof", file))
			if err != nil {
				t.Skipf("Wycheproof vectors are not beside this repository: %v", err)
			}
			var doc wycheproof
			if err := json.Unmarshal(data, &doc); err != nil {
				t.Fatal(err)
			}
			run, accepted, symmetric := 0, 0, 0
			for _, g := range doc.TestGroups {
				key := g.Public
				if key == nil {
					// Symmetric groups run too: whatever they sign must be refused.
					key = g.Private
				}
				for _, c := range g.Tests {
					run++
					err := verifyVector(t, keySetOf(key), c.JWS)
					want := c.Result == "valid"
					if g.Public == nil {
						want, symmetric = false, symmetric+1
					}
					if why, ok := stricter[file][c.TcID]; ok {
						if !want {
							t.Errorf("%d is no longer a valid vector, but still excused: %s", c.TcID, why)
						}
						want = false
					}
					if want {
						accepted++
					}
					if got := err == nil; got != want {
						t.Errorf("%s %d %s: accepted %v, want %v (%v)", g.Comment, c.TcID, c.Comment, got, want, err)
					}
				}
			}
			t.Logf("%d vectors: %d to accept, %d symmetric and so all refused, %d stricter on purpose",
				run, accepted, symmetric, len(stricter[file]))
			if run != wantRun {
				t.Errorf("ran %d vectors, want %d", run, wantRun)
			}
		})
	}
}
