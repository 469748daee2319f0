// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"durward"
)

// eventually waits, bounded, for what another goroutine does in real time.
func eventually(t testing.TB, what string, ok func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		if <-ticker.C; time.Since(begun) > time.Minute {
			t.Fatalf("%s did not happen", what)
		}
	}
	return time.Since(begun)
}

// rawDB opens the file of a store beside it, as a stranger would.
func rawDB(t testing.TB, url string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:")+"?_pragma=busy_timeout(60000)")
	must(t, err)
	t.Cleanup(func() { db.Close() })
	conn, err := db.Conn(ctx)
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func execute(t testing.TB, conn *sql.Conn, statement string) {
	t.Helper()
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// seeded makes a store with one key and closes it.
func seeded(t testing.TB) string {
	t.Helper()
	url := newURL(t)
	s := openStore(t, url, Options{})
	must(t, s.CreateConsumer(ctx, consumer("acme")))
	must(t, s.CreateKey(ctx, key("k1", "acme")))
	must(t, s.Close())
	return url
}

func refused(t testing.TB, url string, want error) string {
	t.Helper()
	s, err := Open(ctx, url, Options{BusyTimeout: 50 * time.Millisecond})
	if err == nil {
		s.Close()
		t.Fatal("the store was opened")
	}
	if want != nil {
		wantErr(t, err, want)
	}
	return err.Error()
}

func TestAChangeByAnotherProcessReachesTheIndexInTime(t *testing.T) {
	url := seeded(t)
	gateway := openStore(t, url, Options{Now: time.Now})
	cli := openStore(t, url, Options{})
	must(t, cli.RevokeKey(ctx, "k1", start))
	took := eventually(t, "the revocation", func() bool {
		k, _, err := gateway.Key(ctx, "k1")
		return err == nil && k.Revoked.Equal(start)
	})
	t.Logf("seen after %v", took)
	must(t, cli.DeleteConsumer(ctx, "acme"))
	eventually(t, "the deletion", func() bool {
		_, _, err := gateway.Key(ctx, "k1")
		return errors.Is(err, durward.ErrNotFound)
	})
	must(t, gateway.CreateConsumer(ctx, consumer("acme")))
	must(t, cli.CreateKey(ctx, key("k2", "acme"))) // though cli has not polled yet
	if _, _, err := cli.Key(ctx, "k2"); err != nil {
		t.Error(err)
	}
	must(t, gateway.Health())
}

func TestUsesOfKeysAreWrittenTogetherAndAreNoChange(t *testing.T) {
	url := seeded(t)
	s := openStore(t, url, Options{Poll: 5 * time.Millisecond, Now: time.Now})
	s.Touch("k1", start.Add(90*time.Second))
	s.Touch("k1", start)      // out of order
	s.Touch("unknown", start) // ignored
	must(t, s.writeUses(ctx))
	keys, err := s.Keys(ctx, "acme")
	must(t, err)
	if got := keys[0].LastUsed; !got.Equal(start.Add(90 * time.Second).Truncate(time.Minute)) {
		t.Errorf("last used %v", got)
	}
	written := time.Now().Add(20 * time.Millisecond)
	eventually(t, "a poll", func() bool { return s.Stats().Fresh.After(written) })
	if st := s.Stats(); st.Reloads != 1 {
		t.Errorf("a use made the index load %d times", st.Reloads)
	}
	s.Touch("k1", start.Add(5*time.Minute))
	must(t, s.Close()) // writes what is pending
	again := openStore(t, url, Options{})
	k, _, err := again.Key(ctx, "k1")
	must(t, err)
	if !k.LastUsed.Equal(start.Add(5 * time.Minute).Truncate(time.Minute)) {
		t.Errorf("last used %v", k.LastUsed)
	}
	must(t, again.RevokeKey(ctx, "k1", start))
	must(t, again.DeleteConsumer(ctx, "acme"))
	again.uses.add("k1", 1) // of a key that is gone
	must(t, again.writeUses(ctx))
}

func TestUsesAreBounded(t *testing.T) {
	var u uses
	for i := range maxUses + 10 {
		u.add(string(rune(i+0x10000)), 1)
	}
	if len(u.pending) != maxUses || u.dropped.Load() != 10 {
		t.Errorf("%d pending, %d dropped", len(u.pending), u.dropped.Load())
	}
}

func TestWhileTheDatabaseIsLockedReadsAnswerAndWritesFail(t *testing.T) {
	url := seeded(t)
	s := openStore(t, url, Options{BusyTimeout: 500 * time.Millisecond, Poll: 5 * time.Millisecond})
	other := rawDB(t, url)
	execute(t, other, "BEGIN IMMEDIATE")

	if _, _, err := s.Key(ctx, "k1"); err != nil {
		t.Error(err)
	}
	wantErr(t, s.RevokeKey(ctx, "k1", start), ErrUnavailable)
	if k, _, _ := s.Key(ctx, "k1"); !k.Revoked.IsZero() {
		t.Error("a write that failed is in the index")
	}
	s.Touch("k1", start)
	wantErr(t, s.writeUses(ctx), ErrUnavailable)
	must(t, s.Health()) // the index is still what the database is

	execute(t, other, "ROLLBACK")
	must(t, s.RevokeKey(ctx, "k1", start))
	must(t, s.writeUses(ctx)) // it was kept
	if keys, _ := s.Keys(ctx, ""); keys[0].LastUsed.IsZero() {
		t.Error("the use was lost")
	}
}

func TestACancelledWriteLeavesTheStoreWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.CreateConsumer(ctx, consumer("acme")))
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		wantErr(t, s.CreateKey(cancelled, key("k1", "acme")), ErrUnavailable)
		must(t, s.CreateKey(ctx, key("k1", "acme")))
	})
}

