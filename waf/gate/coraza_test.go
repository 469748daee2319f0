// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/collection"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"
	"github.com/corazawaf/coraza/v3/types/variables"
)

// headDirectives choose the reader of the body as the recommended settings and
// CRS do, without any rule that finds something.
const headDirectives = `
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyJsonDepthLimit 64
SecArgumentsLimit 40
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "^application/[a-z0-9.-]+[+]json" "id:200006,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_PROCESSOR "!@rx (?:URLENCODED|MULTIPART|XML|JSON)" "id:901340,phase:1,pass,nolog,noauditlog,ctl:forceRequestBodyVariable=On"
`

func newWAF(t testing.TB, directives string) coraza.WAF {
	t.Helper()
	w, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(directives))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ask runs phases 1 and 2 of stock Coraza over a request.
func ask(t testing.TB, w coraza.WAF, r *Request) (types.Transaction, *types.Interruption) {
	t.Helper()
	tx := w.NewTransaction()
	tx.ProcessConnection(r.ClientAddr, r.ClientPort, r.ServerAddr, r.ServerPort)
	tx.ProcessURI(r.URI, r.Method, r.Protocol)
	for _, f := range r.Header {
		tx.AddRequestHeader(f.Name, f.Value)
	}
	if r.Host != "" {
		tx.AddRequestHeader("Host", r.Host)
	}
	tx.SetServerName(r.ServerName)
	if in := tx.ProcessRequestHeaders(); in != nil {
		return tx, in
	}
	if r.Inspect && len(r.Body) > 0 {
		if in, _, err := tx.WriteRequestBody(r.Body); err != nil {
			t.Fatal(err)
		} else if in != nil {
			return tx, in
		}
	}
	in, err := tx.ProcessRequestBody()
	if err != nil {
		t.Fatal(err)
	}
	return tx, in
}

func variablesOf(tx types.Transaction) plugintypes.TransactionVariables {
	return tx.(plugintypes.TransactionState).Variables()
}

// members lists a collection as sorted "key\x00value" lines.
func members(c collection.Collection) []string {
	var lines []string
	for _, m := range c.FindAll() {
		lines = append(lines, fmt.Sprintf("%q=%q", m.Key(), m.Value()))
	}
	slices.Sort(lines)
	return lines
}

func itemLines(items []item) []string {
	var lines []string
	for _, m := range items {
		lines = append(lines, fmt.Sprintf("%q=%q", m.key, m.val))
	}
	slices.Sort(lines)
	return lines
}

// differences compares the facts of a request with Coraza's collections.
func differences(f *facts, v plugintypes.TransactionVariables) []string {
	var out []string
	one := func(name, got string, c collection.Single) {
		if want := c.Get(); got != want {
			out = append(out, fmt.Sprintf("%s: %q, Coraza has %q", name, got, want))
		}
	}
	many := func(name string, got []item, c collection.Collection) {
		if g, want := itemLines(got), members(c); !slices.Equal(g, want) {
			out = append(out, fmt.Sprintf("%s: %q, Coraza has %q", name, g, want))
		}
	}
	one("REQUEST_METHOD", f.method, v.RequestMethod())
	one("REQUEST_PROTOCOL", f.protocol, v.RequestProtocol())
	one("REQUEST_LINE", f.line, v.RequestLine())
	one("REQUEST_URI", f.uri, v.RequestURI())
	one("REQUEST_URI_RAW", f.uriRaw, v.RequestURIRaw())
	one("REQUEST_FILENAME", f.filename, v.RequestFilename())
	one("REQUEST_BASENAME", f.basename, v.RequestBasename())
	one("QUERY_STRING", f.query, v.QueryString())
	one("REMOTE_ADDR", f.remoteAddr, v.RemoteAddr())
	one("REMOTE_PORT", f.remotePort, v.RemotePort())
	one("SERVER_ADDR", f.serverAddr, v.ServerAddr())
	one("SERVER_PORT", f.serverPort, v.ServerPort())
	one("SERVER_NAME", f.serverName, v.ServerName())
	one("REQUEST_BODY", f.body, v.RequestBody())
	one("REQUEST_BODY_LENGTH", fmt.Sprint(f.bodyLength), v.RequestBodyLength())
	one("REQBODY_PROCESSOR", f.processor, v.RequestBodyProcessor())
	many("ARGS_GET", f.argsGet, v.ArgsGet())
	many("ARGS_POST", f.argsPost, v.ArgsPost())
	many("REQUEST_COOKIES", f.cookies, v.RequestCookies())
	many("REQUEST_HEADERS", f.headers, v.RequestHeaders())
	size := 0
	for _, items := range [][]item{f.argsGet, f.argsPost} {
		for _, m := range items {
			size += len(m.key) + len(m.val)
		}
	}
	if want := v.ArgsCombinedSize().FindAll()[0].Value(); fmt.Sprint(size) != want {
		out = append(out, fmt.Sprintf("ARGS_COMBINED_SIZE: %d, Coraza has %s", size, want))
	}
	// What the plan takes for the same in every request is so.
	v.All(func(rv variables.RuleVariable, c collection.Collection) bool {
		m := c.FindAll()
		if want, constant := constants[rv.Name()]; constant && (len(m) != 1 || m[0].Value() != want) {
			out = append(out, fmt.Sprintf("%s is not always %q: %q", rv.Name(), want, members(c)))
		}
		if absent[rv.Name()] && len(m) > 0 {
			out = append(out, fmt.Sprintf("%s is not empty: %q", rv.Name(), members(c)))
		}
		return true
	})
	one("HIGHEST_SEVERITY", "255", v.HighestSeverity())
	return out
}

