// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package address

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// listFile is a file whose every write has a time of its own.
type listFile struct {
	t    *testing.T
	path string
	time time.Time
}

func newFile(t *testing.T, text string) *listFile {
	t.Helper()
	f := &listFile{t, filepath.Join(t.TempDir(), "list.txt"), time.Unix(1_700_000_000, 0)}
	f.write(text)
	return f
}

func (f *listFile) write(text string) {
	f.t.Helper()
	f.time = f.time.Add(time.Second)
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Chtimes(f.path, f.time, f.time); err != nil {
		f.t.Fatal(err)
	}
}

// settle looks twice, which is what it takes to believe a change.
func settle(l *List) bool {
	first := l.Refresh()
	return l.Refresh() || first
}

func TestFilesAddToTheListsOfTheConfiguration(t *testing.T) {
	allow, deny := newFile(t, "192.0.2.0/24\n"), newFile(t, "192.0.2.9\n198.51.100.9 ; SBL1\n")
	l := list(t, Config{Allow: ranges("198.51.100.0/24"), AllowFiles: []string{allow.path}, DenyFiles: []string{deny.path}})
	for a, want := range map[string]bool{
		"192.0.2.1": true, "198.51.100.1": true, "192.0.2.9": false, "198.51.100.9": false, "203.0.113.1": false,
	} {
		if l.Allows(address(a)) != want {
			t.Errorf("%s: got %v", a, !want)
		}
	}
	if s := l.Stats(); len(s) != 2 || !s[0].Allow || s[0].Ranges != 1 || s[1].Allow || s[1].Ranges != 2 || s[1].Path != deny.path {
		t.Errorf("got %+v", s)
	}
}

func TestAnAllowFileThatHoldsNobodyLetsNobodyCall(t *testing.T) {
	l := list(t, Config{AllowFiles: []string{newFile(t, "# nobody yet\n").path}})
	if l.Allows(address("192.0.2.1")) || l.Stage() == nil {
		t.Error("an empty allow list lets call")
	}
}

func TestAFileThatCannotBeUsedStopsTheStart(t *testing.T) {
	good := newFile(t, "192.0.2.0/24\n").path
	missing := filepath.Join(t.TempDir(), "none.txt")
	bad := newFile(t, "192.0.2.0/24\nhunter2\n").path
	_, err := New(Config{AllowFiles: []string{good, missing}, DenyFiles: []string{bad, newFile(t, "0.0.0.0/0\n").path}}, nil)
	if err == nil {
		t.Fatal("it starts")
	}
	for _, want := range []string{"allow_files[1]: ", missing, "deny_files[0]: ", "line 2: is not an address range", "deny_files[1]: ", "holds every address"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error quotes the file")
	}
}

func TestAChangedFileIsReadAgain(t *testing.T) {
	f := newFile(t, "192.0.2.1\n")
	l := list(t, Config{DenyFiles: []string{f.path}})
	s := l.Stage()
	if settle(l) {
		t.Error("a file that did not change was read")
	}
	f.write("192.0.2.2\n")
	if l.Refresh() {
		t.Error("a file that may still be written was read")
	}
	if !l.Refresh() {
		t.Error("the change was not read at the second look")
	}
	if !l.Allows(address("192.0.2.1")) || l.Allows(address("192.0.2.2")) {
		t.Error("the old content is in force")
	}
	if s.(stage).list.judge(address("192.0.2.2")) == nil {
		t.Error("the stage does not follow")
	}
	f.write("192.0.2.2\n")
	if settle(l) {
		t.Error("the same content counts as a change")
	}
}

func TestAFileThatIsReplacedByOneOfTheSameTimeAndSizeIsRead(t *testing.T) {
	f := newFile(t, "192.0.2.1\n")
	l := list(t, Config{DenyFiles: []string{f.path}})
	other := newFile(t, "192.0.2.2\n")
	if err := os.Rename(other.path, f.path); err != nil {
		t.Fatal(err)
	}
	if !settle(l) || l.Allows(address("192.0.2.2")) {
		t.Error("the replaced file was not read")
	}
}

func TestAFileThatBreaksLaterKeepsItsOldContent(t *testing.T) {
	for _, tt := range []struct {
		name string
		ruin func(f *listFile)
	}{
		{"a bad line", func(f *listFile) { f.write("192.0.2.2\nhunter2\n") }},
		{"no bytes", func(f *listFile) { f.write("") }},
		{"everything", func(f *listFile) { f.write("0.0.0.0/0\n") }},
		{"removed", func(f *listFile) {
			if err := os.Remove(f.path); err != nil {
				f.t.Fatal(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var logged bytes.Buffer
			f, other := newFile(t, "192.0.2.1\n"), newFile(t, "192.0.2.7\n")
			l, err := New(Config{DenyFiles: []string{f.path, other.path}}, slog.New(slog.NewTextHandler(&logged, nil)))
			if err != nil {
				t.Fatal(err)
			}
			tt.ruin(f)
			other.write("192.0.2.8\n")
			if !settle(l) {
				t.Error("the other file was not read")
			}
			for range 5 {
				l.Refresh()
			}
			if l.Allows(address("192.0.2.1")) || !l.Allows(address("192.0.2.2")) || l.Allows(address("192.0.2.8")) {
				t.Error("not what was in force before")
			}
			if s := l.Stats(); s[0].Fault == "" || s[0].Ranges != 1 || s[1].Fault != "" {
				t.Errorf("the state says %+v", s)
			}
			if n := strings.Count(logged.String(), "level=ERROR"); n != 1 {
				t.Errorf("it is logged %d times: %s", n, logged.String())
			}
			if strings.Contains(logged.String(), "hunter2") {
				t.Error("the log quotes the file")
			}
			f.write("192.0.2.3\n")
			if !settle(l) || l.Allows(address("192.0.2.3")) || l.Stats()[0].Fault != "" {
				t.Error("it did not recover")
			}
		})
	}
}

func TestWatchRefreshesUntilItIsEnded(t *testing.T) {
	f := newFile(t, "192.0.2.1\n")
	synctest.Test(t, func(t *testing.T) {
		l := list(t, Config{DenyFiles: []string{f.path}})
		ctx, cancel := context.WithCancel(context.Background())
		var watching sync.WaitGroup
		watching.Go(func() { l.Watch(ctx, time.Minute) })
		f.write("192.0.2.2\n")
		for range 3 {
			<-time.After(time.Minute)
			synctest.Wait()
		}
		if l.Allows(address("192.0.2.2")) {
			t.Error("the change was not seen")
		}
		cancel()
		watching.Wait()
	})
	list(t, Config{}).Watch(context.Background(), time.Hour) // without files it returns
}

func TestAddressesAreJudgedWhileFilesChange(t *testing.T) {
	f := newFile(t, "192.0.2.0/24\n")
	l := list(t, Config{DenyFiles: []string{f.path}})
	done := make(chan struct{})
	var judging sync.WaitGroup
	for range 4 {
		judging.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if l.Allows(address("192.0.2.1")) {
						t.Error("an address that every content denies is taken")
						return
					}
				}
			}
		})
	}
	for i := range 20 {
		f.write("192.0.2.1\n" + strings.Repeat("#", i) + "\n198.51.100.1\n")
		settle(l)
		l.Stats()
	}
	close(done)
	judging.Wait()
}