func TestADatabaseThatIsGoneIsReportedAndAnsweredFromMemory(t *testing.T) {
	url := seeded(t)
	s := openStore(t, url, Options{Poll: 5 * time.Millisecond})
	path := strings.TrimPrefix(url, "sqlite:")
	must(t, os.Rename(path, path+".away"))
	eventually(t, "the report", func() bool { return s.Health() != nil })
	wantErr(t, s.Health(), ErrUnavailable)
	if s.Stats().StaleSince.IsZero() {
		t.Error("stats do not tell since when")
	}
	if _, _, err := s.Key(ctx, "k1"); err != nil {
		t.Error(err)
	}
	must(t, os.Rename(path+".away", path))
	eventually(t, "the recovery", func() bool { return s.Health() == nil })
	if !s.Stats().StaleSince.IsZero() {
		t.Error("still stale")
	}
}

func TestAnUnsoundDatabaseIsRefused(t *testing.T) {
	at := func(url string) string { return strings.TrimPrefix(url, "sqlite:") }
	for name, test := range map[string]struct {
		damage func(t *testing.T, url string)
		want   error
	}{
		"not a database": {func(t *testing.T, url string) {
			must(t, os.WriteFile(at(url), []byte(strings.Repeat("not a database ", 1000)), 0o600))
		}, ErrCorrupt},
		"pages overwritten": {func(t *testing.T, url string) {
			content, err := os.ReadFile(at(url))
			must(t, err)
			for i := 4096 + 8; i < len(content); i++ {
				content[i] ^= 0x55
			}
			must(t, os.WriteFile(at(url), content, 0o600))
		}, ErrCorrupt},
		"of another application": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "PRAGMA application_id = 7")
		}, ErrCorrupt},
		"migration changed": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "UPDATE migrations SET checksum = 'x' WHERE version = 1")
		}, ErrCorrupt},
		"migration missing": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "UPDATE migrations SET version = 9 WHERE version = 1")
		}, ErrCorrupt},
		"of a newer version": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "INSERT INTO migrations VALUES (99, '0099_future', 'x')")
		}, ErrNewer},
		"list is not JSON": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "UPDATE keys SET addresses = '10.0.0.0/8'")
		}, ErrCorrupt},
		"address is none": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), `UPDATE keys SET addresses = '["10/8"]'`)
		}, ErrCorrupt},
		"address of a consumer is none": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), `UPDATE consumers SET denied = '["10/8"]'`)
		}, ErrCorrupt},
		"holders are not JSON": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "UPDATE keys SET holders = 'ada'")
		}, ErrCorrupt},
		"denied hash cut": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "INSERT INTO denials VALUES ('hash', x'00', '', 1)")
		}, ErrCorrupt},
		"database readable by others": {func(t *testing.T, url string) {
			must(t, os.Chmod(at(url), 0o644))
		}, nil},
		"pepper readable by others": {func(t *testing.T, url string) {
			must(t, os.Chmod(at(url)+".pepper", 0o640))
		}, nil},
		"pepper missing": {func(t *testing.T, url string) {
			must(t, os.Remove(at(url)+".pepper"))
		}, ErrPepper},
		"pepper of another store": {func(t *testing.T, url string) {
			must(t, os.WriteFile(at(url)+".pepper", []byte(strings.Repeat("p", 32)), 0o600))
		}, ErrPepper},
		"pepper cut": {func(t *testing.T, url string) {
			must(t, os.Truncate(at(url)+".pepper", 31))
		}, ErrPepper},
		"a directory": {func(t *testing.T, url string) {
			must(t, os.Remove(at(url)))
			must(t, os.Mkdir(at(url), 0o700))
		}, nil},
		"locked": {func(t *testing.T, url string) {
			execute(t, rawDB(t, url), "BEGIN IMMEDIATE")
		}, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			url := seeded(t)
			test.damage(t, url)
			message := refused(t, url, test.want)
			if !strings.Contains(message, filepath.Base(at(url))) {
				t.Errorf("the error does not name the file: %s", message)
			}
		})
	}
}

