// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"durward"
	"durward/audit"
	"durward/audit/line"
	"durward/internal/units"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	start      = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	operations = []*durward.Operation{
		{API: "moot", ID: "getSpace", Method: "GET"}, {API: "moot", ID: "postMessage", Method: "POST"}, {API: "shop", ID: "buy", Method: "POST"},
	}
)

// writer makes a log of requests of some people.
type writer struct {
	t   testing.TB
	log *audit.Log
	rng *rand.Rand
	n   int64
}

func newWriter(t testing.TB, cfg audit.Config) *writer {
	t.Helper()
	cfg.Durability = audit.DurabilityBuffered
	w := &writer{t: t, rng: rand.New(rand.NewPCG(1, 2))}
	var err error
	// A clock that runs as the processor's does: the log tells of one that jumps,
	// at any moment.
	began := time.Now()
	if w.log, err = audit.Open(cfg, audit.Options{Now: func() time.Time { return start.Add(time.Since(began)) }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.log.Close() })
	return w
}

// requests stores the attempts and outcomes of n requests.
func (w *writer) requests(n int) {
	for range n {
		w.request(w.rng.IntN(50), w.rng.IntN(40))
	}
	if err := w.log.System("looked", ""); err != nil { // everything before is stored now
		w.t.Fatal(err)
	}
}

func (w *writer) request(person, thing int) {
	w.n++
	n := w.n
	x := &durward.Exchange{ID: fmt.Sprintf("R%07d", n), Started: start.Add(time.Duration(n) * time.Second), Operation: operations[thing%3]}
	x.In.Method, x.In.Path = "GET", fmt.Sprintf("/spaces/s%d/messages", thing)
	x.Client.Address = netip.AddrFrom4([4]byte{203, 0, byte(person % 4), byte(person)})
	if person%10 == 9 {
		x.Client.Address = netip.MustParseAddr(fmt.Sprintf("2001:db8:%d::%d", person%10000, person%10000))
	}
	x.Principal = durward.Principal{Subject: fmt.Sprintf("user-%d", person), Consumer: fmt.Sprintf("team-%d", person%5), Credential: fmt.Sprintf("key-%d", person), Method: "api_key"}
	d := w.log.Stage("").Request(context.Background(), x)
	x.Trail = append(x.Trail, durward.Step{Stage: audit.StageName, Verdict: d.Verdict, Code: d.Code, Err: d.Err})
	end := audit.End{Status: 200, Took: time.Millisecond}
	switch w.rng.IntN(10) {
	case 0:
		end = audit.End{Status: 403, Code: durward.CodeForbidden, Stage: "authz", Reason: "no role"}
	case 1:
		end = audit.End{Status: 503, Code: durward.CodeStoreUnavailable, Stage: "authn", Reason: "gone"}
	case 2:
		x.Trail = append(x.Trail, durward.Step{Stage: "waf", Verdict: durward.Deny, Mode: durward.Report, Code: durward.CodeForbidden, Err: errors.New("sqli")})
	case 3:
		x.Guard.Leaks = []durward.Leak{{Detector: "aws_key", Action: "mask", Count: 1}}
	}
	w.log.Outcome(x, end)
}

