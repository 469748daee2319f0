// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"durward"
	"durward/internal/allocs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	testKey   = strings.Repeat("0123456789abcdef", 4)
	otherKey  = strings.Repeat("fedcba9876543210", 4)
	operation = &durward.Operation{API: "moot", ID: "postMessage", Method: "POST", Prefix: "/moot", Template: "/spaces/{space}/messages/{id}"}
	moment    = time.Date(2026, 11, 22, 3, 4, 5, 678901234, time.UTC)
)

func testConfig(t testing.TB) Config {
	return Config{MasterKey: testKey, Keys: filepath.Join(t.TempDir(), "audit.keys")}
}

func openSealer(t testing.TB, cfg Config, opts Options) *Sealer {
	t.Helper()
	s, err := Open(context.Background(), cfg, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openKeysOf(t testing.TB, cfg Config) *Opener {
	t.Helper()
	o, err := OpenKeys(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func newEvent(subject string) durward.Event {
	return durward.Event{
		Kind: durward.EventAttempt, Time: moment, RequestID: "r1",
		Client: netip.MustParseAddr("203.0.113.9"), Peer: netip.MustParseAddrPort("10.0.0.1:4711"),
		Subject: subject, Consumer: "acme", Method: "jwt", Credential: "jti-of-" + subject, API: "moot", Operation: "postMessage",
		Verb: "POST", Path: "/moot/spaces/s-17/messages/m-4711", Object: []durward.Param{{Name: "space", Value: "s-17"}, {Name: "id", Value: "m-4711"}}, UserAgent: "Mozilla/5.0 \"quoted\"\x1b[31m",
	}
}

var sameEvent = cmp.Options{
	cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}), cmpopts.EquateErrors(),
	cmpopts.IgnoreFields(durward.Event{}, "Who", "From"), cmpopts.IgnoreFields(durward.Step{}, "Err"),
}

func TestWhatIsPersonalIsSealedAndOpenedAgain(t *testing.T) {
	cfg := testConfig(t)
	s := openSealer(t, cfg, Options{})
	for name, ev := range map[string]durward.Event{
		"a subject": newEvent("ann@example.com"),
		"nobody":    func() durward.Event { ev := newEvent(""); ev.Credential = ""; return ev }(),
		"an address of IPv6": func() durward.Event {
			ev := newEvent("")
			ev.Credential = ""
			ev.Client = netip.MustParseAddr("2001:db8::17")
			return ev
		}(),
		"a flood": {Kind: durward.EventFlood, Time: moment, Client: netip.MustParseAddr("203.0.113.9"), Count: 7},
		"a consumer that is the subject": func() durward.Event {
			ev := newEvent("acme")
			return ev
		}(),
		"reasons that name the caller": func() durward.Event {
			ev := newEvent("ann@example.com")
			ev.Reason = "ann@example.com is not a member"
			ev.Steps = []durward.Step{{Stage: "a", Err: errors.New("harmless")}, {Stage: "b", Err: errors.New("203.0.113.9 is too eager")}}
			return ev
		}(),
	} {
		covered := ev
		if err := s.Cover(&covered, operation); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		shown := strings.Join([]string{covered.Subject, covered.Consumer, covered.Path, covered.UserAgent, covered.Reason, covered.Who, covered.From, covered.Credential, covered.Sealed}, " ")
		for i := range covered.Steps {
			shown += covered.Steps[i].Err.Error()
		}
		for _, p := range covered.Object {
			shown += p.Value
		}
		for _, secret := range []string{"ann", "203.0.113", "4711", "s-17", "Mozilla", "2001:"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s: the record says %q: %s", name, secret, shown)
			}
		}
		if covered.Subject != "" || covered.Consumer == "acme" && ev.Subject == "acme" || covered.Client.IsValid() || covered.Peer.IsValid() || covered.From == "" || (covered.Who != "") != (ev.Subject != "") {
			t.Errorf("%s: %+v", name, covered)
		}
		o := openKeysOf(t, cfg)
		opened := covered
		opened.Steps = append([]durward.Step(nil), covered.Steps...)
		if err := o.Open(t.Context(), &opened); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(ev, opened, sameEvent); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for i := range ev.Steps {
			if opened.Steps[i].Err.Error() != ev.Steps[i].Err.Error() {
				t.Errorf("%s: step %d says %v", name, i, opened.Steps[i].Err)
			}
		}
	}
}

func TestSystemRecordsHaveNothingToSeal(t *testing.T) {
	s := openSealer(t, testConfig(t), Options{})
	ev := durward.Event{Kind: durward.EventSystem, Time: moment, Message: "started"}
	if err := s.Cover(&ev, nil); err != nil || ev.Sealed != "" || ev.Message != "started" {
		t.Errorf("%v %+v", err, ev)
	}
}

func TestOnlyTheChosenFieldsAreSealed(t *testing.T) {
	for _, tc := range []struct {
		fields, objects []string
		want            string
	}{
		{[]string{FieldSubject}, nil, "client peer user_agent /moot/spaces/s-17/messages/m-4711"},
		{[]string{FieldAddress}, nil, "subject user_agent /moot/spaces/s-17/messages/m-4711"},
		{[]string{FieldUserAgent, FieldPath}, nil, "subject client peer"},
		{[]string{FieldSubject, FieldAddress, FieldUserAgent}, []string{"id"}, "/moot/spaces/s-17/messages/{id}"},
		{[]string{FieldSubject, FieldAddress, FieldUserAgent}, []string{"*"}, "/moot/spaces/{space}/messages/{id}"},
		{[]string{FieldSubject, FieldAddress, FieldUserAgent}, []string{"other"}, "/moot/spaces/s-17/messages/m-4711"},
	} {
		cfg := testConfig(t)
		cfg.Fields, cfg.ObjectIDs = tc.fields, tc.objects
		s := openSealer(t, cfg, Options{})
		ev := newEvent("ann")
		if err := s.Cover(&ev, operation); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range []struct {
			name string
			has  bool
		}{{"subject", ev.Subject != ""}, {"client", ev.Client.IsValid()}, {"peer", ev.Peer.IsValid()}, {"user_agent", ev.UserAgent != ""}, {ev.Path, ev.Path != ""}} {
			if f.has {
				got = append(got, f.name)
			}
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%v %v leaves %q", tc.fields, tc.objects, s)
		}
		s.Flush()
		if err := openKeysOf(t, cfg).Open(t.Context(), &ev); err != nil || ev.Subject != "ann" || ev.Path != "/moot/spaces/s-17/messages/m-4711" || len(ev.Object) != 2 || ev.Object[0].Value != "s-17" || ev.Object[1].Value != "m-4711" {
			t.Errorf("opened %v %+v", err, ev)
		}
	}
}

func TestPathsThatAreNotOfTheTemplateStay(t *testing.T) {
	for path, want := range map[string]string{
		"/moot/spaces/7/messages/8": "/moot/spaces/{space}/messages/{id}", "/moot/spaces/7": "/moot/spaces/7",
		"/other/spaces/7/messages/8": "/other/spaces/7/messages/8", "/moot/spaces/7/messages/8/9": "/moot/spaces/7/messages/8/9",
	} {
		if got := maskPath(path, operation, []string{"*"}); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	if maskPath("/a", nil, []string{"*"}) != "/a" {
		t.Error("without an operation")
	}
	two := &durward.Operation{Template: "/f/{name}.{ext}/x"}
	if got := maskPath("/f/a.b/x", two, []string{"ext"}); got != "/f/{name}.{ext}/x" {
		t.Error(got)
	}
}

func TestARecordCannotBeReadOrMovedWithoutItsKey(t *testing.T) {
	cfg := testConfig(t)
	s := openSealer(t, cfg, Options{})
	ev, other := newEvent("ann"), newEvent("bob")
	s.Cover(&ev, operation)
	s.Cover(&other, operation)
	s.Flush()
	o := openKeysOf(t, cfg)
	for name, change := range map[string]func(ev *durward.Event){
		"another time":     func(ev *durward.Event) { ev.Time = ev.Time.Add(time.Second) },
		"another kind":     func(ev *durward.Event) { ev.Kind = durward.EventOutcome },
		"another subject":  func(ev *durward.Event) { ev.Who = other.Who },
		"another address":  func(ev *durward.Event) { ev.From = other.Who },
		"another's text":   func(ev *durward.Event) { ev.Sealed = other.Sealed },
		"a changed letter": func(ev *durward.Event) { ev.Sealed = ev.Sealed[:60] + "A" + ev.Sealed[61:] + "A" },
		"too short":        func(ev *durward.Event) { ev.Sealed = "AAAA" },
		"no base64":        func(ev *durward.Event) { ev.Sealed = "!" + ev.Sealed },
		"a tag no base64":  func(ev *durward.Event) { ev.Who = "!" },
	} {
		changed := ev
		change(&changed)
		if err := o.Open(t.Context(), &changed); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	withheld := durward.Event{Sealed: Withheld}
	if err := o.Open(t.Context(), &withheld); !errors.Is(err, ErrWithheld) {
		t.Error(err)
	}
	cfg.MasterKey = otherKey
	if _, err := OpenKeys(t.Context(), cfg); !errors.Is(err, ErrMaster) {
		t.Errorf("with another master key: %v", err)
	}
}

func TestTheSameSealedTwiceDiffersAndNoNonceComesAgain(t *testing.T) {
	cfg := testConfig(t)
	seen := map[string]bool{}
	for range 3 { // lives of the process
		s := openSealer(t, cfg, Options{})
		for range 100 {
			ev := newEvent("ann")
			s.Cover(&ev, operation)
			raw, err := encoding.DecodeString(ev.Sealed)
			if err != nil || seen[string(raw[:headSize])] {
				t.Fatal("a salt and counter came again", err)
			}
			seen[string(raw[:headSize])] = true
		}
		s.Close()
	}
}

func TestWithoutItsKeysARecordIsStoredWithoutPersonalFields(t *testing.T) {
	s := openSealer(t, testConfig(t), Options{})
	s.keys.db.Close()
	ev := newEvent("ann")
	if err := s.Cover(&ev, operation); err == nil {
		t.Error("it was sealed")
	}
	if ev.Sealed != Withheld || ev.Subject != "" || ev.Client.IsValid() || ev.Peer.IsValid() || ev.UserAgent != "" || ev.Path != "" || s.Stats().Withheld != 1 {
		t.Errorf("%+v", ev)
	}
}

func TestFilesThatAreNotKeysAreRefused(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) error {
		s, err := Open(t.Context(), Config{MasterKey: testKey, Keys: filepath.Join(dir, name)}, Options{})
		if err == nil {
			s.Close()
		}
		return err
	}
	os.WriteFile(dir+"/open", nil, 0o644)
	os.WriteFile(dir+"/text", []byte(strings.Repeat("no database ", 100)), 0o600)
	os.Mkdir(dir+"/folder", 0o700)
	for name, want := range map[string]string{"open": "mode 0644", "text": "not a database", "folder": "not a regular file"} {
		if err := open(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenKeys(t.Context(), Config{MasterKey: testKey, Keys: dir + "/none"}); err == nil {
		t.Error("a file that is not there")
	}
}

func TestMasterKeysAreReadInBothForms(t *testing.T) {
	raw, _ := hex.DecodeString(testKey)
	for _, text := range []string{testKey, strings.ToUpper(testKey), "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=\n", "ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8"} {
		if b, err := ParseKey(text); err != nil || !bytes.Equal(b, raw) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"", "s3cr3t", testKey[1:], testKey + "00"} {
		if _, err := ParseKey(text); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestTheCacheKeepsWhatWasUsedLast(t *testing.T) {
	c := newCache[string](cacheShards * 2)
	for i := range 1000 {
		c.put(strconv.Itoa(i), &entry{dataKey: &dataKey{tag: strconv.Itoa(i)}})
		c.get("0")
	}
	n := 0
	for i := range c.shards {
		n += len(c.shards[i].nodes)
	}
	if n > cacheShards*2 || c.get("0") == nil || c.get("500") != nil {
		t.Errorf("%d entries", n)
	}
	c.drop("0")
	if c.get("0") != nil {
		t.Error("not dropped")
	}
}

func TestMoreSubjectsThanTheCacheHoldsKeepTheirTags(t *testing.T) {
	cfg := testConfig(t)
	s := openSealer(t, cfg, Options{})
	s.subjects = newCache[string](cacheShards)
	tags := map[string]string{}
	for round := range 3 {
		for i := range 100 {
			ev := newEvent("s" + strconv.Itoa(i))
			if err := s.Cover(&ev, operation); err != nil {
				t.Fatal(err)
			}
			if was := tags[strconv.Itoa(i)]; was != "" && was != ev.Who {
				t.Fatalf("round %d: another tag", round)
			}
			tags[strconv.Itoa(i)] = ev.Who
		}
		if round > 0 { // first from those that wait, then from the file
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestSealingAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := openSealer(t, testConfig(t), Options{})
	ev := newEvent("ann")
	n := allocs.PerRun(200, func() {
		one := ev
		s.Cover(&one, operation)
	})
	if n > 2 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkCover(b *testing.B) {
	s := openSealer(b, testConfig(b), Options{})
	events := make([]durward.Event, 64)
	for i := range events {
		events[i] = newEvent("subject-" + strconv.Itoa(i))
		events[i].UserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ev := events[i%len(events)]
		s.Cover(&ev, operation)
	}
}