func TestAPepperIsMadeAnewOnlyWhileThereAreNoKeys(t *testing.T) {
	url := newURL(t)
	s := openStore(t, url, Options{})
	old := string(s.Pepper())
	must(t, s.Close())
	must(t, os.Remove(s.PepperPath()))
	again := openStore(t, url, Options{})
	if string(again.Pepper()) == old {
		t.Error("the same pepper came twice")
	}
	must(t, again.Close())
	must(t, openStore(t, url, Options{}).Close())
}

func TestThePepperIsNotInTheDatabase(t *testing.T) {
	url := seeded(t)
	path := strings.TrimPrefix(url, "sqlite:")
	pepper, err := os.ReadFile(path + ".pepper")
	must(t, err)
	for _, file := range []string{path, path + "-wal"} {
		content, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if strings.Contains(string(content), string(pepper)) {
			t.Errorf("%s holds the pepper", filepath.Base(file))
		}
	}
}

func TestMigrationsApplyInOrderAndAllOrNothing(t *testing.T) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "m.db")+"?_txlock=immediate")
	must(t, err)
	defer db.Close()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	files := fstest.MapFS{"0001_one.sql": file("CREATE TABLE one (a); CREATE TABLE two (a);")}
	one, err := readMigrations(files)
	must(t, err)
	must(t, applyMigrations(ctx, db, one))
	must(t, applyMigrations(ctx, db, one))
	files["0002_bad.sql"] = file("CREATE TABLE three (a); SYNTAX ERROR;")
	bad, err := readMigrations(files)
	must(t, err)
	if err := applyMigrations(ctx, db, bad); err == nil || !strings.Contains(err.Error(), "0002_bad") {
		t.Errorf("error %v", err)
	}
	var n int
	must(t, db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name = 'three'").Scan(&n))
	if n != 0 {
		t.Error("half a migration was applied")
	}
	files["0002_bad.sql"] = file("CREATE TABLE three (a);")
	good, err := readMigrations(files)
	must(t, err)
	must(t, applyMigrations(ctx, db, good))
	wantErr(t, applyMigrations(ctx, db, one), ErrNewer)
	for _, name := range []string{"0004_gap.sql", "x_y.sql", "0003_readme.txt"} {
		if _, err := readMigrations(fstest.MapFS{"0001_one.sql": file(""), name: file("")}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestURLs(t *testing.T) {
	for url, ok := range map[string]bool{
		"memory:": true, "sqlite:a.db": true, "sqlite:/x/a.db": true,
		"": false, "memory": false, "memory:x": false, "sqlite:": false, "sqlite:a\x00b": false, "postgres://x": false, "a.db": false,
	} {
		if _, err := ParseURL(url); (err == nil) != ok {
			t.Errorf("%q: %v", url, err)
		}
	}
	if path, _ := ParseURL("sqlite:a.db"); !filepath.IsAbs(path) {
		t.Errorf("path %s", path)
	}
}

func FuzzParseURL(f *testing.F) {
	for _, url := range []string{"memory:", "sqlite:a.db", "sqlite:/a?b#c%", "sqlite:", "x:y", "sqlite:../a"} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		path, err := ParseURL(url)
		if err == nil && (path == "") != (url == "memory:") {
			t.Fatalf("%q is %q", url, path)
		}
		if path != "" {
			// Whatever the path holds, SQLite gets exactly it.
			s := &Store{path: path}
			dsn, err := neturl.Parse(s.dsn())
			if err != nil || dsn.Path != path || dsn.Query().Has("vfs") || len(dsn.Query()) != 2 || dsn.Fragment != "" {
				t.Fatalf("%q becomes %v, %v", path, dsn, err)
			}
		}
	})
}