func openIndex(t testing.TB, dir string, opts Options) *Index {
	t.Helper()
	x, err := Open(context.Background(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func catchUp(t testing.TB, x *Index) {
	t.Helper()
	if err := x.CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// search gives the numbers of what is found.
func search(t testing.TB, x *Index, q Query, limit int) []uint64 {
	t.Helper()
	var all []uint64
	if err := x.Search(context.Background(), &q, func(text []byte, r *line.Record) bool {
		if !strings.HasPrefix(string(text), fmt.Sprintf(`{"seq":%d,`, r.Seq)) {
			t.Fatalf("record %d has the line %s", r.Seq, text)
		}
		all = append(all, r.Seq)
		return len(all) < limit
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// scan is what search has to give, by reading the whole log.
func scan(t testing.TB, dir string, q Query, limit int) []uint64 {
	t.Helper()
	var all []uint64
	read := audit.NewReader(dir, 1)
	defer read.Close()
	for {
		text, _, err := read.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var removed *audit.RemovedError
		if errors.As(err, &removed) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r, ok := line.Parse(text)
		if !ok {
			t.Fatalf("%s", text)
		}
		if q.Fits(&r, nil) {
			all = append([]uint64{r.Seq}, all...)
		}
	}
	return all[:min(limit, len(all))]
}

func equal(t *testing.T, q Query, got, want []uint64) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v\nfound %v\nwant  %v", q, got, want)
	}
}

// questions are one of each kind, and some together.
func questions() []Query {
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	return []Query{
		{}, {Subject: "user-7"}, {Consumer: "team-3"}, {Credential: "key-12"}, {API: "shop"}, {Operation: "postMessage"},
		{Object: "s17"}, {Object: "/spaces/s17/messages"}, {Object: "messages"}, {Outcome: "refused"}, {Outcome: "failed"}, {Outcome: "allowed"},
		{Code: "forbidden"}, {Detection: "waf"}, {Detection: "authz/forbidden"}, {Detection: "aws_key"}, {Kind: "system"}, {Kind: "attempt"},
		{RequestID: "R0000321"}, {Since: at(900)}, {Until: at(30)}, {Since: at(100), Until: at(110)},
		{Address: netip.MustParsePrefix("203.0.2.0/24")}, {Address: netip.MustParsePrefix("203.0.3.7/32")}, {Address: netip.MustParsePrefix("2001:db8:9::/48")},
		{Address: netip.MustParsePrefix("2001:db8:9::9/128")}, {Address: netip.MustParsePrefix("0.0.0.0/0")}, {Address: netip.MustParsePrefix("::/0")},
		{Subject: "user-7", Outcome: "refused"}, {Consumer: "team-1", Operation: "buy", Kind: "outcome", Since: at(200), Until: at(800)},
		{Actor: &Actor{Subject: "user-7", Credential: "key-9"}, Since: at(300), Until: at(600)},
		{Actor: &Actor{Address: netip.MustParseAddr("203.0.1.5"), Consumer: "none"}},
		{Subject: "nobody"}, {Outcome: "perhaps"}, {Kind: "none"}, {Before: 500, Subject: "user-3"},
	}
}

func TestWhatIsFoundIsWhatReadingTheWholeLogFinds(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, audit.Config{Directory: dir, MaxFile: units.Bytes(100 << 10)})
	x := openIndex(t, dir, Options{})
	catchUp(t, x)
	for range 3 { // in parts, with blocks that are filled later
		w.requests(400)
		catchUp(t, x)
	}
	memory := openIndex(t, dir, Options{Memory: true})
	catchUp(t, memory)
	if files, _ := audit.Files(dir); len(files) < 4 {
		t.Fatalf("%d files", len(files))
	}
	found := 0
	for _, q := range questions() {
		for _, limit := range []int{7, 1 << 30} {
			want := scan(t, dir, q, limit)
			equal(t, q, search(t, x, q, limit), want)
			equal(t, q, search(t, memory, q, limit), want)
			found += len(want)
		}
	}
	if found < 10000 {
		t.Errorf("the questions find %d records only", found)
	}
	w.log.Close()
	x.Close()
	again := openIndex(t, dir, Options{})
	catchUp(t, again) // the last record, which says that the log was closed
	for _, q := range questions() {
		equal(t, q, search(t, again, q, 1<<30), scan(t, dir, q, 1<<30))
	}
	if s := again.Stats(); s.Records != 1 {
		t.Errorf("%d records were read again", s.Records-1)
	}
}

func TestPagesHaveEachRecordOnceWhileTheLogGrows(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, audit.Config{Directory: dir})
	w.requests(300)
	x := openIndex(t, dir, Options{})
	catchUp(t, x)
	q := Query{Outcome: "refused"}
	want := search(t, x, q, 1<<30)
	var got []uint64
	for {
		page := search(t, x, q, 5)
		got = append(got, page...)
		if len(page) < 5 {
			break
		}
		q.Before = page[4]
		w.requests(20)
		catchUp(t, x)
	}
	equal(t, q, got, want)
}

func TestWhatTheLogLetGoIsLetGo(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, audit.Config{Directory: dir, MaxFile: units.Bytes(20 << 10), KeepFiles: 3})
	x := openIndex(t, dir, Options{})
	size := int64(0)
	for i := range 20 {
		w.requests(200)
		catchUp(t, x)
		if info, err := os.Stat(Default(dir)); err != nil {
			t.Fatal(err)
		} else if i == 4 {
			size = info.Size()
		} else if size > 0 && info.Size() > size+size/2 {
			t.Fatalf("it grew from %d to %d bytes, and the log did not", size, info.Size())
		}
	}
	equal(t, Query{}, search(t, x, Query{}, 1<<30), scan(t, dir, Query{}, 1<<30))
	var first uint64
	if err := x.db.db.QueryRow("SELECT min(file) FROM blocks").Scan(&first); err != nil {
		t.Fatal(err)
	}
	if files, _ := audit.Files(dir); first != files[0] {
		t.Errorf("the oldest block is of file %d, the oldest file is %d", first, files[0])
	}
}

func TestAReaderReadsFromTheLogWhatTheDatabaseLacks(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, audit.Config{Directory: dir, MaxFile: units.Bytes(50 << 10)})
	w.requests(100)
	x := openIndex(t, dir, Options{})
	catchUp(t, x)
	w.requests(300)
	reader := openIndex(t, dir, Options{ReadOnly: true})
	catchUp(t, reader)
	for _, q := range questions() {
		equal(t, q, search(t, reader, q, 1<<30), scan(t, dir, q, 1<<30))
	}
	if got := openIndex(t, dir, Options{ReadOnly: true}).Stats().Last; got != x.Stats().Last {
		t.Errorf("the reader wrote: %d, was %d", got, x.Stats().Last)
	}
	none := openIndex(t, dir, Options{ReadOnly: true, Path: filepath.Join(t.TempDir(), "none.db")})
	catchUp(t, none)
	equal(t, Query{}, search(t, none, Query{}, 9), scan(t, dir, Query{}, 9))
	if _, err := os.Stat(none.opts.Path); !os.IsNotExist(err) {
		t.Error("the reader made a database")
	}
}

func TestTwoWritersDoNotSpoilEachOther(t *testing.T) {
	dir := t.TempDir()
	w := newWriter(t, audit.Config{Directory: dir})
	a, b := openIndex(t, dir, Options{}), openIndex(t, dir, Options{})
	for range 5 {
		w.requests(50)
		for _, x := range []*Index{a, b} {
			catchUp(t, x)
		}
	}
	want := scan(t, dir, Query{}, 1<<30)
	equal(t, Query{}, search(t, a, Query{}, 1<<30), want)
	equal(t, Query{}, search(t, b, Query{}, 1<<30), want)
	if err := b.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.requests(5)
	catchUp(t, a)
	want = scan(t, dir, Query{}, 1<<30)
	equal(t, Query{}, search(t, a, Query{}, 1<<30), want)
	var n int
	if err := a.db.db.QueryRow("SELECT sum(n) FROM blocks").Scan(&n); err != nil || n != len(want) {
		t.Errorf("%d records in blocks, %d in the log (%v)", n, len(want), err)
	}
}
