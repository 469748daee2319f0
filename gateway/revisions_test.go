// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/config"
	"durward/store"
)

// fleet is a store and the site whose file is applied to it.
type fleet struct {
	*site
	url   string
	store *store.Store
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	s := newSite(t, storeDocument(""), nil)
	f := &fleet{site: s, url: "sqlite:" + filepath.Join(s.dir, "durward.db")}
	f.store = f.open()
	return f
}

// storeDocument is the document of most tests, below a prefix.
func storeDocument(prefix string) string {
	doc := strings.Replace(document, "store: \"memory:\"\n", "", 1)
	return strings.Replace(doc, "    contract:", "    prefix: \""+prefix+"\"\n    contract:", 1)
}

// open gives a store of another process.
func (f *fleet) open() *store.Store {
	f.t.Helper()
	s, err := store.Open(context.Background(), f.url, store.Options{Poll: 10 * time.Millisecond})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { s.Close() })
	return s
}

// apply makes a document the next revision, as another process would; weaker
// ones wait for approve.
func (f *fleet) apply(doc string, weaker bool) store.Revision {
	f.t.Helper()
	files := map[string][]byte{"durward.yaml": []byte(doc), "notes.yaml": []byte(contractText)}
	p := store.Proposal{Bundle: store.Bundle{Document: "durward.yaml", Files: files}, Author: "ana", Weaker: weaker}
	ctx := context.Background()
	for at, find := range map[*int64]func(context.Context) (store.Revision, error){&p.Base: f.store.NewestRevision, &p.Compared: f.store.Followed} {
		r, err := find(ctx)
		if err != nil && !errors.Is(err, durward.ErrNotFound) {
			f.t.Fatal(err)
		}
		*at = r.Number
	}
	r, err := f.store.Propose(ctx, p)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// node starts a gateway that follows, with a folder and store of its own.
func (f *fleet) node(change func(*FollowOptions)) (*Follower, error) {
	f.t.Helper()
	st := f.open()
	o := FollowOptions{
		Options: Options{Environment: f.lookup, Log: slog.New(slog.NewTextHandler(f.log, nil)), Store: st, Path: "never-read.yaml"},
		URL:     f.url, Dir: f.t.TempDir(), Node: "node", Poll: 5 * time.Millisecond, Retry: time.Hour,
	}
	if change != nil {
		change(&o)
	}
	fl, err := Follow(context.Background(), o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		fl.Run(ctx)
	}()
	f.t.Cleanup(func() {
		cancel()
		<-done
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		fl.Gateway().Shutdown(end, 0)
	})
	return fl, nil
}

func (f *fleet) mustNode(change func(*FollowOptions)) *Follower {
	f.t.Helper()
	fl, err := f.node(change)
	if err != nil {
		f.t.Fatal(err)
	}
	return fl
}

// serves waits until a node answers below a prefix.
func serves(t *testing.T, fl *Follower, prefix string) {
	t.Helper()
	eventually(t, "serving below "+prefix, func() bool {
		resp, _ := fetch(t, "http://"+address(fl.Gateway())+prefix+"/open")
		return resp.StatusCode == 200
	})
}

func TestNodesFollowTheNewestApprovedRevision(t *testing.T) {
	f := newFleet(t)
	f.apply(storeDocument("/a"), false)
	one, two := f.mustNode(nil), f.mustNode(nil)
	serves(t, one, "/a")
	serves(t, two, "/a")
	f.apply(storeDocument("/b"), true)
	// It waits. A look at the store finds nothing new.
	for _, n := range []*Follower{one, two} {
		if err := n.Look(context.Background()); err != nil || n.Status().InForce != 1 {
			t.Errorf("%+v, %v", n.Status(), err)
		}
	}
	if _, err := f.store.Approve(context.Background(), 2, "ben"); err != nil {
		t.Fatal(err)
	}
	serves(t, one, "/b")
	serves(t, two, "/b")
	if resp, _ := fetch(t, "http://"+address(one.Gateway())+"/a/open"); resp.StatusCode != 404 {
		t.Errorf("the old one answers %d", resp.StatusCode)
	}
	eventually(t, "the store knows that it is active", func() bool {
		r, err := f.store.ActiveRevision(context.Background())
		return err == nil && r.Number == 2
	})
	if log := strings.Join(records(t, one.o.Dir), "\n"); !strings.Contains(log, `"reloaded to revision 2"`) {
		t.Errorf("the audit log is %s", log)
	}
}

func TestARevisionThatDoesNotLoadKeepsTheOldOne(t *testing.T) {
	f := newFleet(t)
	f.apply(storeDocument("/a"), false)
	good := f.mustNode(nil)
	serves(t, good, "/a")
	eventually(t, "revision 1 is active", func() bool { _, err := f.store.ActiveRevision(context.Background()); return err == nil })
	before := good.Gateway().Status().Fingerprint
	for name, c := range map[string]struct{ from, to, want string }{
		"a variable of the operator's machine": {"${UPSTREAM}", "${NOWHERE}", "NOWHERE is not set"},
		"a fault":                              {"authorize:", "autorize:", "apis.notes.autorize"},
		"a contract that does not travel":      {"notes.yaml", "../notes.yaml", "the file is not part of the revision"},
		"a file of another machine":            {"apis:\n", "trusted_proxies: [\"10.0.0.1/8\"]\napis:\n", "trusted_proxies"},
		"what was opened once":                 {"audit: {", "audit: {on_error: proceed, ", "audit: cannot change in a reload"},
		"an address that cannot be bound":      {`"${LISTEN}"`, `"192.0.2.1:1"`, "cannot listen"},
	} {
		t.Run(name, func(t *testing.T) {
			r := f.apply(strings.Replace(storeDocument("/b"), c.from, c.to, 1), false)
			eventually(t, "the fault is reported", func() bool { return good.Status().Followed == r.Number && good.Status().Fault != "" })
			st := good.Status()
			if !strings.Contains(st.Fault, c.want) || st.InForce != 1 || st.Since.IsZero() {
				t.Errorf("%+v, want %q", st, c.want)
			}
			if good.Gateway().Status().Fingerprint != before {
				t.Error("something has changed")
			}
			serves(t, good, "/a")
			rec := httptest.NewRecorder()
			good.Gateway().Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/readyz?verbose", nil))
			if body := rec.Body.String(); rec.Code != 200 || !strings.Contains(body, "revision 1 is in force: revision ") || !strings.Contains(body, c.want) {
				t.Errorf("readiness is %d %q", rec.Code, body)
			}
			if log := strings.Join(records(t, good.o.Dir), "\n"); !strings.Contains(log, `"revision refused","detail":"revision `) {
				t.Errorf("the audit log is %s", log)
			}
		})
	}
	// The next good one is taken, and the fault is past.
	f.apply(storeDocument("/c"), false)
	serves(t, good, "/c")
	eventually(t, "no fault", func() bool { st := good.Status(); return st.Fault == "" && st.InForce == st.Followed })
}

func TestANodeBeginsWithTheOldOneWhenTheNewOneDoesNotLoad(t *testing.T) {
	f := newFleet(t)
	if _, err := f.node(nil); err == nil || !strings.Contains(err.Error(), "no approved revision") {
		t.Errorf("of an empty store: %v", err)
	}
	bad := strings.Replace(storeDocument("/bad"), "${UPSTREAM}", "${NOWHERE}", 1)
	f.apply(bad, false)
	if _, err := f.node(nil); err == nil || !strings.Contains(err.Error(), "revision 1: ") || !strings.Contains(err.Error(), "NOWHERE is not set") {
		t.Errorf("of a bad one: %v", err)
	}
	f.apply(storeDocument("/a"), false)
	serves(t, f.mustNode(nil), "/a")
	eventually(t, "revision 2 is active", func() bool { _, err := f.store.ActiveRevision(context.Background()); return err == nil })
	f.apply(bad, false)
	late := f.mustNode(nil)
	serves(t, late, "/a")
	if st := late.Status(); st.InForce != 2 || st.Followed != 3 || !strings.Contains(st.Fault, "NOWHERE") {
		t.Errorf("%+v", st)
	}
}

func TestAFaultIsTriedAgainAndReportedOnce(t *testing.T) {
	f := newFleet(t)
	f.apply(storeDocument("/a"), false)
	n := f.mustNode(func(o *FollowOptions) { o.Retry = time.Millisecond })
	f.apply(strings.Replace(storeDocument("/b"), "authenticate:", "addresses: {allow_files: [ranges.txt]}\n    authenticate:", 1), false)
	eventually(t, "the fault is reported", func() bool { return n.Status().Fault != "" })
	if err := n.Look(context.Background()); err == nil || !strings.Contains(err.Error(), "allow_files") {
		t.Errorf("a look says %v", err)
	}
	// The file comes to the node: nobody has to do more.
	if err := os.WriteFile(filepath.Join(n.o.Dir, "ranges.txt"), []byte("127.0.0.0/8\n::1/128\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	serves(t, n, "/b")
	if got := strings.Count(f.log.String(), "revision not taken"); got != 1 {
		t.Errorf("reported %d times", got)
	}
}

func TestAStoreThatIsGoneKeepsWhatIsInForce(t *testing.T) {
	f := newFleet(t)
	f.apply(storeDocument("/a"), false)
	n := f.mustNode(nil)
	if err := n.o.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Look(context.Background()); err == nil {
		t.Error("a closed store was read")
	}
	serves(t, n, "/a")
	if !strings.Contains(f.log.String(), "revisions cannot be read; the one in force stays") {
		t.Error("nothing was said")
	}
}

func TestANodeNeverReadsAFileInPlaceOfTheStore(t *testing.T) {
	f := newFleet(t)
	f.apply(storeDocument("/a"), false)
	n := f.mustNode(func(o *FollowOptions) {
		o.Dir = f.dir
		o.NewLog = func(cfg *config.Config) *slog.Logger { return o.Log }
	})
	f.write("durward.yaml", storeDocument("/file"))
	if err := n.Gateway().Reload(context.Background()); err != nil { // looks at the store
		t.Error(err)
	}
	serves(t, n, "/a")
	if resp, _ := fetch(t, "http://"+address(n.Gateway())+"/file/open"); resp.StatusCode != 404 {
		t.Errorf("the file's configuration answers %d", resp.StatusCode)
	}
}
