// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"durward/waf/gate"
	"durward/waf/seclang"
	"durward/waf/waftest"
)

// walker changes requests one step at a time.
type walker struct {
	*rand.Rand
	texts  []string // of payloads, and of what matches a rule
	benign []*gate.Request
}

// odd are pieces that readers of requests disagree about.
var odd = []string{
	"%00", "%u0027", "%2527", "%c0%af", "%c0%ae", "\xc0\xaf", "\xff", "\xef\xbb\xbf", "\u212a", "\u017f", "\u200b", "\uff1c", "+", ";", "&", "=", "%", "%2", "%zz", "%26", "%3d",
	"$Version=1", ",", "\"", "'", "\\", "\\u0000", "\\u0027", "\\ud83d", "\\/", "\x00", "\x01", "\x7f", "\t", " ", "\r", "\n", "#", "?", "//", "/./", "/../", "..", ".", ":", "@", "[", "]", "{", "}",
	"_charset_=utf-7", "charset=utf-7", "; charset=ibm500", "<", ">", "&lt;", "&#x27;", "/*", "*/", "--", "-->", "<!--", "(", ")", "^", "|", "`", "$", "${", "%{", "}", "!", "~", "1", "0", "a", "A", "_",
	"\u00a0", "%a0", "\x85", "\x0b", "json.", "__proto__", "null", "true", "[]", "{}", "\\x27", "=", "==", "Z", "é",
}

var kinds = []string{
	"application/json", "Application/JSON; charset=utf-8", " application/json", "application/json;charset=utf-16", "application/vnd.api+json", "application/jsonp", "text/json",
	"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencodedx", "APPLICATION/X-WWW-FORM-URLENCODED", "text/plain",
	"multipart/form-data", "text/xml", "application/octet-stream", "application/json, text/plain", "\tapplication/json", "application/json\x00", "application/x-www-form-urlencoded,application/json", "",
}

var fieldNames = []string{
	"Cookie", "cookie", "COOKIE", "Content-Type", "content-type", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Host", "User-Agent", "Referer", "Accept", "Accept-Encoding", "Range",
	"Request-Range", "X-Forwarded-For", "X-Filename", "X_Filename", "X.Filename", "X-File-Name", "Origin", "Authorization", "Expect", "Connection", "Cache-Control", "Upgrade", "Accept-Charset", "Proxy", "If", "X-Up-Devcap-Post-Charset",
	"X-HTTP-Method-Override", "Sec-Ch-Ua", "Forwarded", "Via", "Te", "Trailer", "Content-Disposition", "X-Note", "Lock-Token", "Pragma",
}

func (w *walker) pick(list []string) string { return list[w.IntN(len(list))] }

// text changes one text.
func (w *walker) text(s string) string {
	i := w.IntN(len(s) + 1)
	j := min(len(s), i+1+w.IntN(3))
	switch w.IntN(9) {
	case 0:
		return s[:i] + s[j:]
	case 1:
		return s[:i] + w.pick(odd) + s[i:]
	case 2:
		return s[:i] + w.pick(odd) + s[j:]
	case 3:
		if i < len(s) {
			b := []byte(s)
			b[i] ^= 1 << w.IntN(8)
			return string(b)
		}
	case 4:
		if i < len(s) {
			return s[:i] + "%" + strings.ToUpper(strconv.FormatUint(uint64(s[i])|0x100, 16)[1:]) + s[i+1:]
		}
	case 5:
		k := w.IntN(len(s) + 1)
		return s[:min(i, k)] + s[max(i, k):]
	case 6:
		return s[:i] + w.pick(w.texts) + s[i:]
	case 7:
		b := []byte(s)
		for k := range b {
			if (b[k]|0x20) >= 'a' && (b[k]|0x20) <= 'z' && w.IntN(3) == 0 {
				b[k] ^= 0x20
			}
		}
		return string(b)
	}
	return s[:i] + string(rune(w.IntN(0x250))) + s[i:]
}

