// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needTaskset skips where processes cannot be pinned.
func needTaskset(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("taskset"); err != nil {
		t.Skip("taskset is not installed")
	}
}

// self makes programs that the test starts play the bench.
func self(t *testing.T) string {
	t.Helper()
	needTaskset(t)
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(selfVariable, "1")
	return path
}

func TestAProcessRunsOnItsCoreAndIsStopped(t *testing.T) {
	program := self(t)
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start("upstream", 0, t.TempDir(), []string{program, "-upstream", address})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	if err := p.ready(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid()), "status"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(status), "Cpus_allowed_list:\t0\n") {
		t.Error("the process is not pinned to core 0")
	}
	p.stop()
	if err := syscall.Kill(p.pid(), 0); err == nil {
		t.Error("the process is still there")
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("something still listens")
	}
	p.stop() // again, which must not hang
}

func TestStopEndsChildrenThatDoNotListen(t *testing.T) {
	needTaskset(t)
	dir := t.TempDir()
	p, err := start("shell", 0, dir, []string{"/bin/sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait; wait"})
	if err != nil {
		t.Fatal(err)
	}
	p.grace = 50 * time.Millisecond
	deadline := time.Now().Add(time.Minute)
	for { // until the child is there
		text, _ := os.ReadFile(filepath.Join(dir, "stdout.log"))
		if strings.HasSuffix(string(text), "\n") {
			break
		}
		if time.Now().After(deadline) {
			p.stop()
			t.Fatal("the shell did not start its child")
		}
	}
	p.stop()
	all, err := readStats()
	if err != nil {
		t.Fatal(err)
	}
	if left := descendants(p.pid(), all); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
}

func TestAProcessThatEndsAtOnceIsAnErrorWithItsWords(t *testing.T) {
	needTaskset(t)
	p, err := start("shell", 0, t.TempDir(), []string{"/bin/sh", "-c", "echo no such   option >&2; exit 1"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	err = p.ready(t.Context(), "127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), "ended at once: no such option") {
		t.Errorf("got %v", err)
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	needTaskset(t)
	p, err := start("shell", 0, t.TempDir(), []string{"/bin/sh", "-c", "read x < /dev/zero"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.ready(ctx, "127.0.0.1:1"); err == nil {
		t.Error("it is ready without listening")
	}
}

func TestFreeAddressesAreOfThisMachineOnly(t *testing.T) {
	address, err := freeAddress()
	if err != nil || !strings.HasPrefix(address, "127.0.0.1:") || portOf(address) == "0" {
		t.Errorf("%q, %v", address, err)
	}
}
