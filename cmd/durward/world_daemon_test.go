// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// daemon is a gateway in a process of its own.
type daemon struct {
	cmd   *exec.Cmd
	ready chan struct{} // closed when it listens, or has ended
	ended chan struct{} // closed when its log has ended
	mu    sync.Mutex
	log   bytes.Buffer
}

var listening = regexp.MustCompile(`msg=(listening|admin) address=(\S+)`)

// cmdDaemon: "daemon start [-blocks N] FILE" runs `durward run` as a process,
// with files of at most N blocks of 512 bytes, and sets $GATEWAY, $ADMIN and
// $PID. "daemon stop" sends SIGTERM and waits, "daemon kill" sends SIGKILL;
// both give its log as stdout. "daemon log" gives the log so far.
func (w *world) cmdDaemon(ts *testscript.TestScript, args []string) error {
	if len(args) >= 2 && args[0] == "start" {
		return w.startDaemon(ts, args[1:])
	}
	if len(args) != 1 || w.daemon == nil {
		return errors.New("usage: daemon start [-blocks N] FILE | stop | kill | log")
	}
	d := w.daemon
	switch args[0] {
	case "log":
		d.print(ts.Stdout())
		return nil
	case "stop", "kill":
		w.daemon = nil
		err := d.end(map[string]os.Signal{"stop": syscall.SIGTERM, "kill": syscall.SIGKILL}[args[0]])
		d.print(ts.Stdout())
		if args[0] == "kill" {
			return nil
		}
		return err
	}
	return fmt.Errorf("daemon: unknown command %s", args[0])
}

func (w *world) startDaemon(ts *testscript.TestScript, args []string) error {
	line := `exec durward run -c "$1"`
	if args[0] == "-blocks" && len(args) == 3 {
		blocks, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		line, args = fmt.Sprintf("ulimit -S -f %d && %s", blocks, line), args[2:]
	}
	d := &daemon{ready: make(chan struct{}), ended: make(chan struct{})}
	d.cmd = exec.Command("sh", "-c", line, "sh", ts.MkAbs(args[0]))
	d.cmd.Dir = w.dir
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "UPSTREAM", "ISSUER", "OTHER", "GOCOVERDIR"} {
		d.cmd.Env = append(d.cmd.Env, name+"="+ts.Getenv(name))
	}
	stderr, err := d.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := d.cmd.Start(); err != nil {
		return err
	}
	w.daemon = d
	ts.Defer(func() { d.end(syscall.SIGKILL) })
	ts.Setenv("PID", strconv.Itoa(d.cmd.Process.Pid))
	found := map[string]string{}
	go d.follow(stderr, found)
	select {
	case <-d.ready:
	case <-time.After(10 * time.Second):
		return errors.New("daemon: it does not listen")
	}
	if found["listening"] == "" {
		d.print(ts.Stderr())
		return errors.New("daemon: it ended without listening")
	}
	ts.Setenv("GATEWAY", found["listening"])
	ts.Setenv("ADMIN", found["admin"])
	return nil
}

// follow keeps the log, and finds the addresses in it. The admin address is
// logged last.
func (d *daemon) follow(r io.Reader, found map[string]string) {
	defer close(d.ended)
	ready := sync.OnceFunc(func() { close(d.ready) })
	defer ready()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		d.mu.Lock()
		d.log.WriteString(lines.Text() + "\n")
		d.mu.Unlock()
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			found[m[1]] = m[2]
			if m[1] == "admin" {
				ready()
			}
		}
	}
}

func (d *daemon) print(w io.Writer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Write(d.log.Bytes())
}

// end signals and waits. It may be called again, when it does nothing.
func (d *daemon) end(signal os.Signal) error {
	if d.cmd.ProcessState != nil {
		return nil
	}
	if err := d.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	kill := time.AfterFunc(20*time.Second, func() { d.cmd.Process.Kill() })
	defer kill.Stop()
	<-d.ended
	return d.cmd.Wait()
}
