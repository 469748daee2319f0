// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"durward"
)

// readers are the methods of a Store that change nothing that people decide.
var readers = []string{"BeginProbe", "FinishProbe", "ProbeRun", "ProbeRuns",
	"Activate", "Bundle", "ActiveRevision", "ChangeInventory", "Close", "Consumer", "Consumers", "Denied", "FindKeys", "Followed",
	"Health", "Inventory", "Key", "Keys", "LookUp", "NewestRevision", "NextAction", "Object", "Objects", "Pepper", "PepperPath",
	"Recorded", "RevisionApproval", "RevisionAt", "RevisionEvents", "Revisions", "Revocations", "Revoked", "Stats", "StoredObject",
	"Touch", "WaitingActions",
}

// change is one call of a method that changes something, and what it leaves.
type change struct {
	method  string
	do      func(t *testing.T, ctx context.Context, s *Store) error
	action  string
	targets string
	changes string // a part of them, as JSON
}

const secretHash = "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"

func hashed(id, consumer string) durward.Key {
	k := key(id, consumer)
	k.Hash = [32]byte([]byte(secretHash))
	return k
}

// changes are calls that are made one after another on one store.
var changes = []change{
	{"CreateConsumer", func(t *testing.T, ctx context.Context, s *Store) error {
		return s.CreateConsumer(ctx, consumer("acme"))
	}, "consumer.create", "consumer:acme", `"field":"roles"`},
	{"UpdateConsumer", func(t *testing.T, ctx context.Context, s *Store) error {
		off := true
		_, err := s.UpdateConsumer(ctx, "acme", Change{Disabled: &off})
		return err
	}, "consumer.update", "consumer:acme", `{"field":"disabled","before":"false","after":"true"}`},
	{"CreateKey", func(t *testing.T, ctx context.Context, s *Store) error {
		k := hashed("key1", "acme")
		k.Hash[0]++
		return s.CreateKey(ctx, k)
	}, "key.create", "key:key1", `{"field":"consumer","after":"acme"}`},
	{"RotateKey", func(t *testing.T, ctx context.Context, s *Store) error {
		return s.RotateKey(ctx, "key1", hashed("key2", "acme"), start.Add(time.Second))
	}, "key.rotate", "key:key1 key:key2", `"field":"expires"`},
	{"RevokeKey", func(t *testing.T, ctx context.Context, s *Store) error { return s.RevokeKey(ctx, "key1", start) }, "key.revoke", "key:key1", `"field":"revoked"`},
	{"RevokeKeys", func(t *testing.T, ctx context.Context, s *Store) error {
		_, err := s.RevokeKeys(ctx, durward.KeyFilter{Consumer: "acme"}, start)
		return err
	}, "key.revoke", "key:key2", `{"field":"of_consumer","after":"acme"}`},
	{"AddKeys", func(t *testing.T, ctx context.Context, s *Store) error {
		a, b := hashed("key3", "bolt"), hashed("key4", "bolt")
		a.Hash[0], b.Hash[0] = 'x', 'y'
		return s.AddKeys(ctx, []durward.Consumer{consumer("bolt")}, []durward.Key{a, b})
	}, "key.import", "consumer:bolt key:key3 key:key4", ``},
	{"DenyKeys", func(t *testing.T, ctx context.Context, s *Store) error {
		_, err := s.DenyKeys(ctx, []durward.Denial{{ID: "key3", Note: "leaked"}, {Hash: [32]byte([]byte(secretHash))}}, start)
		return err
	}, "key.deny", "key:key3", `{"field":"note","after":"leaked"}`},
	{"Revoke", func(t *testing.T, ctx context.Context, s *Store) error {
		_, err := s.Revoke(ctx, []Revocation{{Issuer: "corp", ID: "jti-1", Until: start.Add(time.Hour), Reason: "lost"}})
		return err
	}, "token.revoke", "token:corp/jti-1", `{"field":"reason","after":"lost"}`},
	{"Unrevoke", func(t *testing.T, ctx context.Context, s *Store) error {
		return s.Unrevoke(ctx, Revocation{Issuer: "corp", ID: "jti-1"})
	}, "token.unrevoke", "token:corp/jti-1", ``},
	{"PutObjects", func(t *testing.T, ctx context.Context, s *Store) error {
		return s.PutObjects(ctx, []Object{{Kind: "space", ID: "7", Fields: Fields{"owner": []byte(`"ann"`), "members": []byte(`["bo"]`)}}})
	}, "object.put", "object:space/7", ``},
	{"ChangeObject", func(t *testing.T, ctx context.Context, s *Store) error {
		_, err := s.ChangeObject(ctx, "space", "7", false, func(f Fields) error {
			delete(f, "members")
			f["owner"], f["title"] = []byte(`"cy"`), []byte(`"x"`)
			return nil
		})
		return err
	}, "object.change", "object:space/7", `[{"field":"owner","after":"changed"},{"field":"title","after":"added"},{"field":"members","after":"removed"}]`},
	{"DeleteObject", func(t *testing.T, ctx context.Context, s *Store) error { return s.DeleteObject(ctx, "space", "7") }, "object.delete", "object:space/7", ``},
	{"Propose", func(t *testing.T, ctx context.Context, s *Store) error {
		_, err := s.Propose(ctx, proposal(t, s, "a: 1", "ann", true))
		return err
	}, "revision.apply", "revision:1", `{"field":"state","after":"pending"}`},
	{"Approve", func(t *testing.T, ctx context.Context, s *Store) error { _, err := s.Approve(ctx, 1, "bo"); return err }, "revision.approve", "revision:1", `{"field":"decided_by","after":"bo"}`},
	{"RequireApproval", func(t *testing.T, ctx context.Context, s *Store) error {
		return s.RequireApproval(ctx, ApproveAll, "ann")
	}, "revision.rule", "rule:approval", `{"field":"approval","before":"weaker","after":"all"}`},
	{"Propose", func(t *testing.T, ctx context.Context, s *Store) error {
		p := proposal(t, s, "a: 2", "ann", false)
		p.Restores = 1
		_, err := s.Propose(ctx, p)
		return err
	}, "revision.rollback", "revision:2", `{"field":"restores","after":"1"}`},
	{"Reject", func(t *testing.T, ctx context.Context, s *Store) error { _, err := s.Reject(ctx, 2, "bo"); return err }, "revision.reject", "revision:2", `{"field":"state","after":"rejected"}`},
	{"ForgetInventory", func(t *testing.T, ctx context.Context, s *Store) error { return s.ForgetInventory(ctx, "moot") }, "inventory.forget", "api:moot", ``},
	{"DeleteConsumer", func(t *testing.T, ctx context.Context, s *Store) error { return s.DeleteConsumer(ctx, "bolt") }, "consumer.delete", "consumer:bolt key:key3 key:key4", ``},
}

