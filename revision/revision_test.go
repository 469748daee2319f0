// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package revision

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/config"
	"durward/store"
)

var ctx = context.Background()

const secret = "t0ken-that-nobody-may-store"

const contractText = `openapi: 3.1.0
info: {title: Things, version: "1"}
paths:
  /thing:
    get: {operationId: getThing, responses: {"200": {description: ok}}}
`

// document is one whose prefix says how much it protects.
func document(prefix string) string {
	return `listen: [{address: "127.0.0.1:0"}]
apis:
  things:
    prefix: /` + prefix + `
    contract: things.yaml
    upstream:
      targets: ["http://127.0.0.1:9000"]
      credential: replace
      upstream_credential: {authorization: "Bearer ${TOKEN}"}
    operations: {getThing: {public: true}}
`
}

// byPrefix labels documents by the first letters of their prefix.
type byPrefix struct{ asked *int }

func (d byPrefix) Diff(old, new *config.Config) ([]store.Label, bool) {
	*d.asked++
	was, is := old.APIs["things"].Prefix, new.APIs["things"].Prefix
	text := "prefix " + was + " to " + is
	switch {
	case strings.HasPrefix(is, "/weak"):
		return []store.Label{{Effect: store.Neutral, Text: "n"}, {Effect: store.Weaker, Text: text}}, false
	case strings.HasPrefix(is, "/unclear"):
		return nil, true
	}
	return []store.Label{{Effect: store.Stronger, Text: text}}, false
}

// desk is a folder with a document, a store and a Manager.
type desk struct {
	*Manager
	t     *testing.T
	dir   string
	store *store.Store
	asked int
	env   map[string]string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), env: map[string]string{"TOKEN": secret}}
	url := "sqlite:" + filepath.Join(d.dir, "durward.db")
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	d.store = s
	d.Manager = New(s, Options{URL: url, Differ: byPrefix{&d.asked}, Env: func(name string) (string, bool) { v, ok := d.env[name]; return v, ok }})
	d.write("things.yaml", contractText)
	return d
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

// apply writes a document and applies it.
func (d *desk) apply(prefix string, w Wish) (Outcome, error) {
	d.t.Helper()
	d.write("durward.yaml", document(prefix))
	if w.Author == "" {
		w.Author = "ana"
	}
	return d.Apply(ctx, filepath.Join(d.dir, "durward.yaml"), w)
}

