// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"durward"
)

func attemptAs(l *Log, id, recording string) durward.Decision {
	return l.Stage(recording).Request(context.Background(), newExchange(id))
}

func TestOnlyRequiredAttemptsWaitForTheDisk(t *testing.T) {
	for _, tc := range []struct {
		log, recording string
		waits          bool
	}{
		{DurabilityGroup, "", true}, {DurabilityGroup, Required, true}, {DurabilityGroup, Buffered, false},
		{DurabilityBuffered, "", false}, {DurabilityBuffered, Required, true}, {DurabilityBuffered, Buffered, false},
	} {
		t.Run(tc.log+" log, operation "+tc.recording, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs := &faults{lazy: true}
				l := open(t, Config{Durability: tc.log}, Options{files: fs})
				hold := make(chan struct{})
				fs.set(func(f *faults) { f.hold = hold })
				answered := false
				go func() { attemptAs(l, "r1", tc.recording); answered = true }()
				synctest.Wait()
				if answered == tc.waits {
					t.Errorf("answered while the disk syncs: %t", answered)
				}
				close(hold)
				synctest.Wait()
				if !answered {
					t.Error("not answered when the disk had synced")
				}
				l.Close()
			})
		})
	}
}

func TestABufferedRecordOfAGroupLogIsSyncedWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := &faults{lazy: true}
		l := open(t, Config{}, Options{files: fs})
		before := fs.syncs()
		wantStored(t, attemptAs(l, "r1", Buffered))
		synctest.Wait()
		if fs.syncs() != before {
			t.Error("it was synced at once")
		}
		time.Sleep(syncInterval)
		synctest.Wait()
		if fs.syncs() != before+1 {
			t.Errorf("%d syncs after a second", fs.syncs()-before)
		}
		l.Close()
	})
}

func TestARequiredAttemptIsRefusedWhateverOnErrorSays(t *testing.T) {
	l := open(t, Config{OnError: durward.ProceedOnError}, Options{})
	for recording, want := range map[string]durward.OnError{"": durward.ProceedOnError, Buffered: durward.ProceedOnError, Required: durward.DenyOnError} {
		if got := l.OnErrorOf(recording); got != want {
			t.Errorf("%q: %v", recording, got)
		}
	}
	var none *Log
	if none.OnErrorOf("") != durward.DenyOnError {
		t.Error("no log proceeds")
	}
}

func TestABufferedRecordThatWasAnsweredOutlivesAFailedSyncOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, fs := t.TempDir(), &faults{lazy: true}
		l := open(t, Config{Directory: dir}, Options{files: fs})
		hold := make(chan struct{})
		fs.set(func(f *faults) { f.hold, f.sync = hold, syscall.EIO })
		// The first occupies the writer, so that the others share a group.
		go attemptAs(l, "first", Required)
		synctest.Wait()
		var light, heavy durward.Decision
		go func() { light = attemptAs(l, "light", Buffered) }()
		go func() { heavy = attemptAs(l, "heavy", Required) }()
		synctest.Wait()
		fs.set(func(f *faults) { f.hold = nil })
		close(hold)
		synctest.Wait()
		fs.set(func(f *faults) { f.sync = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		if heavy.Verdict != durward.Fail {
			t.Errorf("the required one: %+v", heavy)
		}
		l.Close()
		mustVerify(t, dir)
		stored := strings.Join(readLines(t, dir), "\n")
		if (light.Verdict == durward.Allow) != strings.Contains(stored, `"request_id":"light"`) {
			t.Errorf("the buffered one was answered with %v; its record is stored: %t", light.Verdict, strings.Contains(stored, `"light"`))
		}
	})
}

// powerFS is a file system whose machine can lose its power: what was not synced
// is then gone, but for as much as the disk happened to have written.
type powerFS struct {
	systemFiles
	mu     sync.Mutex
	synced map[string]int64
}

type powerFile struct {
	file
	fs   *powerFS
	path string
	size int64
}

func (p *powerFS) Create(path string) (file, error) {
	f, err := p.systemFiles.Create(path)
	return &powerFile{f, p, path, 0}, err
}

func (f *powerFile) Write(b []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	n, err := f.file.Write(b)
	f.size += int64(n)
	return n, err
}

func (f *powerFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.synced[f.path] = f.size
	return nil
}

func (*powerFS) SyncDir(string) error { return nil }

