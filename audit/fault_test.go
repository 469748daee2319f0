// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"durward"
)

// faults is a file system that fails when it is told to.
type faults struct {
	systemFiles
	mu       sync.Mutex
	write    error // of Write; a part of what is written stays
	partial  int   // bytes that a failing Write leaves
	short    bool  // a failing Write reports no error
	sync     error
	truncate error
	create   error
	lazy     bool          // Sync does nothing, for tests that need no disk
	synced   int           // calls of Sync
	hold     chan struct{} // Sync waits for it
}

func (f *faults) set(change func(f *faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *faults) syncs() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced
}

func (f *faults) Create(path string) (file, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.create != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: f.create}
	}
	return f.wrap(f.systemFiles.Create(path))
}

func (f *faults) Append(path string) (file, error) { return f.wrap(f.systemFiles.Append(path)) }

func (f *faults) wrap(inner file, err error) (file, error) {
	if err != nil {
		return nil, err
	}
	return &faultyFile{inner, f}, nil
}

type faultyFile struct {
	file
	faults *faults
}

func (f *faultyFile) Write(p []byte) (int, error) {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	if err := f.faults.write; err != nil {
		n, _ := f.file.Write(p[:min(len(p), f.faults.partial)])
		if f.faults.short {
			err = nil
		}
		return n, err
	}
	return f.file.Write(p)
}

func (f *faultyFile) Sync() error {
	f.faults.mu.Lock()
	hold, err, lazy := f.faults.hold, f.faults.sync, f.faults.lazy
	f.faults.synced++
	f.faults.mu.Unlock()
	if hold != nil {
		<-hold
	}
	if err != nil || lazy {
		return err
	}
	return f.file.Sync()
}

func (f *faultyFile) Truncate(size int64) error {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	if f.faults.truncate != nil {
		return f.faults.truncate
	}
	return f.file.Truncate(size)
}

func (f *faults) SyncDir(path string) error {
	if f.lazy {
		return nil
	}
	return f.systemFiles.SyncDir(path)
}

func attempt(l *Log, id string) durward.Decision {
	return l.Stage("").Request(context.Background(), newExchange(id))
}

func wantRefused(t *testing.T, d durward.Decision, want error) {
	t.Helper()
	if d.Verdict != durward.Fail || d.Code != durward.CodeAuditUnavailable || !errors.Is(d.Err, want) {
		t.Errorf("decision %+v, want a failure because of %v", d, want)
	}
}

func wantStored(t *testing.T, d durward.Decision) {
	t.Helper()
	if d.Verdict != durward.Allow {
		t.Errorf("decision %+v", d)
	}
}

// messages gives the texts of the system records.
func messages(events []durward.Event) (out []string) {
	for _, ev := range ofKind(events, durward.EventSystem) {
		out = append(out, ev.Message+": "+ev.Detail)
	}
	return out
}

func ids(events []durward.Event, kind durward.EventKind) (out string) {
	for _, ev := range ofKind(events, kind) {
		out += ev.RequestID + " "
	}
	return strings.TrimSpace(out)
}

func TestADiskThatFailsRefusesAttemptsAndLosesNoOutcome(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(f *faults)
		want error
	}{
		"disk full":               {func(f *faults) { f.write = syscall.ENOSPC }, syscall.ENOSPC},
		"disk full within a line": {func(f *faults) { f.write, f.partial = syscall.ENOSPC, 100 }, syscall.ENOSPC},
		"short write":             {func(f *faults) { f.write, f.partial, f.short = syscall.ENOSPC, 77, true }, nil},
		"sync fails":              {func(f *faults) { f.sync = syscall.EIO }, syscall.EIO},
		"cannot be cut either":    {func(f *faults) { f.write, f.partial, f.truncate = syscall.EIO, 50, syscall.EIO }, syscall.EIO},
		"no new file either":      {func(f *faults) { f.sync, f.create = syscall.EIO, syscall.EMFILE }, syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				disk := &faults{}
				l := open(t, Config{Directory: dir}, Options{files: disk})
				running := newExchange("before")
				wantStored(t, l.Stage("").Request(t.Context(), running))
				disk.set(test.set)
				d := attempt(l, "refused-1")
				if d.Verdict != durward.Fail || test.want != nil && !errors.Is(d.Err, test.want) {
					t.Errorf("decision %+v", d)
				}
				if l.Health() == nil || !l.Stats().Failing {
					t.Error("a failing log says that it is healthy")
				}
				l.Outcome(running, okEnd) // of a request that was let through
				time.Sleep(7 * time.Second)
				if d := attempt(l, "refused-2"); d.Verdict != durward.Fail {
					t.Errorf("decision %+v", d)
				}

				disk.set(func(f *faults) {
					f.write, f.sync, f.truncate, f.create, f.partial, f.short = nil, nil, nil, nil, 0, false
				})
				time.Sleep(lastRetry + time.Second)
				if err := l.Health(); err != nil {
					t.Fatalf("not recovered: %v", err)
				}
				wantStored(t, attempt(l, "after"))
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
			mustVerify(t, dir)
			events := readEvents(t, dir)
			if got := ids(events, durward.EventAttempt); got != "before after" {
				t.Errorf("attempts %q", got)
			}
			if got := ids(events, durward.EventOutcome); got != "before" {
				t.Errorf("outcomes %q", got)
			}
			if got := strings.Join(messages(events), "\n"); !strings.Contains(got, "audit log recovered: 0 outcomes lost, 2 attempts refused") {
				t.Errorf("system records:\n%s", got)
			}
		})
	}
}

