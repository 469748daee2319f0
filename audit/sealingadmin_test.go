// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/audit/seal"
)

// administered are actions that name annabel in every place that has names; in
// those with others too the others are to stay.
var administered = []struct {
	name string
	does func(a *durward.AdminAction)
	stay []string // read after annabel's erasure
}{
	{"the consumer is she", func(a *durward.AdminAction) {
		a.Action = "consumer.create"
		a.Target("consumer", "annabel")
		a.Change("name", "Annabel before", "Annabel Lee")
		a.Change("addresses", "", "203.0.113.9/32")
		a.Change("roles", "", "member")
	}, []string{`"after":"member"`}},
	{"a key is hers", func(a *durward.AdminAction) {
		a.Action = "key.create"
		a.TargetOf("key", "annabels-key", "annabel")
		a.Change("consumer", "", "annabel")
		a.Change("name", "", "phone of annabel")
	}, nil},
	{"a key is found to be hers late", func(a *durward.AdminAction) {
		a.Action = "key.revoke"
		a.Target("key", "annabels-key-2")
		a.Own("key", "annabels-key-2", "annabel")
	}, nil},
	{"she is one of those who hold a key", func(a *durward.AdminAction) {
		a.Action = "key.update"
		a.TargetOf("key", "shared", "app")
		a.Persons = []string{"bob", "annabel", "Carl of the shop", "Carl"}
		a.Change("holders", "bob Carl", "bob annabel Carl of the shop Carl")
	}, []string{`"key:shared"`, `"before":"bob Carl"`, `Carl of the shop Carl"`}},
	{"her keys are revoked as a consumer's and a holder's", func(a *durward.AdminAction) {
		a.Action = "key.revoke"
		a.Change("of_consumer", "", "annabel")
		a.Change("of_holder", "", "annabel")
	}, nil},
	{"her tokens are revoked", func(a *durward.AdminAction) {
		a.Action = "token.revoke"
		a.TargetOf("subject", "https://id.example/a/annabel", "annabel")
		a.Change("reason", "", "annabel left")
	}, nil},
	{"an object has her name", func(a *durward.AdminAction) {
		a.Action = "object.change"
		a.Target("object", "Account/annabel")
		a.Change("level", "", "added")
	}, []string{`"field":"level","after":"added"`}},
	{"she is one of several consumers", func(a *durward.AdminAction) {
		a.Action = "key.import"
		a.Target("consumer", "bob")
		a.Target("consumer", "annabel")
		a.TargetOf("key", "k-bob", "bob")
		a.TargetOf("key", "annabels-key-3", "annabel")
	}, []string{`"consumer:bob"`, `"key:k-bob"`}},
	{"what has no person stays as it is", func(a *durward.AdminAction) {
		a.Action = "revision.publish"
		a.Target("revision", "7")
		a.Change("author", "", "root")
	}, []string{`"targets":["revision:7"]`, `"after":"root"`}},
}

