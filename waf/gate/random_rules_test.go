// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"durward/waf/seclang"
)

// sample makes the random tests longer, for a search by hand.
var sample = func() int {
	n, _ := strconv.Atoi(os.Getenv("DURWARD_WAF_ALL"))
	if n == 1 {
		n = 10
	}
	return max(n, 1)
}()

// rulesHead sets what the random rules need: settings, a few TX variables, and
// the readers of bodies.
const rulesHead = headDirectives + `
SecAction "id:10,phase:1,pass,nolog,setvar:tx.limit=2,setvar:tx.word=alpha,setvar:tx.list=|a| |b| |user| |alpha|,setvar:tx.never=0"
`

// randomRules writes rules of every shape that the gate follows, and some that
// it does not.
func randomRules(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString(rulesHead)
	if r.IntN(3) == 0 {
		return b.String() + writerAndReader(r)
	}
	for id := 100; id < 100+3+r.IntN(8); id++ {
		actions := fmt.Sprintf("id:%d,phase:%d,%s", id, 1+r.IntN(2), pick(r, "deny,log", "pass,log", "pass,log", "pass,nolog", "pass,nolog,skip:1"))
		b.WriteString(randomLink(r, actions, r.IntN(3), true) + "\n")
	}
	return b.String()
}

// writerAndReader writes a chain that sets a variable before it ends, or does
// not, and a rule that looks for what was set.
func writerAndReader(r *rand.Rand) string {
	return fmt.Sprintf(`SecRule %s "%s" "id:90,phase:2,pass,%s,capture,setvar:'tx.%s',chain"
SecRule %s "%s" "t:none%s"
SecRule %s "%s" "id:91,phase:2,deny,log"
`, pick(r, "ARGS", "ARGS_NAMES", "REQUEST_COOKIES", "REQUEST_METHOD"), pick(r, "@rx ^(.*)$", "@rx ([a-z]+)", "@rx (.)(.)?"), pick(r, "log", "log", "nolog"),
		pick(r, "name_%{tx.1}=x", "name_%{MATCHED_VAR}=%{tx.1}", "name_a=%{MATCHED_VAR}", "name_%{MATCHED_VAR_NAME}=%{tx.0}"),
		pick(r, "FILES", "XML:/*", "REQUEST_METHOD", "ARGS", "TX:limit", "TX:none", "&ARGS", "TX:1"), pick(r, "@rx .", "@streq POST", "@eq 2", "!@rx a"), pick(r, "", ",capture", ",setvar:tx.name_b=a"),
		pick(r, "TX:/^name_/", "TX:/name_/", "TX:name_a", "TX:/^name_a$/"), pick(r, "@streq x", "@rx a", "@contains b", "!@streq x"))
}

// randomLink writes a rule with so many links behind it.
func randomLink(r *rand.Rand, actions string, more int, first bool) string {
	targets := pick(r, "ARGS", "ARGS_NAMES", "ARGS|ARGS_NAMES", "ARGS_GET", "ARGS_POST", "REQUEST_COOKIES|!REQUEST_COOKIES:a", "REQUEST_HEADERS:User-Agent", "&ARGS",
		"REQUEST_URI", "REQUEST_HEADERS|!REQUEST_HEADERS:Accept", "REQUEST_HEADERS_NAMES", "&REQUEST_HEADERS:Accept", "ARGS:a", "ARGS:/^A/", "ARGS|!ARGS:user", "ARGS_NAMES:a", "REQUEST_BODY",
		"REQUEST_METHOD", "REQUEST_BASENAME", "QUERY_STRING", "XML:/*", "FILES", "REQUEST_COOKIES_NAMES", "ARGS_COMBINED_SIZE", "REQBODY_PROCESSOR", "TX:limit", "&TX:none", "TX:seen", "TX:/^name_/")
	if !first {
		targets = pick(r, targets, targets, "TX:0", "TX:1", "MATCHED_VAR", "MATCHED_VARS", "MATCHED_VAR_NAME", "MATCHED_VARS_NAMES", "TX:seen", "TX:/^name_/", "TX:/ame_./", "TX:1|TX:0")
	}
	op := pick(r, "@rx ^(.)(.*)$", "@rx a", "@rx (\\w+)=(\\w+)", "@rx [0-9]", "@pm alpha user", "@streq alpha", "@streq %{tx.1}", "@within %{tx.list}", "@contains %{tx.word}", "@gt %{tx.limit}",
		"@eq 0", "@eq 1", "@lt 3", "@beginsWith a", "@endsWith %{request_headers.host}", "@rx ^$", "@rx \\.([a-z]+)$", "@validateByteRange 32-126", "@rx b(c)?", "@streq %{ARGS.a}",
		"@within %{tx.seen}", "@detectSQLi", "@detectXSS", "@unconditionalMatch", "@rx ^.*$", "@le %{tx.0}")
	if r.IntN(4) == 0 {
		op = "!" + op
	}
	actions += "," + pick(r, "t:none", "t:none,t:lowercase", "t:none,t:urlDecodeUni", "t:none,t:length", "t:none,t:removeWhitespace,t:lowercase", "t:none,t:urlDecodeUni,t:lowercase,multiMatch", "t:none,t:base64Decode,multiMatch")
	if r.IntN(2) == 0 {
		actions += ",capture"
	}
	if r.IntN(3) == 0 {
		actions += ",setvar:'tx." + pick(r, "seen=x%{tx.1}", "seen=%{MATCHED_VAR}", "name_%{tx.0}=/%{tx.1}/", "name_%{MATCHED_VAR_NAME}=/%{MATCHED_VAR}/", "other_%{tx.0}=-%{tx.0}", "word=|%{tx.0}|", "limit=+1") + "'"
	}
	if r.IntN(12) == 0 {
		actions += "," + pick(r, "ctl:ruleRemoveById=102", "ctl:requestBodyProcessor=JSON", "ctl:forceRequestBodyVariable=On", "ctl:ruleRemoveTargetById=103;ARGS:a")
	}
	if more > 0 {
		actions += ",chain"
	}
	rule := fmt.Sprintf("SecRule %s \"%s\" \"%s\"", targets, op, strings.TrimPrefix(actions, ","))
	if more > 0 {
		rule += "\n" + randomLink(r, "", more-1, false)
	}
	return rule
}

