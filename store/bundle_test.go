// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"durward"
)

func TestWhatIsNoRevisionIsNotStored(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	files := func(more map[string][]byte) Bundle {
		b := bundle("a")
		maps.Copy(b.Files, more)
		return b
	}
	many := map[string][]byte{}
	for i := range MaxBundleFiles {
		many[fmt.Sprint("f", i)] = nil
	}
	for name, spoil := range map[string]func(*Proposal){
		"no author":                       func(p *Proposal) { p.Author = "" },
		"an author with blanks around":    func(p *Proposal) { p.Author = " ana" },
		"an author that moves the cursor": func(p *Proposal) { p.Author = "a\x1b[2Jb" },
		"a long author":                   func(p *Proposal) { p.Author = strings.Repeat("a", maxAuthor+1) },
		"a long message":                  func(p *Proposal) { p.Message = strings.Repeat("a", maxMessage+1) },
		"a message that moves the cursor": func(p *Proposal) { p.Message = "a\x1b[2J" },
		"a label of an unknown effect":    func(p *Proposal) { p.Labels = []Label{{"better", "x"}} },
		"a label without text":            func(p *Proposal) { p.Labels = []Label{{Weaker, ""}} },
		"too many labels":                 func(p *Proposal) { p.Labels = make([]Label, MaxLabels+1) },
		"no document":                     func(p *Proposal) { p.Bundle.Document = "other.yaml" },
		"a document in a folder":          func(p *Proposal) { p.Bundle.Document = "api/things.yaml" },
		"a file outside":                  func(p *Proposal) { p.Bundle = files(map[string][]byte{"../passwd": nil}) },
		"a file outside by detour":        func(p *Proposal) { p.Bundle = files(map[string][]byte{"a/../../passwd": nil}) },
		"an absolute file":                func(p *Proposal) { p.Bundle = files(map[string][]byte{"/etc/passwd": nil}) },
		"a name that is not clean":        func(p *Proposal) { p.Bundle = files(map[string][]byte{"a//b": nil}) },
		"a file that is the folder":       func(p *Proposal) { p.Bundle = files(map[string][]byte{".": nil}) },
		"a backslash":                     func(p *Proposal) { p.Bundle = files(map[string][]byte{`a\b`: nil}) },
		"a name with a line end":          func(p *Proposal) { p.Bundle = files(map[string][]byte{"a\nb": nil}) },
		"too many files":                  func(p *Proposal) { p.Bundle = files(many) },
		"too many bytes":                  func(p *Proposal) { p.Bundle = files(map[string][]byte{"big": make([]byte, MaxBundle)}) },
	} {
		t.Run(name, func(t *testing.T) {
			p := proposal(t, s, "a", "ana", false)
			spoil(&p)
			_, err := s.Propose(ctx, p)
			wantErr(t, err, ErrInvalid)
		})
	}
	if all, err := s.Revisions(ctx, 10); err != nil || len(all) != 0 {
		t.Errorf("%d revisions, %v", len(all), err)
	}
	wantErr(t, s.RequireApproval(ctx, "sometimes", "ana"), ErrInvalid)
	wantErr(t, s.RequireApproval(ctx, ApproveAll, ""), ErrInvalid)
	_, err := s.Approve(ctx, 1, "ana")
	wantErr(t, err, durward.ErrNotFound)
}

func TestAFingerprintTellsEveryChangeOfABundle(t *testing.T) {
	base := bundle("a")
	was := base.Fingerprint()
	for name, change := range map[string]func(*Bundle){
		"content":          func(b *Bundle) { b.Files["durward.yaml"] = []byte("listen: b") },
		"another file":     func(b *Bundle) { b.Files["more.yaml"] = nil },
		"a file less":      func(b *Bundle) { delete(b.Files, "empty.yaml") },
		"another name":     func(b *Bundle) { b.Files["full.yaml"] = b.Files["empty.yaml"]; delete(b.Files, "empty.yaml") },
		"another document": func(b *Bundle) { b.Document = "empty.yaml" },
		"moved bytes": func(b *Bundle) {
			b.Files["api/things.yaml"], b.Files["empty.yaml"] = b.Files["api/things.yaml"][:3], b.Files["api/things.yaml"][3:]
		},
	} {
		b := bundle("a")
		if b.Fingerprint() != was {
			t.Fatal("the same bundle has two fingerprints")
		}
		change(&b)
		if b.Fingerprint() == was {
			t.Errorf("%s is not seen", name)
		}
	}
}

func TestABundleThatWasTamperedWithIsRefused(t *testing.T) {
	for name, statement := range map[string]string{
		"a content":  "UPDATE contents SET content = CAST('listen: evil' AS BLOB) WHERE content = CAST('listen: a' AS BLOB)",
		"a name":     "UPDATE bundle_files SET name = 'other' WHERE name = 'empty.yaml'",
		"a file":     "DELETE FROM bundle_files WHERE name = 'empty.yaml'",
		"a document": "UPDATE bundles SET document = 'empty.yaml'",
	} {
		t.Run(name, func(t *testing.T) {
			url := newURL(t)
			s := openStore(t, url, Options{})
			r := propose(t, s, "a", "ana", false)
			execute(t, rawDB(t, url), statement)
			_, err := s.Bundle(ctx, r.Fingerprint)
			wantErr(t, err, ErrCorrupt)
		})
	}
}

func TestOldRevisionsAreForgottenButNeverTheOnesInUse(t *testing.T) {
	s := openStore(t, "memory:", Options{})
	first := propose(t, s, "first", "ana", false)
	must(t, s.Activate(ctx, 1, "node"))
	second := propose(t, s, "second", "ana", false)
	for i := range keepBundles + 1 {
		propose(t, s, fmt.Sprint("more ", i), "ana", false)
	}
	if _, err := s.Bundle(ctx, first.Fingerprint); err != nil {
		t.Errorf("the files of the active revision are gone: %v", err)
	}
	_, err := s.Bundle(ctx, second.Fingerprint)
	wantErr(t, err, durward.ErrNotFound)
	if r, err := s.RevisionAt(ctx, second.Number); err != nil || r.Author != "ana" {
		t.Errorf("the revision itself is forgotten: %v", err)
	}
	var contents int
	must(t, s.db.QueryRowContext(ctx, "SELECT count(*) FROM contents").Scan(&contents))
	if want := keepBundles + 1 + 2; contents != want { // documents, and two files that all share
		t.Errorf("%d contents are kept, want %d", contents, want)
	}
}

func TestRevisionsOfAClosedStore(t *testing.T) {
	s := openStore(t, newURL(t), Options{})
	p := proposal(t, s, "a", "ana", false)
	must(t, s.Close())
	if _, err := s.Propose(ctx, p); !errors.Is(err, ErrClosed) {
		t.Errorf("error %v", err)
	}
	if _, err := s.Followed(ctx); err == nil || errors.Is(err, durward.ErrNotFound) {
		t.Errorf("a closed store says %v", err)
	}
}