// keysOf is whose the targets of changes are: their records are sealed with that.
var keysOf = map[string]string{"key:key1": "acme", "key:key2": "acme", "key:key3": "bolt", "key:key4": "bolt"}

// drain gives all actions that wait, in their order.
func drain(t *testing.T, s *Store) []*durward.AdminAction {
	t.Helper()
	var all []*durward.AdminAction
	for {
		a, err := s.NextAction(ctx, "log")
		if errors.Is(err, durward.ErrNotFound) {
			return all
		}
		must(t, err)
		must(t, s.Recorded(ctx, a))
		all = append(all, a)
	}
}

func TestEveryChangeLeavesOneActionWithItsActorAndNoSecret(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		actor := durward.Actor{User: "ann", UID: 1000, Command: "key revoke"}
		by := durward.WithActor(ctx, actor)
		for _, c := range changes {
			must(t, c.do(t, by, s))
			all := drain(t, s)
			if len(all) != 1 {
				t.Fatalf("%s left %d actions", c.method, len(all))
			}
			a := all[0]
			text, _ := json.Marshal(a)
			if a.Action != c.action || strings.Join(a.Targets, " ") != c.targets || !strings.Contains(string(text), c.changes) {
				t.Errorf("%s: %s\nwant %s of %s with %s", c.method, text, c.action, c.targets, c.changes)
			}
			for i, target := range a.Targets {
				if whose := keysOf[target]; a.WhoseTarget(i) != whose {
					t.Errorf("%s: %s is of %q, want %q", c.method, target, a.WhoseTarget(i), whose)
				}
			}
			if a.Actor != actor || a.ID == "" || a.At.IsZero() {
				t.Errorf("%s: actor %+v, id %q, at %s", c.method, a.Actor, a.ID, a.At)
			}
			for _, secret := range []string{secretHash, fmt.Sprintf("%x", secretHash), `"cy"`, `\"cy\"`, `"ann\"`} {
				if strings.Contains(string(text), secret) {
					t.Errorf("%s tells %s", c.method, secret)
				}
			}
		}
	})
}

