// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { commands["witness"] = (*world).cmdWitness }

var witnessLines = regexp.MustCompile(`^(?:witness on|its key is) (\S+)$`)

// cmdWitness: "witness NAME KEYFILE" runs `durward audit witness` for the log of
// that public key until the script ends; $WITNESS_URL and $WITNESS are its
// address and public key.
func (w *world) cmdWitness(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: witness NAME KEYFILE")
	}
	r, out := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	cmd := auditWitnessCmd{Listen: "127.0.0.1:0", State: ts.MkAbs("witness-" + args[0]), Name: args[0], Log: []string{ts.MkAbs(args[1])}}
	go func() {
		err := cmd.Run(ctx, streams{out: out, err: io.Discard})
		out.CloseWithError(errors.Join(err, io.EOF))
		done <- err
	}()
	ts.Defer(func() {
		cancel()
		ts.Check(<-done)
	})
	lines := bufio.NewScanner(r)
	for _, variable := range []string{"WITNESS_URL", "WITNESS"} {
		if !lines.Scan() {
			return errors.New("the witness has not started")
		}
		m := witnessLines.FindStringSubmatch(lines.Text())
		if m == nil {
			return errors.New("the witness says " + lines.Text())
		}
		ts.Setenv(variable, m[1])
	}
	return nil
}