func (d *desk) mustApply(prefix string) Outcome {
	d.t.Helper()
	out, err := d.apply(prefix, Wish{Base: Newest})
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func TestARevisionSaysWhatItChanges(t *testing.T) {
	d := newDesk(t)
	first := d.mustApply("a").Revision
	if first.State != store.Approved || first.Labels != nil || first.Compared != 0 || d.asked != 0 {
		t.Errorf("the first is %+v", first)
	}
	second := d.mustApply("b").Revision
	want := []store.Label{{Effect: store.Stronger, Text: "prefix /a to /b"}}
	if diff := cmp.Diff(want, second.Labels); diff != "" || second.State != store.Approved || second.Compared != 1 {
		t.Errorf("%s of %+v", diff, second)
	}
	third := d.mustApply("weak").Revision
	want = []store.Label{{Effect: store.Weaker, Text: "prefix /b to /weak"}, {Effect: store.Neutral, Text: "n"}}
	if diff := cmp.Diff(want, third.Labels); diff != "" || third.State != store.Pending || !third.Weaker {
		t.Errorf("%s of %+v", diff, third)
	}
	if r := d.mustApply("unclear").Revision; r.State != store.Pending || !r.Weaker || r.Compared != 2 {
		t.Errorf("what cannot be told is %+v", r)
	}
}

func TestWhatIsFollowedAlreadyIsNoRevision(t *testing.T) {
	d := newDesk(t)
	d.mustApply("a")
	if out := d.mustApply("a"); !out.Same || out.Revision.Number != 1 {
		t.Errorf("%+v", out)
	}
	d.write("things.yaml", contractText+"# a comment\n")
	if out := d.mustApply("a"); out.Same || out.Revision.Number != 2 {
		t.Errorf("another contract is %+v", out)
	}
}

func TestWhatDoesNotApplyChangesNothing(t *testing.T) {
	d := newDesk(t)
	d.mustApply("a")
	for name, c := range map[string]struct {
		prepare func()
		wish    Wish
		prefix  string
		want    string
		is      error
	}{
		"a base that is past":             {nil, Wish{Base: 0}, "b", "ana applied revision 1", store.ErrConflict},
		"a base that is not yet":          {nil, Wish{Base: 2}, "b", "based on revision 2", store.ErrConflict},
		"a fault":                         {nil, Wish{Base: 1}, "b\n    nonsense: 1", "durward.yaml:5:5: apis.things.nonsense", nil},
		"a variable that is not set":      {func() { delete(d.env, "TOKEN") }, Wish{Base: 1}, "b", "durward.yaml:9:", nil},
		"an author that is none":          {nil, Wish{Base: 1, Author: " "}, "b", "author", store.ErrInvalid},
		"a contract that is not there":    {func() { os.Remove(filepath.Join(d.dir, "things.yaml")) }, Wish{Base: 1}, "b", "durward.yaml:5:", nil},
		"a weaker one that nobody allows": {func() { d.store.RequireApproval(ctx, store.ApproveNone, "root") }, Wish{Base: 1}, "weak", "--allow-weaker", store.ErrWeaker},
	} {
		t.Run(name, func(t *testing.T) {
			if c.prepare != nil {
				c.prepare()
			}
			defer func() {
				d.env["TOKEN"] = secret
				d.write("things.yaml", contractText)
				if err := d.store.RequireApproval(ctx, store.ApproveWeaker, "root"); err != nil {
					t.Fatal(err)
				}
			}()
			_, err := d.apply(c.prefix, c.wish)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if all, err := d.store.Revisions(ctx, 10); err != nil || len(all) != 1 {
				t.Errorf("%d revisions, %v", len(all), err)
			}
		})
	}
}

func TestNoExpandedSecretIsStored(t *testing.T) {
	d := newDesk(t)
	d.write("token", secret+"-of-a-file")
	d.mustApply("a")
	d.write("durward.yaml", strings.Replace(document("weak"), "${TOKEN}", "${file:token}", 1))
	if _, err := d.Apply(ctx, filepath.Join(d.dir, "durward.yaml"), Wish{Author: "ana", Base: Newest}); err != nil {
		t.Fatal(err)
	}
	if err := d.store.Close(); err != nil { // all of it is in the files now
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(d.dir, "durward.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	references := 0
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("%s holds the secret", filepath.Base(name))
		}
		references += bytes.Count(content, []byte("Bearer ${TOKEN}")) + bytes.Count(content, []byte("Bearer ${file:token}"))
	}
	if references < 2 {
		t.Errorf("the references themselves are stored %d times", references)
	}
}

func TestARollbackBringsTheSameBytesBack(t *testing.T) {
	d := newDesk(t)
	first := d.mustApply("a").Revision
	d.mustApply("b")
	d.write("things.yaml", contractText+"# newer\n")
	d.mustApply("c")
	// What lies in the folder now is of no account.
	d.write("durward.yaml", "nonsense")
	d.write("things.yaml", "nonsense")
	out, err := d.Rollback(ctx, 1, Wish{Author: "ben", Base: Newest})
	if err != nil {
		t.Fatal(err)
	}
	r := out.Revision
	if r.Fingerprint != first.Fingerprint || r.Restores != 1 || r.Message != "rollback to revision 1" || r.Author != "ben" || r.Number != 4 {
		t.Errorf("%+v", r)
	}
	b, err := d.store.Bundle(ctx, r.Fingerprint)
	if err != nil || string(b.Files["durward.yaml"]) != document("a") || string(b.Files["things.yaml"]) != contractText {
		t.Errorf("%v, %v", b, err)
	}
	if out, err := d.Rollback(ctx, 1, Wish{Author: "ben", Base: Newest}); err != nil || !out.Same {
		t.Errorf("again: %+v, %v", out, err)
	}
	if _, err := d.Rollback(ctx, 9, Wish{Author: "ben", Base: Newest}); !errors.Is(err, durward.ErrNotFound) {
		t.Errorf("to none: %v", err)
	}
	if _, err := d.Rollback(ctx, 2, Wish{Author: "ben", Base: 3}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("on an old base: %v", err)
	}
	d.mustRollbackWeaker(t)
}

// mustRollbackWeaker wants a weaker rollback to wait as any other, and one to a
// rejected revision to be refused.
func (d *desk) mustRollbackWeaker(t *testing.T) {
	t.Helper()
	d.write("things.yaml", contractText)
	weak := d.mustApply("weak").Revision
	if _, err := d.store.Approve(ctx, weak.Number, "ben"); err != nil {
		t.Fatal(err)
	}
	d.mustApply("d")
	out, err := d.Rollback(ctx, weak.Number, Wish{Author: "ben", Base: Newest})
	if err != nil || out.Revision.State != store.Pending {
		t.Fatalf("%+v, %v", out, err)
	}
	if _, err := d.store.Reject(ctx, out.Revision.Number, "ben"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Rollback(ctx, out.Revision.Number, Wish{Author: "ben", Base: Newest}); !errors.Is(err, store.ErrState) {
		t.Errorf("to a rejected one: %v", err)
	}
}

func TestWhatCannotBeComparedIsWeaker(t *testing.T) {
	d := newDesk(t)
	d.env["ONLY_ONCE"] = "a"
	d.mustApply("${ONLY_ONCE}")
	delete(d.env, "ONLY_ONCE")
	r := d.mustApply("b").Revision
	if r.State != store.Pending || !r.Weaker || len(r.Labels) != 1 || !strings.Contains(r.Labels[0].Text, "revision 1 does not load here and cannot be compared") {
		t.Errorf("%+v", r)
	}
}

func TestCautiousTakesEveryChangeForWeaker(t *testing.T) {
	d := newDesk(t)
	d.o.Differ = Cautious{}
	d.mustApply("a")
	if r := d.mustApply("b").Revision; r.State != store.Pending || len(r.Labels) != 1 || r.Labels[0].Effect != store.Weaker {
		t.Errorf("%+v", r)
	}
	if _, err := d.store.Approve(ctx, 2, "ben"); err != nil {
		t.Fatal(err)
	}
	d.write("durward.yaml", document("b")+"# only a comment\n")
	out, err := d.Apply(ctx, filepath.Join(d.dir, "durward.yaml"), Wish{Author: "ana", Base: Newest})
	if err != nil || out.Same || out.Revision.State != store.Approved {
		t.Errorf("a comment is %+v, %v", out, err)
	}
}

func TestTheDifferenceOfTwoRevisions(t *testing.T) {
	d := newDesk(t)
	d.mustApply("a")
	d.write("more.yaml", contractText)
	d.write("durward.yaml", strings.Replace(document("weak"), "things.yaml", "more.yaml", 1))
	if _, err := d.Apply(ctx, filepath.Join(d.dir, "durward.yaml"), Wish{Author: "ana", Base: Newest}); err != nil {
		t.Fatal(err)
	}
	got, err := d.Diff(ctx, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	want := Difference{
		Labels: []store.Label{{Effect: store.Weaker, Text: "prefix /a to /weak"}, {Effect: store.Neutral, Text: "n"}}, Weaker: true,
		Files: []FileChange{{"durward.yaml", "changed"}, {"more.yaml", "added"}, {"things.yaml", "removed"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := d.Diff(ctx, 1, 1); err != nil || got.Files != nil || got.Labels != nil || got.Weaker {
		t.Errorf("of the same: %+v, %v", got, err)
	}
	for _, pair := range [][2]int64{{1, 9}, {9, 1}} {
		if _, err := d.Diff(ctx, pair[0], pair[1]); !errors.Is(err, durward.ErrNotFound) {
			t.Errorf("of none: %v", err)
		}
	}
}

func TestManyAndLongLabelsAreCutAtTheMildEnd(t *testing.T) {
	long := strings.Repeat("é", store.MaxLabelText)
	labels := []store.Label{{Effect: store.Neutral, Text: long}}
	for range store.MaxLabels {
		labels = append(labels, store.Label{Effect: store.Stronger, Text: "s"})
	}
	labels = append(labels, store.Label{Effect: store.Weaker, Text: long})
	got := bounded(labels)
	last := got[len(got)-1]
	if len(got) != store.MaxLabels || got[0].Effect != store.Weaker || last.Text != "and 3 more changes" || last.Effect != store.Stronger {
		t.Errorf("%d labels, first %s, last %+v", len(got), got[0].Effect, last)
	}
	if n := len(got[0].Text); n > store.MaxLabelText || !strings.HasSuffix(got[0].Text, "é...") {
		t.Errorf("a text of %d bytes", n)
	}
	if labels[0].Text != long || labels[0].Effect != store.Neutral {
		t.Error("the labels of the Differ were changed")
	}
}
