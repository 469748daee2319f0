// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package capability

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestAStepIsHMACSHA256(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")
		m := newMAC()
		copy(m.tag[:], key)
		for range 3 {
			msg := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "message")
			want := hmac.New(sha256.New, m.tag[:])
			want.Write(msg)
			m.step(msg)
			if !bytes.Equal(m.tag[:], want.Sum(nil)) {
				t.Fatal("another tag than crypto/hmac makes")
			}
		}
	})
}

// anyCaveat draws a caveat of every type; several drawn are often alike, so
// that swapping and dropping meets equal neighbours too.
func anyCaveat(t *rapid.T) Caveat {
	name := rapid.SampledFrom([]string{"a", "b", "listMessages"})
	switch Type(rapid.IntRange(1, 11).Draw(t, "type")) {
	case TypeOperation:
		return Operations(rapid.SliceOfN(name, 1, 3).Draw(t, "ids")...)
	case TypeAPI:
		return APIs(rapid.SliceOfN(name, 1, 3).Draw(t, "names")...)
	case TypePath:
		return Paths(rapid.SliceOfN(rapid.SampledFrom([]string{"/", "/a", "/a/b"}), 1, 3).Draw(t, "paths")...)
	case TypeMethod:
		return Methods(rapid.SliceOfN(rapid.SampledFrom([]string{"GET", "PUT"}), 1, 2).Draw(t, "methods")...)
	case TypeQuery:
		return Query(name.Draw(t, "name"), rapid.SliceOfN(rapid.String(), 1, 2).Draw(t, "values")...)
	case TypeBody:
		return BodyInt("/"+name.Draw(t, "pointer"), rapid.Int64Range(-9, 9).Draw(t, "value"))
	case TypeAddress:
		return nets(rapid.SampledFrom([]string{"192.0.2.0/24", "::/0"}).Draw(t, "network"))
	case TypeNotBefore:
		return NotBefore(start.Add(-time.Hour))
	case TypeBoundKey:
		return BoundKey(zeros)
	}
	return after(time.Duration(rapid.IntRange(1, 9).Draw(t, "hours")) * time.Hour)
}

// parts are a token's pieces, for an attacker to put together anew.
type parts struct {
	header  []byte
	caveats [][]byte
	tag     []byte
}

func partsOf(t *rapid.T, tok Token) parts {
	v, err := split([]byte(tok.raw))
	if err != nil {
		t.Fatal(err)
	}
	p := parts{header: v.header, tag: v.tag}
	for rest := v.caveats; len(rest) > 0; {
		var whole []byte
		_, whole, _, rest, _ = nextCaveat(rest)
		p.caveats = append(p.caveats, whole)
	}
	return p
}

func (p parts) raw() []byte {
	return slices.Concat(p.header, slices.Concat(p.caveats...), p.tag)
}

