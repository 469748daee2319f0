// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package listener is a server of a run's own on loopback, which a service that
// can be made to send requests is led to: whoever asks for one of its addresses
// shows that it did (CWE-918, OWASP API7:2023).
//
// It binds 127.0.0.1 only, takes no more than it must to see the address, and
// keeps one flag for each address that it gave out. What is not among them is
// answered 404 and forgotten.
package listener

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxAddresses bounds the flags.
const maxAddresses = 100000

// Server is the listener. It is safe for concurrent use.
type Server struct {
	listener net.Listener
	server   *http.Server
	run      string

	mu   sync.Mutex
	next int
	hit  map[string]bool
}

// New starts one on a free port of 127.0.0.1. Close ends it.
func New() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listener: %w", err)
	}
	s := &Server{listener: l, run: strings.ToLower(rand.Text()[:10]), hit: map[string]bool{}}
	s.server = &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		IdleTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10,
	}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// Close ends it and all connections.
func (s *Server) Close() error { return s.server.Close() }

// URL makes an address that nobody else has, and hit tells whether it was asked
// for so far.
func (s *Server) URL() (url string, hit func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	path := fmt.Sprintf("/%s/%d", s.run, s.next)
	if len(s.hit) < maxAddresses {
		s.hit[path] = false
	}
	return "http://" + s.listener.Addr().String() + path, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.hit[path]
	}
}

// ServeHTTP notes who came. The path may have grown: a service may add to an
// address that it was given.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	s.mu.Lock()
	known := false
	if len(parts) >= 2 {
		path := "/" + parts[0] + "/" + parts[1]
		if _, known = s.hit[path]; known {
			s.hit[path] = true
		}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Connection", "close")
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}