// lose copies the directory as it is after the power went.
func (p *powerFS) lose(t *testing.T, dir, into string, rnd *rand.Rand) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	paths, _ := filepath.Glob(dir + "/*.jsonl")
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		keep := p.synced[path]
		if more := int64(len(content)) - keep; more > 0 {
			keep += rnd.Int64N(more + 1)
		}
		if err := os.WriteFile(filepath.Join(into, filepath.Base(path)), content[:keep], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALossOfPowerCostsNoRequiredRecordAndOfBufferedOnesALastSecond(t *testing.T) {
	for _, durability := range []string{DurabilityGroup, DurabilityBuffered} {
		for seed := range uint64(10) {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 7))
				dir, after := t.TempDir(), t.TempDir()
				fs := &powerFS{synced: map[string]int64{}}
				l := open(t, Config{Directory: dir, Durability: durability, MaxFile: 16 << 10}, Options{files: fs})
				answered := map[string]time.Time{}
				var ids []string
				for i := range 40 + rnd.IntN(100) {
					recording := []string{Required, Buffered, Buffered, Buffered}[rnd.IntN(4)]
					id := recording + strconv.Itoa(i)
					wantStored(t, attemptAs(l, id, recording))
					answered[id], ids = time.Now(), append(ids, id)
					time.Sleep(time.Duration(rnd.Int64N(int64(100 * time.Millisecond))))
				}
				now := time.Now()
				fs.lose(t, dir, after, rnd)
				l.Close()
				open(t, Config{Directory: after, Durability: durability}, Options{}).Close()
				mustVerify(t, after)
				stored := strings.Join(readLines(t, after), "\n")
				lost := 0
				for _, id := range ids {
					if strings.Contains(stored, `"`+id+`"`) {
						continue
					}
					lost++
					if strings.HasPrefix(id, Required) || now.Sub(answered[id]) > syncInterval+100*time.Millisecond {
						t.Errorf("%s log, seed %d: %s, answered %v before, is lost", durability, seed, id, now.Sub(answered[id]))
					}
				}
				if seed == 0 && lost == 0 {
					t.Log("nothing was lost")
				}
			})
		}
	}
}

// TestWriterThatIsKilled is not a test: it is the process that
// TestAProcessThatIsKilledLosesNothingThatItAnswered kills.
func TestWriterThatIsKilled(t *testing.T) {
	dir := os.Getenv("AUDIT_TEST_DIRECTORY")
	if dir == "" {
		t.Skip("the child of another test")
	}
	l, err := Open(Config{Directory: dir, Durability: os.Getenv("AUDIT_TEST_DURABILITY"), MaxFile: 64 << 10}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for worker := range 8 {
		go func() {
			for n := range 1 << 30 {
				recording := []string{Required, Buffered}[n%2]
				id := fmt.Sprintf("%s-%d-%d-%d", recording, os.Getpid(), worker, n)
				x := newExchange(id)
				d := l.Stage(recording).Request(context.Background(), x)
				x.Trail = append(x.Trail, durward.Step{Stage: StageName, Verdict: d.Verdict})
				if d.Verdict == durward.Allow {
					os.Stdout.WriteString("answered " + id + "\n") // one write: never half a line of ours
				}
				l.Outcome(x, okEnd)
			}
		}()
	}
	select {}
}

func TestAProcessThatIsKilledLosesNothingThatItAnswered(t *testing.T) {
	for _, durability := range []string{DurabilityGroup, DurabilityBuffered} {
		dir, rnd := t.TempDir(), rand.New(rand.NewPCG(1, 2))
		var answered []string
		for range 4 {
			answered = append(answered, killed(t, dir, durability, 50+rnd.IntN(800))...)
			l, err := Open(Config{Directory: dir, Durability: durability}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			mustVerify(t, dir)
		}
		stored := map[string]bool{}
		r := NewReader(dir, 1)
		for {
			line, _, err := r.Next()
			if err != nil {
				break
			}
			ev, _, err := Decode(line)
			if err != nil {
				t.Fatal(err)
			}
			stored[ev.RequestID] = stored[ev.RequestID] || ev.Kind == durward.EventAttempt
		}
		r.Close()
		missing := slices.DeleteFunc(answered, func(id string) bool { return stored[id] })
		if len(missing) > 0 {
			t.Errorf("%s log: %d answered requests have no record: %v", durability, len(missing), missing[:min(len(missing), 5)])
		}
	}
}

// killed runs the writer until it has answered n requests, kills it, and gives
// what it answered.
func killed(t *testing.T, dir, durability string, n int) (answered []string) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestWriterThatIsKilled$")
	child.Env = append(os.Environ(), "AUDIT_TEST_DIRECTORY="+dir, "AUDIT_TEST_DURABILITY="+durability)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "answered "); ok {
			answered = append(answered, id)
		}
		if len(answered) == n {
			child.Process.Signal(syscall.SIGKILL) // the rest of the pipe is read
		}
	}
	err = child.Wait()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != -1 || len(answered) < n {
		t.Fatalf("the writer ended with %v after %d answers", err, len(answered))
	}
	return answered
}
