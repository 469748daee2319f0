// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"durward"
	"durward/internal/units"
)

// sign makes a token of an empty payload.
func sign(t testing.TB, k *Keys) string {
	t.Helper()
	b, err := k.Sign(nil, "JWT", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// published lists the states of the keys in the set.
func published(k *Keys) string {
	var states []string
	for _, s := range k.Status() {
		states = append(states, s.State)
	}
	return strings.Join(states, " ")
}

func TestKeysTakeTurnsAndOldTokensStayGood(t *testing.T) {
	for _, algorithm := range []string{"EdDSA", "ES256"} {
		t.Run(algorithm, func(t *testing.T) {
			c := newClock()
			k := open(t, Config{Issuer: "https://gw.test", Directory: t.TempDir(), Algorithm: algorithm, RotateAfter: hours(48), PublishAhead: hours(12)}, c)
			old := sign(t, k)
			first, _ := mustVerify(t, k, old)
			for _, step := range []struct {
				after   time.Duration // since the last step
				want    string        // what is published
				rotated bool
			}{
				{36*time.Hour - time.Second, "signing", false},
				{time.Second, "signing next", false},
				{12*time.Hour - time.Second, "signing next", false},
				{time.Second, "retired signing", true},
				{MaxLifetime + grace - time.Second, "retired signing", true},
				{time.Second, "signing", true},
			} {
				c.add(step.after)
				refresh(t, k)
				if got := published(k); got != step.want {
					t.Fatalf("after %v: %s, want %s", c.now().Sub(start), got, step.want)
				}
				kid, _ := mustVerify(t, k, sign(t, k))
				if rotated := kid != first; rotated != step.rotated {
					t.Fatalf("after %v: rotated is %t", c.now().Sub(start), rotated)
				}
				if strings.Contains(step.want, "retired") {
					mustVerify(t, k, old)
				}
			}
			body, _, _ := k.JWKS()
			if _, _, _, err := verify(t, body, old); err == nil {
				t.Error("a key is published though no token of it can be alive")
			}
		})
	}
}

func TestAKeySignsOnlyAfterItWasPublishedAsLongAsPromised(t *testing.T) {
	c := newClock()
	k := openDir(t, t.TempDir(), c)
	seen := map[string]time.Time{}
	for _, s := range k.Status() {
		seen[s.ID] = time.Time{} // the first key is there from the beginning
	}
	for range 24 * 30 {
		c.add(time.Hour)
		refresh(t, k)
		for _, s := range k.Status() {
			if _, ok := seen[s.ID]; !ok {
				seen[s.ID] = c.now()
			}
		}
		kid, _ := mustVerify(t, k, sign(t, k))
		if ahead := c.now().Sub(seen[kid]); ahead < 12*time.Hour {
			t.Fatalf("a key signs %v after it was published", ahead)
		}
	}
	if len(seen) != 15+1 { // 30 days, 2 days each, and the next one
		t.Errorf("%d keys in 30 days", len(seen))
	}
}

func TestAStartAfterALongPauseStillPublishesAhead(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	k := openDir(t, dir, c)
	kid, _ := mustVerify(t, k, sign(t, k))
	k.Close()
	c.add(365 * 24 * time.Hour)
	k = openDir(t, dir, c)
	if again, _ := mustVerify(t, k, sign(t, k)); again != kid || published(k) != "signing next" {
		t.Errorf("%s; the same key signs: %t", published(k), again == kid)
	}
}

func TestKeysSurviveARestartAndServeSeveralNodes(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	var wg sync.WaitGroup
	nodes := make([]*Keys, 8)
	for i := range nodes {
		wg.Go(func() { nodes[i] = openDir(t, dir, c) })
	}
	wg.Wait()
	for range 10 { // through several rotations
		for i := range nodes {
			wg.Go(func() {
				if err := nodes[i].refresh(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, n := range nodes {
			refresh(t, n)
		}
		for _, n := range nodes {
			for _, m := range nodes {
				mustVerify(t, m, sign(t, n))
			}
			if a, b := fmt.Sprint(n.Status()), fmt.Sprint(nodes[0].Status()); a != b {
				t.Fatalf("nodes differ: %s and %s", a, b)
			}
		}
		c.add(13 * time.Hour)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil || len(left) > 3 || len(hidden) != 0 {
		t.Errorf("files are left: %v %v", left, hidden)
	}
}

func TestKeyFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	openDir(t, dir, newClock())
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Join(dir, "key-000001.pem"): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestAChangeOfAlgorithmComesWithTheNextKey(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	openDir(t, dir, c).Close()
	cfg := Config{Issuer: "https://gw.test", Directory: dir, Algorithm: "ES256", RotateAfter: hours(48), PublishAhead: hours(12)}
	k := open(t, cfg, c)
	for _, want := range []string{"EdDSA", "EdDSA", "ES256", "ES256"} {
		for _, s := range k.Status() {
			if s.State == "signing" && s.Algorithm != want {
				t.Errorf("after %v: %s signs", c.now().Sub(start), s.Algorithm)
			}
		}
		if n := len(k.Status()); n > 2 {
			t.Errorf("%d keys are published", n)
		}
		c.add(6 * time.Hour)
		refresh(t, k)
		mustVerify(t, k, sign(t, k))
	}
}

func TestAKeyThatAWrongClockMadeDoesNotEndTheRotation(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	k := openDir(t, dir, c)
	c.add(20 * 365 * 24 * time.Hour)
	refresh(t, k)
	c.add(-20 * 365 * 24 * time.Hour)
	refresh(t, k)
	first, _ := mustVerify(t, k, sign(t, k))
	c.add(48 * time.Hour)
	refresh(t, k)
	c.add(12 * time.Hour)
	refresh(t, k)
	if second, _ := mustVerify(t, k, sign(t, k)); second == first {
		t.Error("the first key signs forever")
	}
	c.add(-100 * 365 * 24 * time.Hour) // before all keys
	mustVerify(t, k, sign(t, k))
}

func TestAWithdrawnKeyNoLongerSignsNorVerifies(t *testing.T) {
	c, dir := newClock(), t.TempDir()
	k := openDir(t, dir, c)
	s, err := Identity(IdentityConfig{Audience: "moot", Claims: []string{}}, k)
	if err != nil {
		t.Fatal(err)
	}
	c.add(48 * time.Hour)
	refresh(t, k)
	c.add(12 * time.Hour)
	refresh(t, k)
	stolen := run(t, s, newExchange(), defaultHeader) // and remembered
	if err := os.Remove(filepath.Join(dir, "key-000002.pem")); err != nil {
		t.Fatal(err)
	}
	refresh(t, k)
	body, _, _ := k.JWKS()
	if _, _, _, err := verify(t, body, stolen); err == nil {
		t.Error("a withdrawn key is still published")
	}
	mustVerify(t, k, run(t, s, newExchange(), defaultHeader))
}

func TestKeysThatCannotBeUsedStopTheStart(t *testing.T) {
	write := func(t *testing.T, path, text string, mode fs.FileMode) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, dir, file, text string)
		want   string
	}{
		{"an empty file", func(t *testing.T, _, file, _ string) { write(t, file, "", 0o600) }, "PEM"},
		{"half a file", func(t *testing.T, _, file, text string) { write(t, file, text[:len(text)/2], 0o600) }, "PEM"},
		{"two keys in one", func(t *testing.T, _, file, text string) { write(t, file, text+text, 0o600) }, "PEM"},
		{"a changed byte", func(t *testing.T, _, file, text string) {
			at := strings.Index(text, "\n\n") + 40
			write(t, file, text[:at]+string(text[at]^1)+text[at+1:], 0o600)
		}, ""},
		{"a key of another file's name", func(t *testing.T, _, file, text string) {
			write(t, file, strings.Replace(text, "Key-Id: ", "Key-Id: A", 1), 0o600)
		}, "corrupt"},
		{"no time", func(t *testing.T, _, file, text string) {
			write(t, file, strings.Replace(text, "Active: ", "Active: on ", 1), 0o600)
		}, "corrupt"},
		{"too large", func(t *testing.T, _, file, text string) { write(t, file, text+strings.Repeat("\n", maxKeyFile), 0o600) }, "larger"},
		{"readable for others", func(t *testing.T, _, file, text string) { write(t, file, text, 0o644) }, "mode"},
		{"readable for the group", func(t *testing.T, _, file, text string) { write(t, file, text, 0o640) }, "mode"},
		{"a folder in its place", func(t *testing.T, _, file, _ string) {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "regular"},
		{"a directory that others may write to", func(t *testing.T, dir, _, _ string) {
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}, "mode"},
		{"more keys than a set has", func(t *testing.T, dir, _, text string) {
			for i := 2; i < maxKeys+3; i++ {
				write(t, directory(dir).file(i), text, 0o600)
			}
		}, "more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, dir := newClock(), t.TempDir()
			running := openDir(t, dir, c)
			file := filepath.Join(dir, "key-000001.pem")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tc.change(t, dir, file, string(text))
			k, err := Open(Config{Issuer: "https://gw.test", Directory: dir}, c.now, slog.New(slog.DiscardHandler))
			if err == nil {
				k.Close()
				t.Fatal("it starts")
			}
			if !strings.HasPrefix(err.Error(), "directory: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("it says %q", err)
			}
			for line := range strings.Lines(string(text)) {
				if len(line) > 40 && strings.Contains(err.Error(), strings.TrimSpace(line)) {
					t.Errorf("it quotes the key: %q", err)
				}
			}
			// One that runs goes on with what it has.
			if running.refresh() == nil {
				t.Error("a running gateway does not see it")
			}
			mustVerify(t, running, sign(t, running))
		})
	}
}

func TestADirectoryThatLostItsKeysIsTakenForOneThatIsAway(t *testing.T) {
	dir := t.TempDir()
	var out strings.Builder
	k, err := Open(Config{Issuer: "https://gw.test", Directory: dir}, newClock().now, slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	before := sign(t, k)
	if err := os.Remove(filepath.Join(dir, "key-000001.pem")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		k.report(k.refresh())
	}
	if mustVerify(t, k, before); strings.Count(out.String(), "lost all its keys") != 1 {
		t.Errorf("the log says %s", out.String())
	}
}

// fixedKey writes a key as other programs do, without headers.
func fixedKey(t *testing.T, name string, mode fs.FileMode) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOfFixedKeysTheFirstSignsAndAllArePublished(t *testing.T) {
	a, b := fixedKey(t, "a.pem", 0o440), fixedKey(t, "b.pem", 0o600)
	cfg := Config{Issuer: "https://gw.test", KeyFiles: []string{a, b}}
	k := open(t, cfg, newClock())
	other := open(t, Config{Issuer: "https://gw.test", KeyFiles: []string{b}}, newClock())
	mustVerify(t, k, sign(t, k))
	mustVerify(t, k, sign(t, other)) // by the key that is only published
	if got := published(k); got != "signing published" {
		t.Error(got)
	}
	// The files change: the new key signs from the next look on.
	data, err := os.ReadFile(fixedKey(t, "c.pem", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	before := sign(t, k)
	if err := os.Rename(fixedKey(t, "d.pem", 0o600), a); err != nil || len(data) == 0 {
		t.Fatal(err)
	}
	refresh(t, k)
	body, _, _ := k.JWKS()
	if _, _, _, err := verify(t, body, before); err == nil {
		t.Error("the replaced key is still published")
	}
	mustVerify(t, k, sign(t, k))
	for name, files := range map[string][]string{
		"twice the same": {b, b}, "readable for others": {fixedKey(t, "e.pem", 0o644)}, "not there": {filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := Open(Config{Issuer: "i", KeyFiles: files}, time.Now, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: it starts", name)
		}
	}
}

func TestCheckReportsEveryFaultOfTheKeys(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config Config
		want   []string
	}{
		{"a directory", Config{Issuer: "https://gw.test", Directory: "d"}, nil},
		{"files", Config{Issuer: "https://gw.test", KeyFiles: []string{"a", "b"}}, nil},
		{"nothing", Config{}, []string{"issuer", ""}},
		{"both", Config{Issuer: "i", Directory: "d", KeyFiles: []string{"a"}}, []string{""}},
		{"rotation of fixed keys", Config{Issuer: "i", KeyFiles: []string{""}, Algorithm: "EdDSA"}, []string{"key_files", ""}},
		{"an algorithm that is not there", Config{Issuer: "a b", Directory: "d", Algorithm: "RS256"}, []string{"issuer", "algorithm"}},
		{"keys for minutes", Config{Issuer: "i", Directory: "d", RotateAfter: units.Duration(time.Minute)}, []string{"rotate_after"}},
		{"no time to publish", Config{Issuer: "i", Directory: "d", RotateAfter: hours(1), PublishAhead: hours(1)}, []string{"publish_ahead"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, f := range durward.Flatten(tc.config.Check()) {
				got = append(got, f.(*durward.FieldError).Field)
			}
			if a, b := fmt.Sprintf("%q", got), fmt.Sprintf("%q", tc.want); a != b {
				t.Errorf("fields %s, want %s", a, b)
			}
		})
	}
}

// FuzzKeyFile checks that a key file is refused, or gives a key that signs,
// has the id that it names, and is written as it was read.
func FuzzKeyFile(f *testing.F) {
	for _, alg := range []string{"EdDSA", "ES256"} {
		k, err := newKey(alg, start)
		if err != nil {
			f.Fatal(err)
		}
		text, err := k.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := parseKey(data, true)
		if err != nil {
			return
		}
		if _, err := k.token(nil, "JWT", []byte("{}")); err != nil || !json.Valid([]byte(k.jwk)) {
			t.Fatalf("the key cannot be used: %v, %s", err, k.jwk)
		}
		text, err := k.encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseKey(text, true); err != nil || again.id != k.id || !again.active.Equal(k.active) {
			t.Fatalf("it reads back as another key: %v", err)
		}
	})
}
