// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward"
	"durward/authn"
	"durward/authn/keyring"
	"durward/authn/keyring/foreign"
)

const alien = "Zk3vT9qLw8XyB4nHs6PdRf2JmC7gUe5A"

var pepper = bytes.Repeat([]byte("p"), 32)

// minted is the text of a key that is stored nowhere.
func minted(t testing.TB, pepper []byte) (text, id string, hash [32]byte) {
	t.Helper()
	text, id, hash, err := authn.MintKey(pepper, "live")
	must(t, err)
	return text, id, hash
}

func TestALineBecomesAKey(t *testing.T) {
	text, id, hash := minted(t, pepper)
	alienHash := authn.HashKey(pepper, alien)
	for _, c := range []struct {
		name, line string
		want       durward.Key
	}{
		{"one of ours by its text", `{"consumer":"acme","key":"` + text + `"}`,
			durward.Key{ID: id, Environment: "live", Consumer: "acme", Hash: hash}},
		{"one of ours with what is known of it", `{"key":"` + text + `","id":"` + id + `","environment":"live","consumer":"acme"}`,
			durward.Key{ID: id, Environment: "live", Consumer: "acme", Hash: hash}},
		{"one of ours by its hash", `{"consumer":"acme","id":"` + id + `","environment":"live","hash":"` + hex.EncodeToString(hash[:]) + `"}`,
			durward.Key{ID: id, Environment: "live", Consumer: "acme", Hash: hash}},
		{"a foreign one", `{"consumer":"acme","key":"` + alien + `"}`,
			durward.Key{ID: foreign.ID(alienHash), Environment: "ext", Consumer: "acme", Hash: alienHash}},
		{"a foreign one by its hash", `{"consumer":"acme","id":"` + foreign.ID(alienHash) + `","environment":"ext","hash":"` + hex.EncodeToString(alienHash[:]) + `"}`,
			durward.Key{ID: foreign.ID(alienHash), Environment: "ext", Consumer: "acme", Hash: alienHash}},
		{"with everything", `{"consumer":"acme","key":"` + alien + `","name":"n","plan":"gold","holders":["ada"],"roles":["r"],"scopes":["s"],` +
			`"addresses":["192.0.2.0/24"],"denied":["192.0.2.1/32"],"created":"2026-11-21T10:00:00Z","expires":"2026-11-21T11:00:00+01:00","revoked":"2026-11-21T10:00:01Z"}`,
			durward.Key{ID: foreign.ID(alienHash), Environment: "ext", Consumer: "acme", Hash: alienHash, Name: "n", Plan: "gold", Holders: []string{"ada"},
				Roles: []string{"r"}, Scopes: []string{"s"}, Addresses: networks("192.0.2.0/24"), Denied: networks("192.0.2.1/32"),
				Created: start, Expires: start, Revoked: start.Add(time.Second)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			records, err := keyring.ParseImport(strings.NewReader("\n  "+c.line+"\r\n\n"), pepper)
			must(t, err)
			if diff := cmp.Diff([]keyring.Record{{Line: 2, Key: c.want}}, records, prefixes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALineThatIsNotUnderstoodIsRefusedWithoutQuotingIt(t *testing.T) {
	text, id, hash := minted(t, pepper)
	sum := hex.EncodeToString(hash[:])
	extText, _, _, err := authn.MintKey(pepper, "ext")
	must(t, err)
	for _, c := range []struct{ name, line, want string }{
		{"no JSON", text, "is not one JSON object in UTF-8"},
		{"a list", `["` + text + `"]`, "is not one JSON object in UTF-8"},
		{"cut", `{"consumer":"acme","key":"` + text, "is not one JSON object in UTF-8"},
		{"cut before the end", `{"consumer":"acme","key":"` + text + `"`, "is not one JSON object in UTF-8"},
		{"something behind", `{"consumer":"acme","key":"` + text + `"} x`, "is not one JSON object in UTF-8"},
		{"two objects", `{"consumer":"acme","key":"` + text + `"}{}`, "is not one JSON object in UTF-8"},
		{"an unknown member", `{"consumer":"acme","key":"` + text + `","` + text + `":1}`, "has a member that is not known, or one twice"},
		{"a member twice", `{"consumer":"acme","key":"` + text + `","key":"x"}`, "has a member that is not known, or one twice"},
		{"a member in capitals", `{"consumer":"acme","KEY":"` + text + `"}`, "has a member that is not known, or one twice"},
		{"a key that is a number", `{"consumer":"acme","key":7}`, "key: is not what it should be"},
		{"a key among the addresses", `{"consumer":"acme","key":"` + text + `","addresses":["` + text + `"]}`, "addresses: is not what it should be"},
		{"a time that is none", `{"consumer":"acme","key":"` + text + `","expires":"` + text + `"}`, "expires: is not what it should be"},
		{"an address with bits behind", `{"consumer":"acme","key":"` + text + `","addresses":["10.0.0.1/8"]}`, "addresses: holds what is no network"},
		{"no consumer", `{"key":"` + text + `"}`, "names no consumer"},
		{"no key", `{"consumer":"acme"}`, "give either key, or id with hash"},
		{"key and hash", `{"consumer":"acme","key":"` + text + `","hash":"` + sum + `"}`, "give either key, or id with hash"},
		{"hash without id", `{"consumer":"acme","hash":"` + sum + `"}`, "give either key, or id with hash"},
		{"a checksum that is wrong", `{"consumer":"acme","key":"` + text[:len(text)-1] + `!"}`, "api key: not the text of a key"},
		{"the id of another key", `{"consumer":"acme","key":"` + text + `","id":"aaaaaaaaaaaa"}`, "id is not that of such a key"},
		{"another environment", `{"consumer":"acme","key":"` + text + `","environment":"test"}`, "environment is not that of the key"},
		{"one of ours that poses as foreign", `{"consumer":"acme","key":"` + extText + `"}`, "environment is not that of the key"},
		{"a foreign key that is short", `{"consumer":"acme","key":"secret"}`, "a foreign key has 20 to 256 visible ASCII characters"},
		{"a foreign key that can be guessed", `{"consumer":"acme","key":"changemechangemechangeme"}`, "the key could be guessed"},
		{"a hash that is short", `{"consumer":"acme","id":"` + id + `","environment":"live","hash":"` + sum[2:] + `"}`, "hash is not 64 hexadecimal digits"},
		{"a hash that is none", `{"consumer":"acme","id":"` + id + `","environment":"live","hash":"` + strings.Repeat("0", 64) + `"}`, "hash is not 64 hexadecimal digits"},
		{"a hash of a text", `{"consumer":"acme","id":"` + id + `","environment":"live","hash":"` + text + `"}`, "hash is not 64 hexadecimal digits"},
		{"a foreign id of another hash", `{"consumer":"acme","id":"ext-aaaa","environment":"ext","hash":"` + sum + `"}`, "id is not that of such a key"},
		{"a foreign id in our environment", `{"consumer":"acme","id":"ext-aaaa","environment":"live","hash":"` + sum + `"}`, "environment is not that of the key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			records, err := keyring.ParseImport(strings.NewReader("\n"+c.line), pepper)
			if err == nil || !strings.HasPrefix(err.Error(), "line 2: ") || !strings.Contains(err.Error(), c.want) || records != nil {
				t.Fatalf("%v, %v, want %s", records, err, c.want)
			}
			if strings.Contains(err.Error(), text[8:]) || strings.Contains(err.Error(), "changeme") {
				t.Error("the error tells the key")
			}
		})
	}
}

func TestFilesAreBounded(t *testing.T) {
	_, err := keyring.ParseImport(strings.NewReader("{}\n"+strings.Repeat("x", 64<<10)), pepper)
	if err == nil || !strings.Contains(err.Error(), "line 2: is longer than 64 KiB") {
		t.Error(err)
	}
	_, err = keyring.ParseImport(strings.NewReader(strings.Repeat("{}\n", 200)), pepper)
	if n := len(durward.Flatten(err)); n != 100 {
		t.Errorf("%d errors", n)
	}
	line := `{"consumer":"a","id":"i","environment":"live","hash":"` + strings.Repeat("ab", 32) + "\"}\n"
	_, err = keyring.ParseImport(strings.NewReader(strings.Repeat(line, 100_001)), pepper)
	if err == nil || err.Error() != "the file has more than 100000 lines" {
		t.Error(err)
	}
	broken := errors.New("the disk is gone")
	if _, err = keyring.ParseImport(iotest.ErrReader(broken), pepper); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func imported(t *testing.T, w *world, opts keyring.ImportOptions, lines ...string) keyring.Imported {
	t.Helper()
	done, err := w.Import(ctx, strings.NewReader(strings.Join(lines, "\n")), opts)
	must(t, err)
	return done
}

func TestAnImportCanBeDoneAgainAndBringsNothingBack(t *testing.T) {
	w := newWorld(t)
	text, id, _ := minted(t, w.store.Pepper())
	alienID := foreign.ID(authn.HashKey(w.store.Pepper(), alien))
	lines := []string{
		`{"consumer":"acme","key":"` + text + `","name":"ours"}`,
		`{"consumer":"kong","key":"` + alien + `","name":"theirs"}`,
	}
	if _, err := w.Import(ctx, strings.NewReader(strings.Join(lines, "\n")), keyring.ImportOptions{}); err == nil || err.Error() != "line 2: its consumer: not found" {
		t.Fatal(err)
	}
	w.events = nil
	tried := imported(t, w, keyring.ImportOptions{MakeConsumers: true, DryRun: true}, lines...)
	if w.store.Stats().Keys != 0 || len(w.events) != 0 {
		t.Fatal("a dry run did something")
	}
	done := imported(t, w, keyring.ImportOptions{MakeConsumers: true}, lines...)
	if diff := cmp.Diff(tried, done, prefixes); diff != "" {
		t.Errorf("a dry run says something else: %s", diff)
	}
	if diff := cmp.Diff([]string{id, alienID}, ids(done.Keys)); diff != "" || !cmp.Equal(done.Consumers, []string{"kong"}) {
		t.Errorf("%s, consumers %v", diff, done.Consumers)
	}
	if got := w.recorded(); got != "system root@console key.import consumer= key=: 2 keys, 1 consumers made\n" {
		t.Errorf("recorded %q", got)
	}
	_, err := w.Revoke(ctx, alienID)
	must(t, err)
	again := imported(t, w, keyring.ImportOptions{}, lines...)
	if diff := cmp.Diff(keyring.Imported{Present: []string{id, alienID}}, again); diff != "" {
		t.Error(diff)
	}
	if k, _, _ := w.store.Key(ctx, alienID); k.Revoked.IsZero() {
		t.Error("the import brought a revoked key back")
	}
	if !cmp.Equal(imported(t, w, keyring.ImportOptions{}), keyring.Imported{}) {
		t.Error("an empty file did something")
	}
}

func TestAnImportIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	good := `{"consumer":"acme","key":"` + alien + `"}`
	taken := create(t, w, nil)
	leaked, leakedID, _ := minted(t, w.store.Pepper())
	_, err := w.DenyTexts(ctx, strings.NewReader(leaked), "")
	must(t, err)
	for _, c := range []struct {
		name, line string
		opts       keyring.ImportOptions
		want       error
	}{
		{"a bad line", `{}`, keyring.ImportOptions{}, nil},
		{"an id that is taken", `{"consumer":"acme","id":"` + taken.Key.ID + `","environment":"live","hash":"` + strings.Repeat("ab", 32) + `"}`, keyring.ImportOptions{}, durward.ErrExists},
		{"a leaked key", `{"consumer":"acme","key":"` + leaked + `"}`, keyring.ImportOptions{}, keyring.ErrLeaked},
		{"a leaked key by hash under another id", `{"consumer":"acme","id":"other","environment":"live","hash":"` +
			hexHash(authn.HashKey(w.store.Pepper(), leaked)) + `"}`, keyring.ImportOptions{}, keyring.ErrLeaked},
		{"no consumer", `{"consumer":"nobody","key":"` + leaked + `x"}`, keyring.ImportOptions{}, nil},
		{"a consumer that is not there", `{"consumer":"nobody","id":"k","environment":"live","hash":"` + strings.Repeat("ab", 32) + `"}`, keyring.ImportOptions{}, durward.ErrNotFound},
		{"a consumer that cannot be made", `{"consumer":"A B","id":"k","environment":"live","hash":"` + strings.Repeat("ab", 32) + `"}`, keyring.ImportOptions{MakeConsumers: true}, nil},
		{"a name that cannot be stored", `{"consumer":"acme","id":"k","environment":"live","hash":"` + strings.Repeat("ab", 32) + `","name":"` + strings.Repeat("n", 201) + `"}`, keyring.ImportOptions{}, durward.ErrInvalid},
	} {
		done, err := w.Import(ctx, strings.NewReader(good+"\n"+c.line), c.opts)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if len(done.Keys)+len(done.Consumers) > 0 || w.store.Stats().Keys != 1 || w.store.Stats().Consumers != 1 {
			t.Fatalf("%s: something was stored", c.name)
		}
	}
	if _, _, err := w.store.Key(ctx, leakedID); !errors.Is(err, durward.ErrNotFound) {
		t.Error(err)
	}
}

func hexHash(hash [32]byte) string { return hex.EncodeToString(hash[:]) }

func TestAForeignKeyIsRotatedIntoOneOfOurs(t *testing.T) {
	w := newWorld(t)
	done := imported(t, w, keyring.ImportOptions{}, `{"consumer":"acme","key":"`+alien+`","name":"theirs","plan":"gold"}`)
	made, _, err := w.Rotate(ctx, done.Keys[0].ID, keyring.Rotation{Overlap: day})
	must(t, err)
	if k := made.Key; k.Environment != "live" || k.Name != "theirs" || k.Plan != "gold" || !strings.HasPrefix(made.Secret.Reveal(), "dw_live_") {
		t.Errorf("%+v", k)
	}
}

func TestLeakedKeysAreFoundWhereverTheyStand(t *testing.T) {
	w := newWorld(t)
	made := create(t, w, nil)
	text := made.Secret.Reveal()
	other, _, otherHash := minted(t, w.store.Pepper())
	done := imported(t, w, keyring.ImportOptions{}, `{"consumer":"acme","key":"`+alien+`"}`)
	w.events = nil
	file := "found on a public page:\n\nexport KEY='" + text + "'; other=" + other + "\n" + text + "\r\n  " + alien + "\nnothing here\n"
	denied, err := w.DenyTexts(ctx, strings.NewReader(file), "public page")
	must(t, err)
	if denied.Named != 3 || denied.Empty != 2 {
		t.Errorf("%d named, %d lines without", denied.Named, denied.Empty)
	}
	if diff := cmp.Diff([]string{made.Key.ID, done.Keys[0].ID}, ids(denied.Keys)); diff != "" {
		t.Error(diff)
	}
	for _, id := range []string{made.Key.ID, done.Keys[0].ID} {
		if k, _, err := w.store.Key(ctx, id); err != nil || k.Revoked.IsZero() || k.Leaked.IsZero() {
			t.Errorf("%s is good: %v", id, err)
		}
	}
	if w.store.Denied("", otherHash).IsZero() {
		t.Error("a key that is not stored is not on the list")
	}
	events := w.recorded()
	for _, secret := range []string{text[20:], alien, other[20:]} {
		if strings.Contains(events, secret) {
			t.Error("an event tells the key")
		}
	}
	if want := fmt.Sprintf("system root@console key.deny consumer= key=: 3 named, 2 keys of this store; public page\n"+
		"system root@console key.deny consumer=acme key=%s: public page\nsystem root@console key.deny consumer=acme key=%s: public page\n",
		made.Key.ID, done.Keys[0].ID); events != want {
		t.Errorf("recorded %q", events)
	}
}

func TestAForeignKeyIsFoundInWhatPeoplePaste(t *testing.T) {
	padded := alien[:27] + "="
	for name, line := range map[string]string{
		"alone":           alien,
		"in JSON":         `{"consumer":"acme","key":"` + alien + `"}`,
		"a header":        "X-API-Key: " + alien,
		"an assignment":   "export API_KEY=" + alien + ";",
		"quoted":          "key='" + alien + "'",
		"in a query":      "GET /me?key=" + alien + "&x=1",
		"padded, in JSON": `{"key":"` + padded + `"}`,
		"padded, alone":   padded,
	} {
		w := newWorld(t)
		key := alien
		if strings.HasPrefix(name, "padded") {
			key = padded
		}
		imported(t, w, keyring.ImportOptions{}, `{"consumer":"acme","key":"`+key+`"}`)
		if denied, err := w.DenyTexts(ctx, strings.NewReader(line), ""); err != nil || len(denied.Keys) != 1 {
			t.Errorf("%s: %d keys, %v", name, len(denied.Keys), err)
		}
	}
}

func TestNobodyCanHaveAnothersKeyDeniedByItsID(t *testing.T) {
	w := newWorld(t)
	made := create(t, w, nil)
	// A text with that id and another secret, as anybody can make one.
	var forged string
	for forged == "" {
		text, _, _ := minted(t, w.store.Pepper())
		forged = text[:len("dw_live_")] + made.Key.ID + text[len("dw_live_")+12:]
	}
	denied, err := w.DenyTexts(ctx, strings.NewReader(forged+"\n"+alien), "")
	must(t, err)
	if k, _, _ := w.store.Key(ctx, made.Key.ID); !k.Revoked.IsZero() || len(denied.Keys) != 0 {
		t.Error("a text that is not the key's has denied it")
	}
}

func TestADenialOfNothingIsAnError(t *testing.T) {
	w := newWorld(t)
	_, err := w.DenyTexts(ctx, strings.NewReader("hello\n\n"), "")
	wantErr(t, err, keyring.ErrNoKey)
	_, err = w.DenyIDs(ctx, nil, "")
	wantErr(t, err, keyring.ErrNoKey)
	_, err = w.DenyIDs(ctx, []string{"a", ""}, "")
	var field *durward.FieldError
	if !errors.As(err, &field) {
		t.Error(err)
	}
	_, err = w.DenyIDs(ctx, []string{"a"}, strings.Repeat("n", 201))
	wantErr(t, err, durward.ErrInvalid)
	_, err = w.DenyTexts(ctx, strings.NewReader(strings.Repeat(alien, 3000)), "")
	var line *keyring.LineError
	if !errors.As(err, &line) || line.Line != 1 {
		t.Error(err)
	}
	if n := w.store.Stats().Denials; n != 0 || strings.Count(w.recorded(), "key.deny refused") != 5 {
		t.Errorf("%d denials", n)
	}
}

func FuzzParseImport(f *testing.F) {
	text, id, hash := minted(f, pepper)
	for _, line := range []string{
		`{"consumer":"acme","key":"` + text + `"}`, `{"consumer":"acme","key":"` + alien + `","expires":"2026-11-21T10:00:00Z"}`,
		`{"consumer":"acme","id":"` + id + `","environment":"live","hash":"` + hexHash(hash) + `","addresses":["10.0.0.0/8"]}`,
		"\n\n{}\n[]", `{"key":{"a":[1,2]}}`, `{"consumer":"a","consumer":"b"}`, "\x00", `{"key":"\ud800"}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		records, err := keyring.ParseImport(bytes.NewReader(file), pepper)
		if err != nil && records != nil {
			t.Fatal("records beside an error")
		}
		last := 0
		for _, r := range records {
			if r.Line <= last || r.Key.Hash == [32]byte{} || r.Key.ID == "" || r.Key.Consumer == "" {
				t.Fatalf("%+v behind line %d", r, last)
			}
			if (r.Key.Environment == "ext") != (r.Key.ID == foreign.ID(r.Key.Hash)) {
				t.Fatalf("%+v", r)
			}
			last = r.Line
		}
	})
}