// attacks change what a holder has, without the minter's key. Each gives
// false when there is nothing to change.
var attacks = map[string]func(t *rapid.T, p, other parts) (parts, bool){
	"drop one": func(t *rapid.T, p, _ parts) (parts, bool) {
		if len(p.caveats) == 0 {
			return p, false
		}
		i := rapid.IntRange(0, len(p.caveats)-1).Draw(t, "at")
		p.caveats = slices.Delete(slices.Clone(p.caveats), i, i+1)
		return p, true
	},
	"drop all from one on": func(t *rapid.T, p, _ parts) (parts, bool) {
		if len(p.caveats) == 0 {
			return p, false
		}
		p.caveats = p.caveats[:rapid.IntRange(0, len(p.caveats)-1).Draw(t, "at")]
		return p, true
	},
	"swap two": func(t *rapid.T, p, _ parts) (parts, bool) {
		if len(p.caveats) < 2 {
			return p, false
		}
		p.caveats = slices.Clone(p.caveats)
		i := rapid.IntRange(0, len(p.caveats)-2).Draw(t, "at")
		j := rapid.IntRange(i+1, len(p.caveats)-1).Draw(t, "with")
		p.caveats[i], p.caveats[j] = p.caveats[j], p.caveats[i]
		return p, true
	},
	"double one": func(t *rapid.T, p, _ parts) (parts, bool) {
		if len(p.caveats) == 0 {
			return p, false
		}
		i := rapid.IntRange(0, len(p.caveats)-1).Draw(t, "at")
		p.caveats = slices.Insert(slices.Clone(p.caveats), i, p.caveats[i])
		return p, true
	},
	"put another in": func(t *rapid.T, p, _ parts) (parts, bool) {
		i := rapid.IntRange(0, len(p.caveats)).Draw(t, "at")
		p.caveats = slices.Insert(slices.Clone(p.caveats), i, anyCaveat(t).Encoding())
		return p, true
	},
	"replace one": func(t *rapid.T, p, _ parts) (parts, bool) {
		if len(p.caveats) == 0 {
			return p, false
		}
		p.caveats = slices.Clone(p.caveats)
		p.caveats[rapid.IntRange(0, len(p.caveats)-1).Draw(t, "at")] = anyCaveat(t).Encoding()
		return p, true
	},
	"change a byte": func(t *rapid.T, p, _ parts) (parts, bool) {
		raw := p.raw()
		raw[rapid.IntRange(0, len(raw)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		return parts{header: raw}, true
	},
	"cut the end": func(t *rapid.T, p, _ parts) (parts, bool) {
		raw := p.raw()
		return parts{header: raw[:rapid.IntRange(0, len(raw)-1).Draw(t, "at")]}, true
	},
	"cut out bytes": func(t *rapid.T, p, _ parts) (parts, bool) {
		raw := p.raw()
		i := rapid.IntRange(0, len(raw)-1).Draw(t, "from")
		return parts{header: slices.Delete(raw, i, rapid.IntRange(i+1, len(raw)).Draw(t, "to"))}, true
	},
	"take another token's root":    func(_ *rapid.T, p, o parts) (parts, bool) { p.header = o.header; return p, true },
	"take another token's tag":     func(_ *rapid.T, p, o parts) (parts, bool) { p.tag = o.tag; return p, true },
	"take another token's caveats": func(_ *rapid.T, p, o parts) (parts, bool) { p.caveats = o.caveats; return p, true },
	"splice two chains": func(t *rapid.T, p, o parts) (parts, bool) {
		i := rapid.IntRange(0, len(p.caveats)).Draw(t, "from")
		j := rapid.IntRange(0, len(o.caveats)).Draw(t, "to")
		p.caveats = slices.Concat(p.caveats[:i], o.caveats[j:])
		p.tag = o.tag
		return p, true
	},
	"narrow a token under a wrong tag": func(t *rapid.T, p, _ parts) (parts, bool) {
		// The last caveat is taken off, and the next one hangs on its tag.
		if len(p.caveats) == 0 {
			return p, false
		}
		m := newMAC()
		copy(m.tag[:], p.tag)
		c := anyCaveat(t).Encoding()
		m.step(c)
		p.caveats = append(slices.Clone(p.caveats[:len(p.caveats)-1]), c)
		p.tag = bytes.Clone(m.tag[:])
		return p, true
	},
}

// TestWhatAHolderChangesIsRefused is the promise of a chain: whatever is done
// with the pieces of tokens but adding caveats at the end makes none that the
// gateway takes.
func TestWhatAHolderChangesIsRefused(t *testing.T) {
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			changed := 0
			rapid.Check(t, func(rt *rapid.T) {
				caveats := rapid.Custom(anyCaveat)
				tok := minted(t, rapid.SliceOfN(caveats, 0, 5).Draw(rt, "caveats")...)
				other := minted(t, rapid.SliceOfN(caveats, 0, 5).Draw(rt, "other's")...)
				for _, good := range []Token{tok, other} {
					if err := good.Verify([]byte(testSecret)); err != nil {
						rt.Fatal(err)
					}
				}
				p, ok := attack(rt, partsOf(rt, tok), partsOf(rt, other))
				raw := p.raw()
				// Swapping two that are alike changes nothing.
				if !ok || string(raw) == tok.raw || string(raw) == other.raw {
					return
				}
				changed++
				if got, err := read(raw); err == nil && got.Verify([]byte(testSecret)) == nil {
					rt.Fatalf("taken: %v", got.Caveats)
				}
				m := newMethod(t)
				x := newExchange(prefix + base64url.EncodeToString(raw))
				if _, err := m.Authenticate(t.Context(), x); err == nil {
					rt.Fatal("the gateway takes it")
				}
			})
			if changed < 20 {
				t.Errorf("only %d tokens were changed", changed)
			}
		})
	}
}

func TestAddingCaveatsOnlyNarrows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		caveats := rapid.Custom(anyCaveat)
		tok := minted(t, rapid.SliceOfN(caveats, 0, 4).Draw(rt, "caveats")...)
		child, err := tok.Attenuate(rapid.SliceOfN(caveats, 0, 4).Draw(rt, "more")...)
		if err == errFields {
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		if err := child.Verify([]byte(testSecret)); err != nil {
			rt.Fatalf("not taken: %v", err)
		}
		again, err := Parse(child.Text())
		if err != nil || again.Text() != child.Text() || !slices.Equal(again.Caveats, child.Caveats) || again.ID != tok.ID {
			rt.Fatalf("parsed as %v (%v)", again, err)
		}
		m := newMethod(t)
		x := newExchange(child.Text())
		x.Operation.ID = rapid.SampledFrom([]string{"a", "b", "listMessages"}).Draw(rt, "operation")
		x.In.Path = rapid.SampledFrom([]string{"/a", "/a/b", "/ab", "/c"}).Draw(rt, "path")
		_, narrow := m.Authenticate(t.Context(), x)
		x.In.Header.Set("Authorization", "Capability "+tok.Text())
		_, wide := m.Authenticate(t.Context(), x)
		if narrow == nil && wide != nil {
			rt.Fatalf("the child passes where the token does not: %v", wide)
		}
	})
}

func TestAttenuationLeavesTheTokenAsItWas(t *testing.T) {
	tok := minted(t, Methods("GET"))
	text := tok.Text()
	a, _ := tok.Attenuate(Operations("a"))
	b, _ := tok.Attenuate(Operations("b"))
	if tok.Text() != text || len(tok.Caveats) != 1 || a.Caveats[1] == b.Caveats[1] {
		t.Error("narrowing a token changed it, or its sibling")
	}
	if _, err := (Token{}).Attenuate(Methods("GET")); err == nil {
		t.Error("the zero token was narrowed")
	}
	if (Token{}).Verify([]byte(testSecret)) == nil {
		t.Error("the zero token verifies")
	}
}
