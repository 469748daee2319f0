// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestABadReloadChangesNothingAndSaysWhere(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	change := func(from, to string) string {
		if !strings.Contains(document, from) {
			t.Fatalf("no %q in the document", from)
		}
		return strings.Replace(document, from, to, 1)
	}
	before := g.Status().Fingerprint
	for name, tc := range map[string]struct{ doc, want string }{
		"an unknown field":          {change("    authorize:", "    autorize:"), `durward.yaml:9:5: apis.notes.autorize: `},
		"no YAML":                   {"listen: [", `durward.yaml:`},
		"a wrong type":              {change("[websocket]", "7"), `durward.yaml:7:\d+: apis.notes.upstream.upgrades`},
		"a rule for nothing":        {change(`["*"]`, `[nothing]`), `durward.yaml:9:\d+: apis.notes.authorize`},
		"an uncovered operation":    {change(`["*"]`, `[]`), `durward.yaml:9:\d+: apis.notes.authorize`},
		"a missing contract":        {change("notes.yaml", "none.yaml"), `durward.yaml:6:15: apis.notes.contract: `},
		"a missing variable":        {change("${UPSTREAM}", "${NOWHERE}"), `durward.yaml:7:\d+: apis.notes.upstream.targets\[0\]`},
		"an upstream without trust": {change(`["${UPSTREAM}"]`, `["https://127.0.0.1:1"], tls: {ca: none.pem}`), `durward.yaml:7:\d+: apis.notes.upstream.tls.ca`},
		"an address in use":         {change("listen: [{", `listen: [{address: "`+taken.Addr().String()+`"}, {`), `durward.yaml:1:\d+: listen\[0\].address: cannot listen`},
		"a certificate that is not there": {change(`"${LISTEN}"`, `"127.0.0.1:0", tls: {certificates: [{cert: no.crt, key: no.key}]}`),
			`durward.yaml:1:\d+: listen\[0\].tls.certificates`},
		"another store":          {change("memory:", "sqlite:x.db"), `durward.yaml:2:8: store: cannot change in a reload`},
		"another audit log":      {change("durability: buffered", "durability: group"), `durward.yaml:3:\d+: audit: cannot change in a reload`},
		"several faults at once": {change("operations: {open", "operations: {nope: {public: true}, open") + "nonsense: 1\n", `durward.yaml:11:1: nonsense`},
	} {
		t.Run(name, func(t *testing.T) {
			s.write("durward.yaml", tc.doc)
			err := g.ReloadWeaker(context.Background())
			if err == nil || !regexp.MustCompile(tc.want).MatchString(err.Error()) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
			if g.Status().Fingerprint != before || len(g.Addresses()) != 1 {
				t.Error("something has changed")
			}
			if resp, body := fetch(t, "http://"+address(g)+"/open"); resp.StatusCode != 200 || body != "fine" {
				t.Errorf("then %s %q", resp.Status, body)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(s.dir, "x.db")); err == nil {
		t.Error("a refused reload made a store")
	}
	if all := strings.Join(records(t, s.dir), "\n"); !strings.Contains(all, "reload refused") || strings.Contains(all, `"message":"reloaded"`) {
		t.Error("the refusals are not recorded")
	}
}

func TestAReloadThatCannotBeRecordedIsNotMade(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	before := g.Status().Fingerprint
	s.write("durward.yaml", strings.Replace(document, "[websocket]", "[]", 1))
	g.Audit().Close()
	if err := g.Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "cannot be recorded") {
		t.Errorf("%v", err)
	}
	if g.Status().Fingerprint != before {
		t.Error("it is in force")
	}
}

func TestAReloadIsRecordedOnceAndCountedOnce(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	s.write("durward.yaml", strings.Replace(document, "[websocket]", "[]", 1))
	if err := g.Reload(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.write("durward.yaml", "rubbish: 1\n")
	g.Reload(context.Background())
	page := metrics(g)
	for _, want := range []string{
		`durward_config_reloads_total{result="taken"} 2`, // the start is the first
		`durward_config_reloads_total{result="refused"} 1`,
		"durward_config_last_reload_success 0\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if n := strings.Count(strings.Join(records(t, s.dir), "\n"), `"message":"reloaded"`); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

func TestAHundredReloadsUnderLoadLoseNothing(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	// The two differ in stages, in the upstream's settings and in the
	// listener's, so that generations, pools and fronts are all replaced.
	valid := []string{
		document,
		strings.NewReplacer(`"${LISTEN}"`, `"${LISTEN}", limits: {streams: 7}`, "[websocket]", "[], timeout: 9s",
			"    authorize", "    rate_limit: {total: {rate: 1000000/s, burst: 100000}}\n    authorize").Replace(document),
	}
	bad := []string{"listen: [", strings.Replace(document, "notes.yaml", "none.yaml", 1), strings.Replace(document, `["*"]`, `[nothing]`, 1)}
	reloads := 100
	if testing.Short() {
		reloads = 20
	}
	l := startLoad(t, address(g), 4)
	for i := range reloads {
		if i%5 == 4 {
			s.write("durward.yaml", bad[i/5%len(bad)])
			if err := g.Reload(context.Background()); err == nil {
				t.Fatal("a bad configuration was taken")
			}
			continue
		}
		s.write("durward.yaml", valid[(i+1)%2])
		if err := g.ReloadWeaker(context.Background()); err != nil {
			t.Fatal(err)
		}
		before := l.done.Load()
		eventually(t, "answers between reloads", func() bool { return l.done.Load() >= before+4 || t.Failed() })
	}
	done, again := l.end()
	t.Logf("%d requests answered, %d sent again, %d reloads", done, again, reloads)
	if done < int64(reloads) {
		t.Errorf("only %d requests", done)
	}
	// A client has its answer a moment before the outcome is recorded.
	eventually(t, "nothing in flight", func() bool { return g.Status().InFlight == 0 })
}

func TestTheFileIsWatched(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	before := g.Status().Fingerprint
	// Changed after the start and before the watch began.
	s.write("durward.yaml", strings.Replace(document, "[websocket]", "[]", 1))
	go func() { done <- g.Watch(ctx) }()
	eventually(t, "the early change", func() bool { return g.Status().Fingerprint != before })

	s.write("other.db", "not ours")
	second := g.Status().Fingerprint
	s.write("durward.yaml", "rubbish: 1\n")
	eventually(t, "the refusal", func() bool { return strings.Contains(s.log.String(), "configuration not taken") })
	if g.Status().Fingerprint != second {
		t.Error("rubbish was taken")
	}
	// As an editor does it: a new file in the old one's place.
	s.write("new.yaml", document+"allow_weaker: the socket is needed after all\n")
	if err := os.Rename(filepath.Join(s.dir, "new.yaml"), s.path()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replaced file", func() bool { return g.Status().Fingerprint != second })
	// A further operation is weaker, and nobody said that it is meant.
	s.write("notes.yaml", strings.Replace(contractText, "  /notes:", "  /more:\n    get: {operationId: more, responses: {\"200\": {description: ok}}}\n  /notes:", 1))
	eventually(t, "the weaker contract", func() bool {
		return strings.Contains(s.log.String(), "apis.notes.contract: weaker: a further operation is declared")
	})
	if err := g.ReloadWeaker(ctx); err != nil {
		t.Error(err)
	}
	eventually(t, "the changed contract", func() bool {
		resp, _ := fetch(t, "http://"+address(g)+"/more")
		return resp.StatusCode == 401 // was 404
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := strings.Count(s.log.String(), "configuration not taken"); n != 2 {
		t.Errorf("two bad files were reported %d times", n)
	}
}

func TestNothingIsReloadedWhileTheGatewayEnds(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := g.Shutdown(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if err := g.Reload(ctx); err == nil {
		t.Error("reloaded")
	}
}

func TestAPanicWhileCompilingCostsOnlyTheReload(t *testing.T) {
	s := newSite(t, document, nil)
	g := s.start()
	pools := g.env.Pools
	g.env.Pools = nil // whatever the programmer forgot
	s.write("durward.yaml", strings.Replace(document, "[websocket]", "[]", 1))
	if err := g.Reload(context.Background()); err == nil || !strings.Contains(err.Error(), "internal error") {
		t.Errorf("%v", err)
	}
	g.env.Pools = pools
	if resp, body := fetch(t, "http://"+address(g)+"/open"); resp.StatusCode != 200 || body != "fine" {
		t.Errorf("then %s %q", resp.Status, body)
	}
	if !strings.Contains(s.log.String(), "compiling the configuration") {
		t.Error("it was not logged")
	}
	if err := g.Reload(context.Background()); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