// step gives a request that differs from q in one thing.
func (w *walker) step(q *gate.Request) *gate.Request {
	n := *q
	n.Header = slices.Clone(q.Header)
	switch w.IntN(14) {
	case 0, 1, 2:
		n.URI = w.text(n.URI)
	case 3, 4, 5:
		n.Body = []byte(w.text(string(n.Body)))
		n.Inspect = true
	case 6, 7:
		if len(n.Header) > 0 {
			f := &n.Header[w.IntN(len(n.Header))]
			f.Value = w.text(f.Value)
		}
	case 8:
		n.Header.Add(w.pick(fieldNames), w.text(w.pick(w.texts)))
	case 9:
		if len(n.Header) > 0 {
			i := w.IntN(len(n.Header))
			switch w.IntN(4) {
			case 0:
				n.Header = slices.Delete(n.Header, i, i+1)
			case 1:
				n.Header = append(n.Header, n.Header[i])
			case 2:
				n.Header[i].Name = w.pick([]string{strings.ToLower(n.Header[i].Name), strings.ToUpper(n.Header[i].Name), ""})
			case 3:
				n.Header[i].Name = w.pick(fieldNames)
			}
		}
	case 10:
		if w.IntN(2) == 0 {
			n.Header.Set("Content-Type", w.pick(kinds))
		} else {
			n.Header.Add("Content-Type", w.pick(kinds))
		}
	case 11:
		n.Method = w.pick([]string{"GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "get", "TRACE"})
		n.Protocol = w.pick([]string{"HTTP/1.1", "HTTP/2.0", "HTTP/1.0", "HTTP/3.0", "HTTP/0.9"})
	case 12:
		w.carry(&n, w.pick(w.texts))
	case 13:
		o := w.benign[w.IntN(len(w.benign))]
		switch w.IntN(3) {
		case 0:
			n.Header = append(slices.Clone(o.Header), n.Header[min(len(n.Header), w.IntN(4)):]...)
		case 1:
			n.Body, n.Inspect = o.Body, o.Inspect
			n.Header.Set("Content-Type", o.Header.Get("Content-Type"))
		case 2:
			n.URI = o.URI
		}
	}
	return &n
}

func (w *walker) pickOf(a, b string) string {
	if w.IntN(2) == 0 {
		return a
	}
	return b
}

// carry puts a text somewhere, escaped as the place wants it, or not at all.
func (w *walker) carry(n *gate.Request, text string) {
	if w.IntN(3) == 0 {
		text = w.text(text)
	}
	join := w.pick([]string{"?", "&", ";", "&&", "?a=1&"})
	switch w.IntN(11) {
	case 0:
		n.URI += join + "q=" + w.pickOf(url.QueryEscape(text), text)
	case 1:
		n.URI += join + w.pickOf(url.QueryEscape(text), text) + w.pick([]string{"=1", "", "="})
	case 2:
		n.URI = "/" + w.pickOf(url.PathEscape(text), text) + w.pick([]string{"", "?", "#", "/", ";a=b"})
	case 3:
		n.Header.Add("Cookie", w.pick([]string{"a=", "", "$Version=1; a=", "a=1;b=\"", "a=1,b=", " a = ", "a=1;;b="})+text+w.pick([]string{"", ";", "=1", "\"", "; c=d"}))
	case 4:
		n.Header.Add(w.pick(fieldNames), text)
	case 5:
		n.Body = append(slices.Clone(n.Body), w.pick([]string{"&q=", "q=", "&", ";"})+w.pickOf(url.QueryEscape(text), text)...)
		n.Header.Set("Content-Type", w.pick(kinds[7:10]))
		n.Inspect = true
	default:
		b, _ := json.Marshal(text)
		n.Body = []byte(strings.Replace(w.pick([]string{
			`{"q":@}`, `{@:1}`, `{"a":1,"a":@}`, `{"a":@,"a":1}`, `[@]`, `[[[@]]]`, `@`, "\xef\xbb\xbf{\"q\":@}", `{"q":@} x`, `{"q":@}{"r":1}`, `{"a":{"b":[1,{"c":@}]}}`, ` {"q":@,}`,
			`{"A":1,"a":@}`, `{"":@}`, `{"a.b":@}`, `{"q":1e999,"r":@}`, `{"q":@,"r":[],"s":{}}`, `[]@`, `{"\u0071":@}`, `{"q\u0000":@}`, `{"q":[@,@,@]}`, `{"q":nul,"r":@}`, `{"q":@`, `'@'`,
		}), "@", string(b), -1))
		n.Header.Set("Content-Type", w.pick(kinds[:6]))
		n.Inspect = true
	}
}

// attacks are texts that match the rules of the set, and payloads.
func attacks(t testing.TB, r *rand.Rand, set *seclang.Set) (texts []string) {
	t.Helper()
	for _, class := range waftest.Classes() {
		texts = append(texts, waftest.Payloads[class]...)
	}
	for _, live := range set.Live(nil).Rules {
		for range 3 {
			if text, ok := textFor(t, r, live.Links[0].Operator); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// A walk along the border: from a request that is not proven clean, one step at
// a time; whatever a step makes clean to the gate must be so to Coraza. The steps
// that change how a request is read (media types, escapes, doubled fields,
// moving the attack elsewhere) are the ones that could open a hole.
func TestNoNeighbourOfAnAttackIsMissed(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("DURWARD_WAF_SEED"), 10, 64)
	seconds, _ := strconv.Atoi(os.Getenv("DURWARD_WAF_SECONDS"))
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	for _, paranoia := range []int{1, 2} {
		if only := os.Getenv("DURWARD_WAF_LEVEL"); only != "" && only != strconv.Itoa(paranoia) {
			continue
		}
		s := level(t, paranoia)
		w := walker{Rand: rand.New(rand.NewPCG(seed, uint64(paranoia))), benign: waftest.Benign(seed+4, 200)}
		w.texts = attacks(t, w.Rand, s.set)
		starts := append(corpora(t)[0].requests, waftest.Hostile(seed+8, 400)...)
		for range 400 {
			q := *w.benign[w.IntN(len(w.benign))]
			q.Header = slices.Clone(q.Header)
			w.carry(&q, w.pick(w.texts))
			starts = append(starts, &q)
		}
		steps, asked, found := 0, 0, 0
		for asked < 250*sample || time.Now().Before(end) {
			at := starts[w.IntN(len(starts))]
			for range 30 {
				next := w.step(at)
				steps++
				clean, _ := s.gate.Clean(next)
				if !clean {
					// Long walks end far from what is clean.
					if w.IntN(4) == 0 && len(next.Body)+len(next.URI) < 4000 {
						at = next
					}
					continue
				}
				asked++
				if !says(s.oracle, next) {
					if w.IntN(3) == 0 {
						break
					}
					continue
				}
				// Of the orders in which Coraza can walk through a map some find more.
				n := 0
				for range 8 {
					if says(s.oracle, next) {
						n++
					}
				}
				found++
				t.Errorf("PL%d: proven clean, but Coraza says %+v (again in %d of 8): %s %q %s host %q %q body %q", paranoia, s.oracle.Inspect(next), n, next.Method, next.URI, next.Protocol, next.Host, next.Header, next.Body)
				if found > 20 {
					t.FailNow()
				}
				break
			}
		}
		t.Logf("PL%d: %d steps, %d of them proven clean and asked of Coraza, %d missed", paranoia, steps, asked, found)
	}
}

func says(o *waftest.Oracle, q *gate.Request) bool {
	v := o.Inspect(q)
	return v.Interrupted || len(v.Rules) > 0
}
