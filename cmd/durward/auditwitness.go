// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"durward/audit/merkle"
)

// auditWitnessCmd serves in clear text: put it behind a gateway, or a tunnel.
type auditWitnessCmd struct {
	Listen string   `default:"127.0.0.1:9095" help:"Address to listen on, in clear text."`
	State  string   `default:"witness" help:"Directory of the witness's key and of the last checkpoint of each log." placeholder:"DIR"`
	Name   string   `default:"durward-witness" help:"Name of the witness, when its key is made: a schemeless URL."`
	Log    []string `required:"" help:"Public key of a log to witness, or a file that has it." placeholder:"KEY"`
}

func (c *auditWitnessCmd) Run(ctx context.Context, s streams) error {
	path := filepath.Join(c.State, "witness.key")
	if _, _, err := merkle.OpenKey(path, c.Name); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	signer, public, err := merkle.NewWitnessSigner(strings.Fields(string(text))[0], time.Now)
	if err != nil {
		return err
	}
	var logs []note.Verifier
	for _, key := range c.Log {
		v, err := verifierOf(key)
		if err != nil {
			return err
		}
		logs = append(logs, v)
	}
	w, err := merkle.NewWitness(c.State, signer, logs)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "witness on http://%s\nits key is %s\n", l.Addr(), public)
	server := &http.Server{
		Handler: http.MaxBytesHandler(w, 64<<10), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	go func() {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			server.Close()
		}
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
