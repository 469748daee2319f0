// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package httpsig

import (
	"strings"
	"testing"

	"durward"
)

func TestDigestsOfContent(t *testing.T) {
	// The digests of RFC 9530: of {"hello": "world"} with a line feed (section
	// 2, appendix B.1) and of the same without (RFC 9421, appendix B.2).
	const withLF = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
	wrong := strings.Replace(hello256, "X48", "Y48", 1)
	for _, c := range []struct {
		name    string
		lines   []string
		content string
		want    error
	}{
		{"sha-256", []string{hello256}, hello, nil},
		{"sha-512", []string{hello512}, hello, nil},
		{"the example of RFC 9530", []string{withLF}, hello + "\n", nil},
		{"both in one line", []string{hello256 + ", " + hello512}, hello, nil},
		{"both in two lines", []string{hello256, hello512}, hello, nil},
		{"no content", []string{"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}, "", nil},
		{"an unknown one beside a known one", []string{"md5=:AAAA:, " + hello256}, hello, nil},
		{"a parameter behind a digest", []string{hello256 + ";x"}, hello, nil},
		{"only unknown ones", []string{"md5=:AAAA:, sha=:AAAA:"}, hello, errDigestUnknown},
		{"an upper-case name", []string{strings.ToUpper(hello256[:7]) + hello256[7:]}, hello, errDigestForm},
		{"another content", []string{hello256}, hello + " ", errDigestWrong},
		{"another digest", []string{wrong}, hello, errDigestWrong},
		{"one right and one wrong", []string{wrong + ", " + hello512}, hello, errDigestWrong},
		{"a digest of the other's length", []string{strings.Replace(hello512, "512", "256", 1)}, hello, errDigestWrong},
		{"an empty digest", []string{"sha-256=::"}, hello, errDigestWrong},
		{"no digest field", nil, hello, errDigestUnknown},
		{"a digest that is no byte sequence", []string{`sha-256="X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="`}, hello, errDigestForm},
		{"a list of digests", []string{"sha-256=(:AAAA:)"}, hello, errDigestForm},
		{"the same algorithm twice", []string{hello256, wrong}, hello, errDigestForm},
		{"the form before RFC 9530", []string{"SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="}, hello, errDigestForm},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h durward.Header
			for _, l := range c.lines {
				h.Add("Content-Digest", l)
			}
			var w work
			if err := w.checkDigest(h, fieldDigest, []byte(c.content)); err != c.want {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestContentDigestIsWhatIsChecked(t *testing.T) {
	if got := ContentDigest([]byte(hello)); got != hello256 {
		t.Errorf("got %s", got)
	}
}

func TestReprDigestCountsOnlyWhereItIsOfTheContent(t *testing.T) {
	repr := []component{{name: fieldRepr}}
	for _, c := range []struct {
		name   string
		method string
		comps  []component
		lines  durward.Header
		want   string
	}{
		{"content-digest", "PATCH", []component{{name: fieldDigest}}, nil, fieldDigest},
		{"one digest of content-digest", "PATCH", []component{{name: fieldDigest, hasKey: true, key: sha512Name}}, nil, fieldDigest},
		{"one digest that is not known", "PATCH", []component{{name: fieldDigest, hasKey: true, key: "md5"}}, nil, ""},
		{"repr-digest of a PUT", "PUT", repr, nil, fieldRepr},
		{"repr-digest of a POST", "POST", repr, nil, fieldRepr},
		{"both", "POST", []component{repr[0], {name: fieldDigest}}, nil, fieldDigest},
		{"repr-digest of a part", "PUT", repr, lines("Content-Range: bytes 0-1/2"), ""},
		{"repr-digest of a patch", "PATCH", repr, nil, ""},
		{"neither", "POST", []component{{name: "@method"}}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := digestIn(c.comps, &message{method: c.method, header: c.lines}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