// TestNoRecordOfAdministrationNamesWhoIsErased: raw, the names are nowhere; with
// the keys everything is there as it was told; after the erasure her names are
// nowhere, others' are, and the log verifies.
func TestNoRecordOfAdministrationNamesWhoIsErased(t *testing.T) {
	l, cfg := sealedLog(t, Config{}, Options{})
	var told []durward.AdminAction
	for i, c := range administered {
		a := &durward.AdminAction{ID: fmt.Sprint("id", i), At: time.Date(2026, 11, 21, 9, i, 0, 0, time.UTC), Actor: durward.Actor{User: "root"}}
		c.does(a)
		told = append(told, *a)
		if err := l.Admin(a); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(told[i], *a); diff != "" {
			t.Errorf("%s: the caller's action was changed: %s", c.name, diff)
		}
	}
	l.Close()
	raw := everything(t, cfg.Directory)
	for _, name := range []string{"annabel", "Annabel", "bob", "Carl", "shared", "203.0.113.9", "id.example"} {
		if strings.Contains(raw, name) {
			t.Errorf("the log says %q", name)
		}
	}
	if n := strings.Count(raw, `"user":"root"`); n != len(administered) {
		t.Errorf("who did it stands in %d of %d records", n, len(administered))
	}
	o, err := seal.OpenKeys(t.Context(), cfg.WithKeys())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	open := func(ev *durward.Event) error { return o.Open(t.Context(), ev) }
	for i, ev := range ofKind(readEvents(t, cfg.Directory), durward.EventAdmin) {
		if err := open(&ev); err != nil {
			t.Fatal(err)
		}
		want := told[i]
		want.Whose, want.Persons = nil, nil
		if diff := cmp.Diff(want, *ev.Admin); diff != "" {
			t.Errorf("%s: %s", administered[i].name, diff)
		}
	}
	tag, err := o.Erase(t.Context(), seal.KindSubject, "annabel")
	if err != nil || tag == "" {
		t.Fatalf("%q, %v", tag, err)
	}
	if n, _, _, err := Named(cfg.Directory, tag); n != 6 || err != nil {
		t.Errorf("%d records name her, %v", n, err)
	}
	i := 0
	for _, line := range readLines(t, cfg.Directory) {
		if !strings.Contains(line, `"kind":"admin"`) {
			continue
		}
		c := administered[i]
		shown := string(Opened([]byte(line), open))
		if strings.Contains(strings.ToLower(shown), "annabel") || strings.Contains(shown, "203.0.113.9") {
			t.Errorf("%s: %s", c.name, shown)
		}
		if erased := strings.Contains(shown, `"sealed":"erased"`); erased != (told[i].Action != "revision.publish") {
			t.Errorf("%s: it says erased: %t: %s", c.name, erased, shown)
		}
		for _, want := range c.stay {
			if !strings.Contains(shown, want) {
				t.Errorf("%s: %q is gone: %s", c.name, want, shown)
			}
		}
		i++
	}
	mustVerify(t, cfg.Directory)
}

func TestASealedTextCannotBeMovedToAnotherPlaceOrAction(t *testing.T) {
	l, cfg := sealedLog(t, Config{}, Options{})
	for _, id := range []string{"one", "two"} {
		a := act(id)
		a.Targets, a.Count = nil, 0
		a.Target("consumer", "ann")
		a.Change("name", "", "Ann")
		if err := l.Admin(a); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	o, err := seal.OpenKeys(t.Context(), cfg.WithKeys())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	all := ofKind(readEvents(t, cfg.Directory), durward.EventAdmin)
	for name, change := range map[string]func(a, b *durward.AdminAction){
		"of another action":          func(a, b *durward.AdminAction) { a.Sealed[0].Sealed = b.Sealed[0].Sealed },
		"of another place":           func(a, _ *durward.AdminAction) { a.Sealed[0].Sealed = a.Sealed[1].Sealed },
		"to another place":           func(a, _ *durward.AdminAction) { a.Sealed[0].At = "changes.1.after" },
		"to no place":                func(a, _ *durward.AdminAction) { a.Sealed[0].At = "targets.x" },
		"shortened":                  func(a, _ *durward.AdminAction) { a.Sealed[0].Sealed = "AAAA" },
		"in a place without its tag": func(a, _ *durward.AdminAction) { a.Targets[0] = "consumer:bob" },
	} {
		ev, a := all[0], *all[0].Admin
		a.Targets, a.Sealed = append([]string(nil), a.Targets...), append([]durward.SealedText(nil), a.Sealed...)
		a.Changes = append([]durward.Changed(nil), a.Changes...)
		ev.Admin = &a
		change(&a, all[1].Admin)
		if err := o.Open(t.Context(), &ev); err != seal.ErrChanged {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := o.Open(t.Context(), &all[0]); err != nil {
		t.Error(err)
	}
}

func TestTheLongestActionFitsIntoALine(t *testing.T) {
	l, cfg := sealedLog(t, Config{}, Options{})
	a := act("one")
	a.Targets, a.Changes = nil, nil
	for i := range 2 * durward.MaxTargets {
		name := fmt.Sprint(strings.Repeat("é", 600), i)
		a.Target("object", name)
		a.Persons = append(a.Persons, name)
	}
	for range durward.MaxTargets {
		a.Change("holders", strings.Join(a.Persons, " "), strings.Join(a.Persons[1:], " "))
	}
	if err := l.Admin(a); err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, line := range readLines(t, cfg.Directory) {
		if len(line) > maxLine || bytes.Contains([]byte(line), []byte("é")) {
			t.Errorf("%d bytes", len(line))
		}
	}
	mustVerify(t, cfg.Directory)
}
