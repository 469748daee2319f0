// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// process is `durward run` in a process of its own.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan error
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// cmdProcess: "process start ARG..." runs `durward run ARG...` as a process,
// with its log in process.log, and sets $GATEWAY and $ADMIN; "process signal
// HUP|TERM"; "process wait" waits for its end, and fails when it ended with an
// error; "process log REGEXP" waits for a line of its log.
func (w *world) cmdProcess(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 || (args[0] != "start" && w.process == nil) {
		return errors.New("usage: process start ARG... | signal HUP|TERM | wait | log REGEXP")
	}
	switch args[0] {
	case "start":
		return w.startProcess(ts, args[1:])
	case "signal":
		return w.process.cmd.Process.Signal(map[string]syscall.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM}[args[1]])
	case "wait":
		select {
		case err := <-w.process.done:
			w.process = nil
			return err
		case <-time.After(time.Minute):
			return errors.New("it still runs")
		}
	case "log":
		_, err := w.process.await(args[1])
		return err
	}
	return errors.New("unknown verb " + args[0])
}

func (w *world) startProcess(ts *testscript.TestScript, args []string) error {
	// testscript puts the program into the script's path under its name.
	program := ""
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if p := filepath.Join(dir, "durward"); program == "" {
			if _, err := os.Stat(p); err == nil {
				program = p
			}
		}
	}
	if program == "" {
		return errors.New("no durward in the path")
	}
	p := &process{
		cmd: exec.Command(program, append([]string{"run"}, args...)...),
		log: filepath.Join(w.dir, "process.log"), done: make(chan error, 1),
	}
	log, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd.Dir, p.cmd.Stderr = w.dir, log
	p.cmd.Env = append(os.Environ(), "UPSTREAM="+ts.Getenv("UPSTREAM"), "ISSUER="+ts.Getenv("ISSUER"))
	if err := p.cmd.Start(); err != nil {
		return err
	}
	w.process = p
	go func() { p.done <- p.cmd.Wait() }()
	for variable, re := range map[string]string{"GATEWAY": `"?msg"?[=:]"?listening"?[ ,]"?address"?[=:]"?([^ "]+)`, "ADMIN": `"?msg"?[=:]"?admin"?[ ,]"?address"?[=:]"?([^\s"}]+)`} {
		address, err := p.await(re)
		if err != nil {
			return err
		}
		ts.Setenv(variable, address)
	}
	return nil
}

// await waits until the log has a line that matches, and gives its last group.
func (p *process) await(pattern string) (string, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", err
	}
	for deadline := time.Now().Add(time.Minute); ; {
		content, err := os.ReadFile(p.log)
		if err != nil {
			return "", err
		}
		if m := re.FindSubmatch(content); m != nil {
			return string(m[len(m)-1]), nil
		}
		select {
		case err := <-p.done:
			p.done <- err
			return "", fmt.Errorf("it ended (%v) with the log %s", err, content)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return "", fmt.Errorf("the log has no %q: %s", pattern, content)
		}
	}
}
