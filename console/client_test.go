// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answering serves a socket that answers everything the same.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	})}
	go s.Serve(ln)
	t.Cleanup(func() { s.Close(); ln.Close() })
	return path
}

func TestTheClientTellsWhatWentWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"a reason":                      {422, `{"error":"a.yaml:1:1: no"}`, "a.yaml:1:1: no"},
		"a refusal without one":         {403, "forbidden", "the gateway answered 403 Forbidden"},
		"an empty reason":               {500, `{"error":""}`, "the gateway answered 500"},
		"an answer that is none":        {200, "hello", "invalid character"},
		"an answer that is cut":         {200, `{"version":`, "unexpected end"},
		"an answer that is far too big": {200, `{"version":"` + strings.Repeat("x", 2<<20) + `"}`, "unexpected end"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewClient(answering(t, tc.status, tc.body)).Status(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	if _, err := NewClient(filepath.Join(t.TempDir(), "none")).Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("no socket: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewClient(answering(t, 200, "{}")).Status(ctx); err == nil {
		t.Error("an ended context is no error")
	}
}

// What cannot be proved dead is left alone.
func TestASocketOfAnotherKindIsNotRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	other, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if c, err := Start(Config{Socket: path}, &fake{}, page); err == nil || !strings.Contains(err.Error(), "cannot tell") {
		if c != nil {
			c.Shutdown(t.Context())
		}
		t.Errorf("%v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("it was removed: %v", err)
	}
}

func TestTheSocketsFileIsRemovedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	ln, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	successor, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	defer successor.Close()
	ln.Close() // again, as http.Server does
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		t.Fatalf("the successor's file was removed: %v", err)
	}
	c.Close()
}