func TestAFileWhoseSyncFailedIsNotWrittenAgain(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &faults{}
		l := open(t, Config{Directory: dir}, Options{files: disk})
		wantStored(t, attempt(l, "before"))
		disk.set(func(f *faults) { f.sync = syscall.EIO })
		wantRefused(t, attempt(l, "refused"), syscall.EIO)
		disk.set(func(f *faults) { f.sync = nil })
		time.Sleep(time.Second)
		wantStored(t, attempt(l, "after"))
		l.Close()
	})
	r := mustVerify(t, dir)
	if r.Files != 2 {
		t.Errorf("%d files", r.Files)
	}
	first, err := os.ReadFile(filePath(dir, 1))
	if err != nil || strings.Contains(string(first), "after") || strings.Contains(string(first), "refused") {
		t.Errorf("first file, %v:\n%s", err, first)
	}
}

func TestABufferedLogSyncsEachSecondAndFailsWhenThatFails(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &faults{}
		l := open(t, Config{Directory: dir, Durability: DurabilityBuffered}, Options{files: disk})
		before := disk.syncs()
		wantStored(t, attempt(l, "r1"))
		if disk.syncs() != before {
			t.Error("an attempt waited for a sync")
		}
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if disk.syncs() != before+1 {
			t.Errorf("%d syncs", disk.syncs()-before)
		}
		disk.set(func(f *faults) { f.sync = syscall.EIO })
		wantStored(t, attempt(l, "r2"))
		time.Sleep(1050 * time.Millisecond)
		synctest.Wait()
		wantRefused(t, attempt(l, "r3"), syscall.EIO)
		disk.set(func(f *faults) { f.sync = nil })
		time.Sleep(time.Second)
		wantStored(t, attempt(l, "r4"))
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if r := mustVerify(t, dir); r.Files != 2 {
		t.Errorf("%d files", r.Files)
	}
	events := readEvents(t, dir)
	if got := ids(events, durward.EventAttempt); got != "r1 r2 r4" {
		t.Errorf("attempts %q", got)
	}
	if got := strings.Join(messages(events), "\n"); !strings.Contains(got, "may not survive a crash") {
		t.Errorf("system records:\n%s", got)
	}
}

func TestOutcomesThatDoNotFitAreCountedAndRefuseAttemptsUntilThatIsRecorded(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &faults{}
		l := open(t, Config{Directory: dir, MaxQueue: 16}, Options{files: disk})
		hold := make(chan struct{})
		disk.set(func(f *faults) { f.hold = hold })
		var first sync.WaitGroup
		first.Go(func() { wantStored(t, attempt(l, "slow")) })
		synctest.Wait() // the writer hangs in the sync
		for range 8 {
			first.Go(func() { wantStored(t, attempt(l, "queued")) })
		}
		synctest.Wait()
		wantRefused(t, attempt(l, "beyond half"), ErrOverflow)
		if err := l.Health(); err != nil {
			t.Errorf("a full half makes the log fail: %v", err)
		}
		for range 8 + 5 {
			x := newExchange("o")
			x.Trail = []durward.Step{{Stage: StageName, Verdict: durward.Allow}}
			l.Outcome(x, okEnd)
		}
		if s := l.Stats(); s.OutcomesLost != 5 || !s.Failing || s.Queued != 16 {
			t.Errorf("stats %+v", s)
		}
		wantRefused(t, attempt(l, "failing"), ErrOverflow)
		disk.set(func(f *faults) { f.hold = nil })
		close(hold)
		first.Wait()
		time.Sleep(time.Second)
		wantStored(t, attempt(l, "after"))
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	mustVerify(t, dir)
	events := readEvents(t, dir)
	if n := len(ofKind(events, durward.EventOutcome)); n != 8 {
		t.Errorf("%d outcomes", n)
	}
	if got := strings.Join(messages(events), "\n"); !strings.Contains(got, "audit log recovered: 5 outcomes lost, 2 attempts refused: audit queue is full") {
		t.Errorf("system records:\n%s", got)
	}
}

func TestACallerThatGivesUpDoesNotWaitForTheDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &faults{}
		l := open(t, Config{Directory: dir}, Options{files: disk})
		hold := make(chan struct{})
		disk.set(func(f *faults) { f.hold = hold })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantRefused(t, l.Stage("").Request(ctx, newExchange("r1")), context.DeadlineExceeded)
		disk.set(func(f *faults) { f.hold = nil })
		close(hold)
		wantStored(t, attempt(l, "r2"))
		l.Close()
	})
	mustVerify(t, dir)
}

func TestCloseTellsWhatItCouldNotStore(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		disk := &faults{}
		l := open(t, Config{Directory: dir}, Options{files: disk})
		disk.set(func(f *faults) { f.write, f.partial = syscall.ENOSPC, 30 })
		l.Outcome(newExchange("r1"), okEnd)
		err := l.Close()
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "1 outcomes lost") {
			t.Errorf("Close: %v", err)
		}
	})
	// The next start cuts what the failed write left.
	l := open(t, Config{Directory: dir}, Options{})
	l.Close()
	mustVerify(t, dir)
}

func TestOpenFailsWhenNothingCanBeStored(t *testing.T) {
	for name, disk := range map[string]*faults{
		"write":  {write: syscall.ENOSPC},
		"sync":   {sync: syscall.EIO},
		"create": {create: syscall.EACCES},
	} {
		dir := t.TempDir()
		if l, err := Open(Config{Directory: dir}, Options{files: disk}); err == nil {
			l.Close()
			t.Errorf("%s: opened", name)
		}
		l, err := Open(Config{Directory: dir}, Options{})
		if err != nil {
			t.Errorf("%s: the next Open: %v", name, err)
			continue
		}
		l.Close()
		mustVerify(t, dir)
	}
}
