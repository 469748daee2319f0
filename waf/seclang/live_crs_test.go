// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
)

// request is what the tests send to Coraza.
type request struct {
	method, uri, contentType, body string
	headers                        [][2]string
}

// run puts a request through phases 1 and 2 and returns the ids that matched.
func run(t testing.TB, waf coraza.WAF, r request) (matched []int) {
	t.Helper()
	tx := waf.NewTransaction()
	defer tx.Close()
	tx.ProcessConnection("192.0.2.7", 4711, "198.51.100.1", 443)
	tx.ProcessURI(r.uri, r.method, "HTTP/1.1")
	for _, h := range r.headers {
		tx.AddRequestHeader(h[0], h[1])
	}
	if r.contentType != "" {
		tx.AddRequestHeader("Content-Type", r.contentType)
		tx.AddRequestHeader("Content-Length", fmt.Sprint(len(r.body)))
	}
	tx.ProcessRequestHeaders()
	if tx.IsRequestBodyAccessible() && r.body != "" {
		if _, _, err := tx.WriteRequestBody([]byte(r.body)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.ProcessRequestBody(); err != nil {
		t.Fatal(err)
	}
	for _, m := range tx.MatchedRules() {
		matched = append(matched, m.Rule().ID())
	}
	return matched
}

var browser = [][2]string{
	{"Host", "api.example.com"}, {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{"Accept", "application/json, text/plain, */*"}, {"Accept-Language", "en-GB,en;q=0.7"}, {"Accept-Encoding", "gzip, deflate, br"},
}

var clean = []request{
	{method: "GET", uri: "/orders?page=2&sort=name&state=open", headers: browser},
	{method: "POST", uri: "/orders", contentType: "application/json", body: `{"name":"Anna","count":3}`, headers: browser},
	{method: "POST", uri: "/orders", contentType: "application/x-www-form-urlencoded", body: "name=Anna&count=3", headers: browser},
}

// pieces are what hostile and odd requests of the tests are made of.
var pieces = []string{
	"' or 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", "; cat /etc/passwd", "${jndi:ldap://x}", "anna", "42", "%00", "a.bak",
	"http://127.0.0.1/", "union select", "__proto__", "PHPSESSID", "phpinfo()", "x=y&z", "{{7*7}}", "büro", "$(id)", "<?php", "1' and sleep(3)#", "\xff",
}

func randomRequest(r *rand.Rand) request {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	q := request{
		method:      pick("GET", "GET", "POST", "POST", "PUT", "HEAD", "TRACE"),
		uri:         pick("/orders", "/a/b.php", "/.git/config", "/x.sql", "/") + pick("", "?q=", "?q=1&id=", "?PHPSESSID=") + strings.ReplaceAll(pieces[r.IntN(len(pieces))], " ", "%20"),
		headers:     slices.Clone(browser),
		contentType: pick("", "application/json", "application/x-www-form-urlencoded", "text/xml", "text/plain", "application/json; charset=utf-7"),
	}
	if r.IntN(3) == 0 {
		q.headers = append(q.headers, [2]string{pick("Referer", "Cookie", "X-Test", "Range", "Content-Encoding"), pieces[r.IntN(len(pieces))]})
	}
	if r.IntN(6) == 0 {
		q.headers = slices.Delete(q.headers, 0, 1+r.IntN(2))
	}
	switch piece := pieces[r.IntN(len(pieces))]; q.contentType {
	case "application/json":
		q.body = fmt.Sprintf(`{"name":%q}`, piece)
	case "":
	default:
		q.body = "name=" + piece
	}
	return q
}

// heldAgainst holds what Coraza matched against the plan: if no rule matched
// that the plan watches, then only silent ones did, and such as always match.
func heldAgainst(t *testing.T, live *Live, settled map[int]bool, matched []int, what any) {
	t.Helper()
	kept := map[int]LiveRule{}
	for _, r := range live.Rules {
		kept[r.ID] = r
	}
	var unexplained []int
	for _, id := range matched {
		r, ok := kept[id]
		if ok && !r.Silent {
			return // flagged: nothing more is promised
		}
		if !ok && !settled[id] {
			unexplained = append(unexplained, id)
		}
	}
	if unexplained != nil {
		t.Errorf("Coraza matches %v, which the plan does not watch, on %+v", unexplained, what)
	}
}

func mustWAF(t testing.TB, directives string) coraza.WAF {
	t.Helper()
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(directives))
	if err != nil {
		t.Fatal(err)
	}
	return waf
}

func crsAt(level int, more string) string {
	return fmt.Sprintf("Include @coraza.conf-recommended\nSecRuleEngine On\nInclude @crs-setup.conf.example\n"+
		"SecAction \"id:900000,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=%d\"\nInclude @owasp_crs/*.conf\n%s", level, more)
}

func TestWhatThePlanLeavesOutNeverMatchesUnseen(t *testing.T) {
	for _, level := range []int{1, 2, 4} {
		directives := crsAt(level, "")
		set, err := Parse(coreruleset.FS, directives)
		if err != nil {
			t.Fatal(err)
		}
		live, waf := set.Live(nil), mustWAF(t, directives)
		settled := settledIDs(set)
		for _, q := range clean {
			heldAgainst(t, live, settled, run(t, waf, q), q)
		}
		r := rand.New(rand.NewPCG(3, uint64(level)))
		for range 120 {
			q := randomRequest(r)
			heldAgainst(t, live, settled, run(t, waf, q), q)
		}
	}
}

// settledIDs are the rules that match whatever the request and are carried out
// by the folding.
func settledIDs(set *Set) map[int]bool {
	ids := map[int]bool{}
	for r := range set.fold(nil).settled {
		ids[r.ID] = true
	}
	return ids
}

func TestThePlanGrowsWithTheParanoiaLevel(t *testing.T) {
	var counts []int
	for level := 1; level <= 4; level++ {
		set, err := Parse(coreruleset.FS, crsAt(level, ""))
		if err != nil {
			t.Fatal(err)
		}
		live := set.Live(nil)
		counts = append(counts, len(live.Rules))
		for _, r := range live.Rules {
			if r.Always {
				t.Errorf("level %d: rule %d would match every request", level, r.ID)
			}
			for n := level + 1; n <= 4; n++ {
				if r.Source.HasTag(fmt.Sprintf("paranoia-level/%d", n)) {
					t.Errorf("level %d: rule %d is of level %d", level, r.ID, n)
				}
			}
			if slices.Contains([]int{949110, 949111, 901001, 901450, 911011}, r.ID) {
				t.Errorf("level %d: rule %d depends on no request, and is kept", level, r.ID)
			}
		}
		if v, state := live.TX.Get("Blocking_Inbound_Anomaly_Score"); v != "0" || state != TXKnown {
			t.Errorf("level %d: the score of a clean request is %q", level, v)
		}
		if v, state := live.TX.Get("detection_paranoia_level"); v != fmt.Sprint(level) || state != TXKnown {
			t.Errorf("level %d: the level of detection is %q", level, v)
		}
	}
	t.Logf("live rules by level: %v", counts)
	if counts[0] < 150 || !slices.IsSorted(counts) || counts[3] < counts[0]+50 {
		t.Errorf("live rules by level: %v", counts)
	}
}

func TestSettingsAreThoseThatCorazaHasAfterACleanRequest(t *testing.T) {
	live := parseCRS(t).Live(nil)
	var more strings.Builder
	want := map[int]string{}
	for key, value := range live.TX.Constants() {
		id := 5000000 + len(want)
		want[id] = key
		fmt.Fprintf(&more, "SecRule TX:%s \"@streq %s\" \"id:%d,phase:2,pass,nolog\"\n", key, value, id)
	}
	waf := mustWAF(t, strings.Replace(wholeCRS, "\n", "\nSecRuleEngine On\n", 1)+more.String())
	for _, q := range clean {
		matched := run(t, waf, q)
		for id, key := range want {
			if !slices.Contains(matched, id) {
				t.Errorf("tx.%s is not what the plan says on %s %s", key, q.method, q.uri)
			}
		}
	}
	if len(want) < 40 {
		t.Errorf("only %d settings are known", len(want))
	}
}

func TestSilentRulesOfTheRuleSetAreFew(t *testing.T) {
	var silent []int
	for _, r := range parseCRS(t).Live(nil).Rules {
		if r.Silent {
			silent = append(silent, r.ID)
		}
	}
	if want := []int{200000, 200001, 200006, 901340, 941010, 920539}; !slices.Equal(silent, want) {
		t.Errorf("silent are %v, and ought to be %v", silent, want)
	}
}
