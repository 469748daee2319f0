// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"durward": func() { os.Exit(Main()) },
	})
}

// TestScripts runs the end-to-end scripts: the product's behaviour, readable by
// a customer. What the commands do stands in testdata/script/README.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setupScript,
		Cmds:                scriptedCommands(),
	})
}

// command is one command of the scripts; what it finds goes to w.stdout(ts).
type command func(w *world, ts *testscript.TestScript, args []string) error

// commands are all commands that are not testscript's own. Other files of this
// package may add to it in an init function.
var commands = map[string]command{
	"upstream":    (*world).cmdUpstream,
	"issuer":      (*world).cmdIssuer,
	"gateway":     (*world).cmdGateway,
	"process":     (*world).cmdProcess,
	"token":       (*world).cmdToken,
	"key":         (*world).cmdKey,
	"request":     (*world).cmdRequest,
	"background":  (*world).cmdBackground,
	"finish":      (*world).cmdFinish,
	"raw":         (*world).cmdRaw,
	"connections": (*world).cmdConnections,
	"handshake":   (*world).cmdHandshake,
	"moot":        (*world).cmdMoot,
	"sse":         (*world).cmdSSE,
	"websocket":   (*world).cmdWebsocket,
	"saw":         (*world).cmdSaw,
	"records":     (*world).cmdRecords,
	"metrics":     (*world).cmdMetrics,
	"certs":       (*world).cmdCerts,
	"until":       (*world).cmdUntil,
}

func scriptedCommands() map[string]func(*testscript.TestScript, bool, []string) {
	all := map[string]func(*testscript.TestScript, bool, []string){}
	for name, do := range commands {
		all[name] = scripted(do)
	}
	return all
}

type worldKey struct{}

func setupScript(env *testscript.Env) error {
	w := newWorld(env.WorkDir)
	env.Values[worldKey{}] = w
	if err := w.canaries.noteFiles(env.WorkDir); err != nil {
		return err
	}
	env.Defer(func() {
		w.stop(context.Background())
		// No credential, token, password or content ever stands in a record.
		leaks, err := w.canaries.found(env.WorkDir)
		if err != nil || len(leaks) > 0 {
			env.T().Fatal("secrets of the script in its logs: ", leaks, " ", err)
		}
	})
	// Scripts share the contract of the sample API.
	contract, err := os.ReadFile(filepath.Join("..", "..", "examples", "moot", "moot.openapi.yaml"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "moot.openapi.yaml"), contract, 0o600)
}

// scripted makes a method a command. A command that fails ends the script,
// unless the line begins with "!".
func scripted(do command) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		w := ts.Value(worldKey{}).(*world)
		w.canaries.note(strings.Join(args, "\n"))
		err := do(w, ts, args)
		switch {
		case err != nil && !neg:
			ts.Fatalf("%v", err)
		case err == nil && neg:
			ts.Fatalf("succeeded, and should not have")
		case err != nil:
			ts.Logf("[failed as it should: %v]", err)
		}
	}
}