var testLimits = limits{arguments: 40, depth: 64, body: 13107200, access: true}

// pick chooses one of the words.
func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// noise makes text of pieces that parsers trip over.
func noise(r *rand.Rand, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(pick(r, "a", "B", "user", "Name", "7", ".", "/", "%2f", "%", "%4", "+", "&", "=", ";", "?", "#", " ", "\t", "\x00",
			"\x01", "\x7f", "é", "\xff", "\u212a", "[", "]", "\\", `"`, "'", "<", ">", ":", "@", "//", "..", "%00", "{", "}", "|", "%c3%a9", "^", "`", "$", "!", ","))
	}
	return b.String()
}

func randomJSON(r *rand.Rand, depth int) string {
	switch n := r.IntN(10); {
	case n < 2 && depth > 0:
		var parts []string
		for range r.IntN(5) {
			parts = append(parts, randomJSON(r, depth-1))
		}
		return pick(r, "[", "[ ", "[\n") + strings.Join(parts, pick(r, ",", " , ")) + pick(r, "]", " ]", "]", "")
	case n < 5 && depth > 0:
		var parts []string
		for range r.IntN(5) {
			parts = append(parts, jsonText(r)+pick(r, ":", " : ")+randomJSON(r, depth-1))
		}
		return "{" + strings.Join(parts, pick(r, ",", ", ")) + pick(r, "}", " }", "}", ",}")
	case n < 8:
		return jsonText(r)
	}
	return pick(r, "0", "-1", "1.5", "1e9", "-0.0E+12", "true", "false", "null", "01", "1.", "-", "nan", "1e", "tru", "12345678901234567890")
}

func jsonText(r *rand.Rand) string {
	var b strings.Builder
	b.WriteByte('"')
	for range r.IntN(6) {
		b.WriteString(pick(r, "a", "role", "Role", ".", " ", `\n`, `\"`, `\\`, `\/`, `\u0041`, `\u00e9`, `\ud83d\ude00`, `\ud83d`, `\ude00x`, "é", "\xff", `\b\f\r\t`, `\u0000`,
			pick(r, "a", "\n", `\x`, `\u12`, "\x01"), `\ud83d\u0041`))
	}
	b.WriteByte('"')
	return b.String()
}

func randomRequest(r *rand.Rand) *Request {
	q := &Request{
		Method: pick(r, "GET", "POST", "PUT", "OPTIONS", "x"), Protocol: pick(r, "HTTP/1.1", "HTTP/2.0", "HTTP/1.0"),
		URI: pick(r, "/", "/api/", "/api/v1/users", "", "*", "http://h/", "//x/", "/a:b/") + noise(r, 6) + pick(r, "", "?", "?a=1&b=2", "?"+noise(r, 12)), ClientAddr: "192.0.2.7",
		ClientPort: 4711, ServerAddr: "198.51.100.1", ServerPort: 443, ServerName: "h", Host: pick(r, "h", "", "api.example.org"), Inspect: r.IntN(8) > 0,
	}
	for range r.IntN(5) {
		switch r.IntN(5) {
		case 0:
			q.Header.Add(pick(r, "Cookie", "cookie"), noise(r, 12))
		case 1, 2:
			q.Header.Add("Content-Type", pick(r, "application/json", "Application/JSON; charset=utf-8", " application/x-www-form-urlencoded", "application/X-www-form-urlencoded;a",
				"text/plain", "application/problem+json", "", noise(r, 4), "multipart/form-data; boundary=x", "text/xml"))
		default:
			q.Header.Add(pick(r, "Accept", "User-Agent", "X-"+noise(r, 2), "\u212aookie", ""), noise(r, 6))
		}
	}
	switch r.IntN(4) {
	case 0:
		q.Body = []byte(noise(r, 30))
	case 1:
		q.Body = []byte(pick(r, "", " ") + pick(r, "{", "[", "") + randomJSON(r, 4))
	case 2:
		q.Body = []byte(randomJSON(r, 5))
	}
	return q
}

// head plays the part of the plan: the rules of headDirectives.
func head(f *facts) {
	for _, h := range f.headers {
		if equalFold(h.key, "content-type") {
			v := strings.ToLower(h.val)
			if strings.HasPrefix(v, "application/xml") || strings.HasPrefix(v, "text/xml") || strings.HasPrefix(v, "application/soap+xml") {
				f.processor = "XML"
			}
		}
	}
	for _, h := range f.headers {
		if equalFold(h.key, "content-type") {
			v := strings.ToLower(h.val)
			if strings.HasPrefix(v, "application/json") || strings.HasPrefix(v, "application/problem+json") {
				f.processor = "JSON"
			}
		}
	}
	f.forceBody = f.processor == ""
}

func TestTheFactsAreCorazasCollections(t *testing.T) {
	w := newWAF(t, headDirectives)
	r := rand.New(rand.NewPCG(7, 9))
	f := new(facts)
	read := 0
	for i := range 30000 {
		q := randomRequest(r)
		f.reset()
		if !f.readHead(q, &testLimits) {
			continue
		}
		head(f)
		if !f.readBody(q, &testLimits, nil) {
			continue
		}
		read++
		tx, _ := ask(t, w, q)
		if d := differences(f, variablesOf(tx)); len(d) > 0 {
			t.Fatalf("request %d %+v body %q:\n%s", i, q, q.Body, strings.Join(d, "\n"))
		}
		tx.Close()
	}
	if read < 20000 {
		t.Errorf("only %d of 30000 requests were read", read)
	}
}
