// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"durward/waf/gate"
)

// Benign makes n requests as well-meaning clients of an API send them, the same
// for the same seed: look-ups with a browser's or a program's header, JSON of
// many shapes, forms, and texts as people write them, with apostrophes, names
// such as O'Neil, and now and then a word that SQL has as well.
func Benign(seed uint64, n int) []*gate.Request {
	return generate(&generator{Rand: rand.New(rand.NewPCG(seed, 0xd0)), prose: prose, words: plainWords}, n)
}

// Awkward makes n requests that are as well meant, with texts that look like an
// attack to many rules: what false positives are counted with.
func Awkward(seed uint64, n int) []*gate.Request {
	return generate(&generator{Rand: rand.New(rand.NewPCG(seed, 0xa0)), prose: slices.Concat(awkward, prose), words: slices.Concat(sqlWords, plainWords)}, n)
}

func generate(g *generator, n int) []*gate.Request {
	out := make([]*gate.Request, n)
	for i := range out {
		switch g.IntN(10) {
		case 0, 1, 2, 3:
			out[i] = g.get()
		case 4:
			out[i] = g.form()
		default:
			out[i] = g.json()
		}
	}
	return out
}

type generator struct {
	*rand.Rand
	prose, words []string
}

func (g *generator) pick(words []string) string { return words[g.IntN(len(words))] }

// base is a request without query and content.
func (g *generator) base(method, path string) *gate.Request {
	r := &gate.Request{
		Method: method, URI: path, Protocol: g.pick([]string{"HTTP/1.1", "HTTP/2.0"}),
		Host: g.pick(hosts), ClientAddr: fmt.Sprintf("192.0.2.%d", 1+g.IntN(250)), ClientPort: 20000 + g.IntN(40000),
		ServerAddr: "198.51.100.7", ServerPort: 443,
	}
	r.ServerName = r.Host
	if g.IntN(2) == 0 {
		g.browser(r)
	} else {
		r.Header.Add("User-Agent", g.pick(programs))
		r.Header.Add("Accept", g.pick([]string{"application/json", "*/*", "application/json, text/plain, */*"}))
		r.Header.Add("Accept-Encoding", g.pick([]string{"gzip", "gzip, deflate, br", "identity"}))
	}
	if g.IntN(3) > 0 {
		r.Header.Add("Authorization", "Bearer "+g.token())
	} else {
		r.Header.Add("X-Api-Key", "dk_live_"+g.alnum(32))
	}
	if g.IntN(4) == 0 {
		r.Header.Add("Traceparent", fmt.Sprintf("00-%016x%016x-%016x-01", g.Uint64(), g.Uint64(), g.Uint64()))
	}
	return r
}

