// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package gateway

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/internal/loopback"
)

// build makes the real program, once for the test.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "durward")
	if out, err := exec.Command("go", "build", "-o", program, "durward/cmd/durward").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// daemon is the real program, running.
type daemon struct {
	t    *testing.T
	cmd  *exec.Cmd
	log  lines
	done chan error
}

func (s *site) run(t *testing.T, program string, args ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, cmd: exec.Command(program, append([]string{"run", "-c", s.path()}, args...)...), done: make(chan error, 1)}
	d.cmd.Env = []string{"LISTEN=" + s.listen, "UPSTREAM=" + s.upstream.URL}
	d.cmd.Stderr = &d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.done <- d.cmd.Wait() }()
	t.Cleanup(func() { d.cmd.Process.Kill() })
	return d
}

// terminate ends it as an init system does, and waits.
func (d *daemon) terminate() {
	d.t.Helper()
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-d.done:
		if err != nil {
			d.t.Errorf("it ended with %v\n%s", err, d.log.String())
		}
	case <-time.After(time.Minute):
		d.t.Fatalf("it does not end\n%s", d.log.String())
	}
}

func TestTwentyRestartsUnderLoadLoseNothing(t *testing.T) {
	s := newSite(t, strings.Replace(document, "memory:", "sqlite:durward.db", 1), nil)
	s.listen = loopback.Free(t)
	program := build(t)
	restarts := 20
	if testing.Short() {
		restarts = 4
	}
	l := startLoad(t, s.listen, 4)
	for i := range restarts {
		var args []string
		if i%4 == 3 { // with a time in which idle clients are asked to leave
			args = []string{"--grace", "100ms"}
		}
		d := s.run(t, program, args...)
		before := l.done.Load()
		eventually(t, "answers", func() bool { return l.done.Load() >= before+50 || t.Failed() })
		d.terminate()
		if t.Failed() {
			break
		}
	}
	done, again := l.end()
	t.Logf("%d requests answered, %d sent again, %d restarts", done, again, restarts)
	all := strings.Join(records(t, s.dir), "\n")
	if n := strings.Count(all, `"message":"stopped"`); n != restarts {
		t.Errorf("%d of %d ends are recorded", n, restarts)
	}
	if attempts, outcomes := strings.Count(all, `"kind":"attempt"`), strings.Count(all, `"kind":"outcome"`); attempts != outcomes || int64(attempts) < done {
		t.Errorf("%d attempts, %d outcomes, %d answers: each attempt has its outcome", attempts, outcomes, done)
	}
}
