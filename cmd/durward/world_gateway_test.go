// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"durward/gateway"
)

// cmdGateway: "gateway start FILE" serves in this process, with the script's
// environment for ${VAR}, and sets $GATEWAY and $ADMIN, and $GATEWAY_1 and so
// on for further listeners; "gateway reload", "gateway drain", "gateway stop".
func (w *world) cmdGateway(ts *testscript.TestScript, args []string) error {
	ctx := context.Background()
	switch {
	case len(args) == 0:
	case len(args) == 2 && args[0] == "start":
		return w.startGateway(ts, args[1])
	case args[0] == "reload" && (len(args) == 1 || len(args) == 2 && args[1] == "-allow-weaker"):
		reload := w.gateway.Reload
		if len(args) == 2 {
			reload = w.gateway.ReloadWeaker
		}
		if err := reload(ctx); err != nil {
			fmt.Fprintln(ts.Stderr(), err)
			return err
		}
		return nil
	case len(args) == 1 && args[0] == "stop":
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		err := w.gateway.Shutdown(ctx, 0)
		w.gateway = nil
		return err
	}
	return errors.New("usage: gateway start FILE | reload [-allow-weaker] | stop")
}

func (w *world) startGateway(ts *testscript.TestScript, file string) error {
	log, err := os.OpenFile(filepath.Join(w.dir, "gateway.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	w.log = log
	w.gateway, err = gateway.Start(context.Background(), gateway.Options{
		Path: ts.MkAbs(file), Log: newLog(log, "info", "text"), Build: build(),
		Environment: func(name string) (string, bool) { v := ts.Getenv(name); return v, v != "" },
	})
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
		return err
	}
	bound := w.gateway.Addresses()
	for _, configured := range slices.Sorted(mapKeys(bound)) {
		name := "GATEWAY"
		if configured != "127.0.0.1:0" && len(bound) > 1 {
			name = "GATEWAY_2"
		}
		ts.Setenv(name, bound[configured].String())
	}
	if admin := w.gateway.Admin(); admin != nil {
		ts.Setenv("ADMIN", admin.String())
	}
	return nil
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// cmdRecords: "records [-new] [KIND]" gives the audit records as they stand in
// the log, one a line; with -new those since the last time that -new was said.
func (w *world) cmdRecords(ts *testscript.TestScript, args []string) error {
	given, args, err := options(args, "new")
	if err != nil {
		return err
	}
	log, err := w.auditLog()
	if err != nil {
		return err
	}
	if given["new"] != "" {
		log, w.recorded = log[w.recorded:], len(log)
	}
	for line := range bytes.Lines(log) {
		var r struct{ Kind string }
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("a record is not JSON: %w", err)
		}
		if len(args) == 0 || r.Kind == args[0] {
			w.stdout(ts).Write(line)
		}
	}
	return nil
}

// auditLog reads the whole log, after the records of all that has ended.
func (w *world) auditLog() ([]byte, error) {
	if w.gateway != nil {
		w.settle()                                                           // an answer's last byte comes before its record
		if err := w.gateway.Audit().System("script", "looked"); err != nil { // everything before it is stored now
			return nil, err
		}
	}
	files, err := filepath.Glob(filepath.Join(w.dir, "audit", "*.jsonl"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var log []byte
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		log = append(log, content...)
	}
	// A record that is being written has no line end yet.
	return log[:bytes.LastIndexByte(log, '\n')+1], nil
}

// over waits until nothing is in flight but what the script keeps open, and
// gives how much that is: a client has its answer a moment before the gateway
// has counted and recorded it.
func (w *world) over() (open int) {
	if w.gateway == nil {
		return 0
	}
	open = len(w.sockets)
	for _, b := range w.started {
		if len(b.done) == 0 {
			open++
		}
	}
	w.inFlight(open, 20*time.Second)
	return open
}

// settle does the same. What is kept open may have ended for the gateway, so
// that half a second more is for the others then.
func (w *world) settle() {
	if w.over() > 0 {
		w.inFlight(0, 500*time.Millisecond)
	}
}

// inFlight waits until no more than n requests are in flight, or d has passed.
func (w *world) inFlight(n int, d time.Duration) {
	for end := time.Now().Add(d); w.gateway.Status().InFlight > int64(n) && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
}

// cmdMetrics gives the metrics page.
func (w *world) cmdMetrics(ts *testscript.TestScript, args []string) error {
	w.settle()
	rec := httptest.NewRecorder()
	w.gateway.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	_, err := io.Copy(w.stdout(ts), rec.Body)
	return err
}