func (g *generator) browser(r *gate.Request) {
	r.Header.Add("User-Agent", g.pick(browsers))
	r.Header.Add("Accept", g.pick([]string{"application/json, text/plain, */*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}))
	r.Header.Add("Accept-Language", g.pick([]string{"en-GB,en;q=0.9", "de-DE,de;q=0.9,en;q=0.8", "fr,en;q=0.5", "en-US,en;q=0.9,es;q=0.8"}))
	r.Header.Add("Accept-Encoding", "gzip, deflate, br, zstd")
	r.Header.Add("Referer", "https://"+g.pick(hosts)+"/inbox")
	r.Header.Add("Sec-Ch-Ua", `"Chromium";v="142", "Not=A?Brand";v="24"`)
	r.Header.Add("Sec-Ch-Ua-Mobile", "?0")
	r.Header.Add("Sec-Ch-Ua-Platform", `"Linux"`)
	r.Header.Add("Sec-Fetch-Site", "same-origin")
	r.Header.Add("Sec-Fetch-Mode", "cors")
	r.Header.Add("Sec-Fetch-Dest", "empty")
	if g.IntN(2) == 0 {
		r.Header.Add("Cookie", "session="+g.alnum(24)+"; theme=dark; lang=en")
	}
}

func (g *generator) get() *gate.Request {
	path := g.path()
	q := url.Values{}
	for range g.IntN(5) {
		switch g.IntN(9) {
		case 0:
			q.Set("limit", strconv.Itoa(1+g.IntN(100)))
		case 1:
			q.Set("cursor", g.alnum(20))
		case 2:
			q.Set("q", g.phrase(1+g.IntN(5)))
		case 3:
			q.Set("sort", g.pick([]string{"name", "-created_at", "price", "updated_at"}))
		case 4:
			q.Set("since", g.date())
		case 5:
			q.Set("author", g.name())
		case 6:
			q.Set("id", g.uuid())
		case 7:
			q.Set("email", g.email())
		default:
			q.Set("fields", "id,name,created_at")
		}
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return g.base("GET", path)
}

func (g *generator) path() string {
	kind := g.pick([]string{"messages", "spaces", "users", "orders", "invoices", "notes", "events", "files"})
	switch g.IntN(4) {
	case 0:
		return "/v1/" + kind
	case 1:
		return "/v1/" + kind + "/" + g.uuid()
	case 2:
		return "/v1/" + kind + "/" + strconv.Itoa(g.IntN(100000)) + "/" + g.pick([]string{"comments", "members", "history", "items"})
	}
	return "/api/v2/" + kind + "/" + g.alnum(10)
}

func (g *generator) form() *gate.Request {
	q := url.Values{}
	for range 1 + g.IntN(6) {
		q.Set(g.pick(fields), g.text())
	}
	r := g.base("POST", g.path())
	return content(r, "application/x-www-form-urlencoded", []byte(q.Encode()))
}

func content(r *gate.Request, mediaType string, body []byte) *gate.Request {
	r.Header.Add("Content-Type", mediaType)
	r.Header.Add("Content-Length", strconv.Itoa(len(body)))
	r.Body, r.Inspect = body, true
	return r
}

func (g *generator) json() *gate.Request {
	body, err := json.Marshal(g.object(0))
	if err != nil { // of strings, numbers and maps
		panic(err)
	}
	r := g.base("POST", g.path())
	return content(r, g.pick([]string{"application/json", "application/json; charset=utf-8"}), body)
}

func (g *generator) object(depth int) map[string]any {
	out := map[string]any{}
	for range 1 + g.IntN(8) {
		out[g.pick(fields)] = g.value(depth)
	}
	return out
}

func (g *generator) value(depth int) any {
	switch g.IntN(14) {
	case 0:
		return g.IntN(1_000_000)
	case 1:
		return float64(g.IntN(100000)) / 100
	case 2:
		return g.IntN(2) == 0
	case 3:
		return nil
	case 4, 5:
		if depth < 3 {
			return g.object(depth + 1)
		}
	case 6, 7:
		if depth < 3 {
			list := make([]any, g.IntN(6))
			for i := range list {
				list[i] = g.value(depth + 1)
			}
			return list
		}
	}
	return g.text()
}

// text is one value as a member of a JSON object has it.
func (g *generator) text() string {
	switch g.IntN(12) {
	case 0:
		return g.uuid()
	case 1:
		return g.date()
	case 2:
		return g.email()
	case 3:
		return g.name()
	case 4:
		return "https://" + g.pick(hosts) + g.path()
	case 5:
		return g.alnum(8 + g.IntN(40))
	case 6:
		return g.pick([]string{"active", "pending", "EUR", "en", "image/png", "urgent", "v1.2.3", "+44 20 7946 0958", "#ff8800"})
	case 7:
		return g.markdown()
	case 8:
		return g.phrase(1 + g.IntN(4))
	}
	return g.sentences(1 + g.IntN(4))
}

func (g *generator) sentences(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(g.pick(g.prose))
	}
	return b.String()
}

func (g *generator) markdown() string {
	return "# " + g.phrase(3) + "\n\n" + g.sentences(2) + "\n\n* " + g.phrase(2) + "\n* **" + g.phrase(2) + "**\n* _" + g.phrase(1) + "_\n\n> " + g.sentences(1) + "\n"
}

func (g *generator) phrase(words int) string {
	out := make([]string, words)
	for i := range out {
		out[i] = g.pick(g.words)
	}
	return strings.Join(out, " ")
}

func (g *generator) name() string { return g.pick(firstNames) + " " + g.pick(lastNames) }

func (g *generator) email() string {
	return strings.ToLower(g.pick(firstNames)) + "." + strconv.Itoa(g.IntN(99)) + "@example." + g.pick([]string{"com", "org", "net"})
}

func (g *generator) date() string {
	day := fmt.Sprintf("%d-%02d-%02d", 2019+g.IntN(8), 1+g.IntN(12), 1+g.IntN(28))
	if g.IntN(2) == 0 {
		return day
	}
	return day + fmt.Sprintf("T%02d:%02d:%02dZ", g.IntN(24), g.IntN(60), g.IntN(60))
}

func (g *generator) uuid() string {
	a, b := g.Uint64(), g.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", uint32(a), uint16(a>>32), a>>52, b&0xfff, b>>16)
}

func (g *generator) alnum(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	out := make([]byte, n)
	for i := range out {
		out[i] = letters[g.IntN(len(letters))]
	}
	return string(out)
}

// token has the form of a signed one.
func (g *generator) token() string {
	return "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9." + g.alnum(120) + "." + g.alnum(86)
}
