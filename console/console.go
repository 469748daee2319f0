// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package console is where operators reach the gateway: health and metrics on
// a listener of their own, and control over a Unix socket that only the
// gateway's own user can open. It decides nothing about API requests.
//
// Threat: an open admin interface. Nothing that changes the gateway is served
// over TCP; the socket's file mode is the authentication, and a request with a
// Host or Origin of a browser is refused (DNS rebinding).
//
// Failure policy: an admin address or socket that cannot be opened fails the
// start. State kept: none but its listeners.
package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Gateway is what the console needs of the gateway. Its methods must be safe
// for concurrent use.
type Gateway interface {
	// Ready is nil when requests can be served, else the reasons why not.
	Ready() error
	// Reload takes the configuration file again; an error changes nothing.
	Reload(ctx context.Context) error
	// ReloadWeaker is Reload, also to a configuration that protects less than
	// the one in force; Reload refuses such a one.
	ReloadWeaker(ctx context.Context) error
	// Status describes the gateway for `durward healthcheck` and people.
	Status() Status
}

// Notes is a Gateway that has something to say also while it is ready. It is
// shown at /readyz?verbose, and changes no status.
type Notes interface{ Notes() []string }

// Status is the gateway's own account of itself.
type Status struct {
	Version     string            `json:"version"`
	Fingerprint string            `json:"configuration"`
	Started     time.Time         `json:"started"`
	InFlight    int64             `json:"requests_in_flight"`
	Connections int               `json:"connections"`
	Listeners   map[string]string `json:"listeners"`
	Targets     map[string]string `json:"targets"`
}

// Console holds the operators' listeners.
type Console struct {
	servers   []*http.Server
	listeners []net.Listener
	address   net.Addr
}

// Config says where; empty parts serve nothing.
type Config struct {
	Address string // host:port of health and metrics
	Socket  string // path of the control socket
	// KeySet serves the gateway's public keys at /.well-known/jwks.json, for
	// upstreams to check its tokens with; nil serves none.
	KeySet http.Handler
}

// Start opens what the configuration names and serves until Shutdown.
func Start(cfg Config, g Gateway, metrics http.Handler) (*Console, error) {
	c := &Console{}
	if cfg.Address != "" {
		ln, err := net.Listen("tcp", cfg.Address)
		if err != nil {
			return nil, fmt.Errorf("admin.address: %w", err)
		}
		c.address = ln.Addr()
		h := Health(g, metrics)
		if cfg.KeySet != nil {
			mux := http.NewServeMux()
			mux.Handle("GET /.well-known/jwks.json", cfg.KeySet)
			mux.Handle("/", h)
			h = mux
		}
		c.serve(ln, h)
	}
	if cfg.Socket != "" {
		ln, err := listenUnix(cfg.Socket)
		if err != nil {
			c.Shutdown(context.Background())
			return nil, fmt.Errorf("admin.socket: %w", err)
		}
		c.serve(ln, Control(g))
	}
	return c, nil
}

func (c *Console) serve(ln net.Listener, h http.Handler) {
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		// Longer than a reload takes; a scraper that does not read is cut.
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ConnContext: withPeer,
	}
	c.servers, c.listeners = append(c.servers, s), append(c.listeners, ln)
	go s.Serve(ln)
}

// Address is where health and metrics are served; nil when they are not.
func (c *Console) Address() net.Addr { return c.address }

// Shutdown ends the console. Requests under way have a second, or until ctx
// ends: a scraper that hangs must not keep the gateway.
func (c *Console) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var errs []error
	for _, ln := range c.listeners {
		ln.Close() // a server that has not begun to serve does not know it yet
	}
	for _, s := range c.servers {
		if s.Shutdown(ctx) != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// listenUnix opens the control socket for the gateway's own user only. A file
// that a crashed gateway left is removed, one that somebody answers on is not.
func listenUnix(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, errors.New("the path exists and is not a socket")
		}
		conn, err := net.DialTimeout("unix", path, time.Second)
		if err == nil {
			conn.Close()
			return nil, errors.New("another gateway answers on it")
		}
		// Any other error may come from a gateway that is only busy.
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("cannot tell whether another gateway uses it: %w", err)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	return bindPrivately(path)
}

// Health serves liveness, readiness and metrics. It changes nothing.
func Health(g Gateway, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		say(w, http.StatusOK, "ok")
	})
	ready := func(w http.ResponseWriter, r *http.Request) {
		if err := g.Ready(); err != nil {
			if r.URL.Query().Has("verbose") {
				say(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
				return
			}
			say(w, http.StatusServiceUnavailable, "not ready")
			return
		}
		text := "ready"
		if n, ok := g.(Notes); ok && r.URL.Query().Has("verbose") {
			for _, note := range n.Notes() {
				text += "\n" + note
			}
		}
		say(w, http.StatusOK, text)
	}
	mux.HandleFunc("GET /readyz", ready)
	mux.HandleFunc("GET /startupz", ready)
	mux.Handle("GET /metrics", metrics)
	return mux
}

// Control serves what changes the gateway: on the socket only.
func Control(g Gateway) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/reload", func(w http.ResponseWriter, r *http.Request) {
		reload := g.Reload
		if r.URL.Query().Get(allowWeaker) == "true" {
			reload = g.ReloadWeaker
		}
		if err := reload(r.Context()); err != nil {
			answer(w, http.StatusUnprocessableEntity, map[string]string{"error": err.Error()})
			return
		}
		answer(w, http.StatusOK, g.Status())
	})
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, g.Status())
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != SocketHost || r.Header.Get("Origin") != "" {
			say(w, http.StatusForbidden, "forbidden")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// allowWeaker is the parameter of a reload that may weaken.
const allowWeaker = "allow_weaker"

// SocketHost is the Host that a client of the control socket sends.
const SocketHost = "durward.internal"

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