func smallRequest(r *rand.Rand) *Request {
	word := func() string {
		return pick(r, "a", "A", "b", "alpha", "Alpha", "user", "User", "7", "12", "a=b", "bc", "x.txt", "", "h", "%41", "YWxwaGE=", "é", "1' or '1'='1", "<b onclick=x>", "a b", "name_a", "/x/", "ALPHA|")
	}
	escape := strings.NewReplacer(" ", "+", "&", "%26", "<", "%3C", ">", "%3E", "'", "%27", "é", "%C3%A9").Replace
	pairs := func(most int) string {
		var p []string
		for range r.IntN(most + 1) {
			p = append(p, escape(word())+"="+escape(word()))
		}
		return strings.Join(p, "&")
	}
	q := &Request{Method: pick(r, "GET", "POST"), URI: "/" + escape(word()) + pick(r, "", "/x.txt"), Protocol: "HTTP/1.1", Host: pick(r, "h", "alpha", ""), ClientAddr: "192.0.2.1", Inspect: true}
	if s := pairs(3); s != "" {
		q.URI += "?" + s
	}
	for range r.IntN(4) {
		q.Header.Add(pick(r, "User-Agent", "Accept", "Name_a", "Cookie", "Other_name_x"), pick(r, word(), word()+"="+word()))
	}
	switch r.IntN(4) {
	case 0:
		q.Header.Add("Content-Type", "application/json")
		q.Body = []byte(fmt.Sprintf(`{"a":%q,"User":[%q,1],%q:true}`, word(), word(), word()))
	case 1:
		q.Header.Add("Content-Type", "application/x-www-form-urlencoded")
		q.Body = []byte(pairs(4))
	case 2:
		q.Body = []byte(pairs(2))
	}
	return q
}

// checkSound fails when the gate calls a request clean on which Coraza's rules
// say something, and tells whether it called it clean.
func checkSound(t testing.TB, g *Gate, rules string, ask func(*Request) (hit bool, ids []int), q *Request) bool {
	t.Helper()
	ok, why := g.Clean(q)
	if hit, ids := ask(q); ok && hit {
		t.Fatalf("proven clean, but Coraza's rules %v match\n%+v body %q\n%s", ids, q, q.Body, rules)
	}
	_ = why
	return ok
}

func TestNoRandomRuleMatchesWhatIsProvenClean(t *testing.T) {
	clean, asked := 0, 0
	for seed := range uint64(400 * sample) {
		r := rand.New(rand.NewPCG(seed, 3))
		rules := randomRules(r)
		set, err := seclang.Parse(fstest.MapFS{}, rules)
		if err != nil {
			t.Fatalf("%v\n%s", err, rules)
		}
		g, err := Compile(set, Profile{})
		if err != nil {
			t.Fatalf("%v\n%s", err, rules)
		}
		w := newWAF(t, rules)
		oracle := func(q *Request) (bool, []int) {
			tx, in := ask(t, w, q)
			defer tx.Close()
			var ids []int
			for _, m := range tx.MatchedRules() {
				if l, ok := m.(interface{ Log() bool }); ok && l.Log() {
					ids = append(ids, m.Rule().ID())
				}
			}
			return in != nil || len(ids) > 0, ids
		}
		for range 25 {
			if asked++; checkSound(t, g, rules, oracle, smallRequest(r)) {
				clean++
			}
		}
	}
	t.Logf("%d of %d proven clean", clean, asked)
	if clean < asked/20 {
		t.Errorf("only %d of %d requests were proven clean: the test says little", clean, asked)
	}
}
