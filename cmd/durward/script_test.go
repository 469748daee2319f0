// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
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
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"upstream": scripted((*world).cmdUpstream),
			"issuer":   scripted((*world).cmdIssuer),
			"gateway":  scripted((*world).cmdGateway),
			"token":    scripted((*world).cmdToken),
			"key":      scripted((*world).cmdKey),
			"request":  scripted((*world).cmdRequest),
			"raw":      scripted((*world).cmdRaw),
			"saw":      scripted((*world).cmdSaw),
			"records":  scripted((*world).cmdRecords),
			"metrics":  scripted((*world).cmdMetrics),
			"certs":    scripted((*world).cmdCerts),
			"until":    scripted((*world).cmdUntil),
		},
	})
}

type worldKey struct{}

func setupScript(env *testscript.Env) error {
	w := &world{dir: env.WorkDir}
	env.Values[worldKey{}] = w
	env.Defer(func() { w.stop(context.Background()) })
	// Scripts share the contract of the sample API.
	contract, err := os.ReadFile(filepath.Join("..", "..", "examples", "moot", "moot.openapi.yaml"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(env.WorkDir, "moot.openapi.yaml"), contract, 0o600)
}

// scripted makes a method a command. A command that fails ends the script,
// unless the line begins with "!".
func scripted(do func(*world, *testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		w := ts.Value(worldKey{}).(*world)
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
