// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"durward/durwardtest"
	"durward/examples/issuer"
	"durward/gateway"
)

// world is what one script has set up.
type world struct {
	dir          string
	upstreams    map[string]*upstream // by name; "" is the one that is meant when none is named
	issuer       *issuer.Issuer
	issues       *httptest.Server
	gateway      *gateway.Gateway
	process      *process
	log          *os.File
	started      map[string]*background
	sockets      map[string]*socketClient
	holders      map[string]holder
	introspector *introspector
	captured     *bytes.Buffer // takes what a command says in place of the script's stdout
	canaries     canaries
	recorded     int // bytes of the audit log that "records -new" has shown
}

// upstream is one server behind the gateway.
type upstream struct {
	*durwardtest.Upstream
	held chan struct{} // closed by "upstream release"
}

func newWorld(dir string) *world {
	return &world{dir: dir, upstreams: map[string]*upstream{}, started: map[string]*background{}, sockets: map[string]*socketClient{}, holders: map[string]holder{}}
}

// stdout is where a command says what it found.
func (w *world) stdout(ts *testscript.TestScript) io.Writer {
	if w.captured != nil {
		return w.captured
	}
	return ts.Stdout()
}

func (w *world) stop(ctx context.Context) {
	for _, s := range w.sockets {
		s.conn.CloseNow()
	}
	for _, u := range w.upstreams {
		u.release()
	}
	if w.process != nil {
		w.process.kill()
	}
	if w.gateway != nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		w.gateway.Shutdown(ctx, 0)
		w.gateway = nil
	}
	for _, u := range w.upstreams {
		u.CloseClientConnections()
		u.Close()
	}
	if w.issues != nil {
		w.issues.Close()
	}
	if w.log != nil {
		w.log.Close()
	}
}

// expand fills in what scripts cannot say in plain text: ${NAME} from the
// script's environment, ${a*9000} for nine thousand times an a, and ${hex:0d0a}
// for bytes.
func expand(ts *testscript.TestScript, text string) string {
	expanded := expandPlain(ts, text)
	ts.Value(worldKey{}).(*world).canaries.note(expanded)
	return expanded
}

func expandPlain(ts *testscript.TestScript, text string) string {
	return os.Expand(text, func(name string) string {
		if code, ok := strings.CutPrefix(name, "hex:"); ok {
			raw, err := hex.DecodeString(code)
			if err != nil {
				ts.Fatalf("%s: %v", name, err)
			}
			return string(raw)
		}
		if i := strings.LastIndexByte(name, '*'); i > 0 {
			n, err := strconv.Atoi(name[i+1:])
			if err != nil {
				ts.Fatalf("%s: %v", name, err)
			}
			return strings.Repeat(name[:i], n)
		}
		return ts.Getenv(name)
	})
}

// options takes "-name value" pairs from the front of args; flags are names
// that have no value.
func options(args []string, flags ...string) (given map[string]string, rest []string, err error) {
	given = map[string]string{}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		name := args[0][1:]
		args = args[1:]
		if slices.Contains(flags, name) {
			given[name] = "yes"
			continue
		}
		if len(args) == 0 {
			return nil, nil, fmt.Errorf("-%s needs a value", name)
		}
		given[name], args = args[0], args[1:]
	}
	return given, args, nil
}