func TestEveryMethodThatChangesSomethingIsTested(t *testing.T) {
	typ := reflect.TypeFor[*Store]()
	for i := range typ.NumMethod() {
		name := typ.Method(i).Name
		tested := slices.ContainsFunc(changes, func(c change) bool { return c.method == name })
		if reads := slices.Contains(readers, name); reads == tested {
			t.Errorf("%s must be either among those that change what people decide, with the action that it leaves, or among the others", name)
		}
	}
}

func TestAChangeThatFailsOrCannotBeNotedLeavesNeither(t *testing.T) {
	s := openStore(t, newURL(t), Options{})
	wantErr(t, s.DeleteConsumer(ctx, "nobody"), durward.ErrNotFound)
	if all := drain(t, s); len(all) != 0 {
		t.Errorf("a change that did not happen left %+v", all[0])
	}
	s.mostWaiting = 2
	must(t, s.CreateConsumer(ctx, consumer("a")))
	must(t, s.CreateConsumer(ctx, consumer("b")))
	wantErr(t, s.CreateConsumer(ctx, consumer("c")), ErrUnavailable)
	if _, err := s.LookUp("c"); err == nil {
		t.Error("a change that could not be noted happened")
	}
	if n, err := s.WaitingActions(ctx); n != 2 || err != nil {
		t.Errorf("%d wait: %v", n, err)
	}
	drain(t, s)
	must(t, s.CreateConsumer(ctx, consumer("c")))
	_, err := s.db.Exec("DROP TABLE admin_events")
	must(t, err)
	if err := s.CreateConsumer(ctx, consumer("d")); err == nil {
		t.Error("a change was made without a note")
	}
	if _, err := s.LookUp("d"); err == nil {
		t.Error("a change that could not be noted happened")
	}
}

func TestAnActionIsHandedToOneGatewayAtATimeAndInOrder(t *testing.T) {
	now := start
	s := openStore(t, "memory:", Options{Now: func() time.Time { return now }})
	must(t, s.CreateConsumer(ctx, consumer("a")))
	must(t, s.CreateConsumer(ctx, consumer("b")))
	one, err := s.NextAction(ctx, "one")
	must(t, err)
	again, err := s.NextAction(ctx, "one")
	must(t, err)
	if again.ID != one.ID || one.Targets[0] != "consumer:a" {
		t.Errorf("%+v, then %+v", one, again)
	}
	_, err = s.NextAction(ctx, "two")
	wantErr(t, err, durward.ErrNotFound)
	now = now.Add(-time.Second) // gateway two looked at the clock before gateway one did
	_, err = s.NextAction(ctx, "two")
	wantErr(t, err, durward.ErrNotFound)
	now = now.Add(adminLease + 2*time.Second) // gateway one is gone
	two, err := s.NextAction(ctx, "two")
	must(t, err)
	if two.ID != one.ID {
		t.Errorf("gateway two got %+v", two)
	}
	must(t, s.Recorded(ctx, two))
	must(t, s.Recorded(ctx, one)) // the other one lives after all: nothing more is deleted
	next, err := s.NextAction(ctx, "two")
	must(t, err)
	if next.Targets[0] != "consumer:b" {
		t.Errorf("the next one is %+v", next)
	}
}

func TestActionsOutliveTheProcess(t *testing.T) {
	url := newURL(t)
	s := openStore(t, url, Options{})
	must(t, s.CreateConsumer(ctx, consumer("a")))
	must(t, s.Close())
	all := drain(t, openStore(t, url, Options{}))
	if len(all) != 1 || all[0].Action != "consumer.create" {
		t.Fatalf("%+v", all)
	}
	if self := ProcessActor(); all[0].Actor != self || self.User == "" || self.PID == 0 {
		t.Errorf("without a name the actor is who runs the process, not %+v", all[0].Actor)
	}
}

// TestAnActionTellsWhoIsMeant: the log seals names one by one, and holders may
// have spaces in them.
func TestAnActionTellsWhoIsMeant(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		k := key("k1", "acme")
		k.Holders = []string{"Ann Lee", "bo"}
		must(t, s.CreateKey(ctx, k))
		_, err := s.Revoke(ctx, []Revocation{{Issuer: "https://id.example/a", Subject: "cy/7", Until: start.Add(time.Hour)}})
		must(t, err)
		all := drain(t, s)
		if got := all[1]; strings.Join(got.Persons, ",") != "Ann Lee,bo" || got.WhoseTarget(0) != "acme" {
			t.Errorf("%+v", got)
		}
		if got := all[2]; got.Targets[0] != "subject:https://id.example/a/cy/7" || got.WhoseTarget(0) != "cy/7" {
			t.Errorf("%+v", got)
		}
	})
}
