// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// ownOrigin is where the service's own pages come from.
const ownOrigin = "https://app.warehouse.example"

func (a *app) platformRoutes() []operation {
	settings := operation{"GET /settings", false, a.settings}
	if a.has["method-fallthrough"] {
		// The flaw: any method reaches the code, and only GET is asked who calls.
		settings = operation{"/settings", true, a.anyMethod}
	}
	return []operation{settings, {"GET /live", false, a.live}}
}

// headers are those of every answer. Flaw any-origin.
func (a *app) headers(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if origin := r.Header.Get("Origin"); origin == ownOrigin || origin != "" && a.has["any-origin"] {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Add("Vary", "Origin")
	}
	h.Set("X-Content-Type-Options", "nosniff")
}

type letIn struct{}

// overridden runs the method that a header names. Who may call was decided for
// the method on the request's line: where that one is open, so is this.
func (a *app) overridden(w http.ResponseWriter, r *http.Request, method, pattern string) {
	if strings.HasPrefix(pattern, "GET /products") {
		r = r.WithContext(context.WithValue(r.Context(), letIn{}, true))
	}
	r.Method = method
	a.mux.ServeHTTP(w, r)
}

// settings are the same for everybody who has logged in.
func (a *app) settings(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, object{"currency": "EUR", "night_shift": true, "gate_code": "7731#"})
}

func (a *app) anyMethod(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && user(r) == "" {
		fail(w, http.StatusUnauthorized, "log in first")
		return
	}
	a.settings(w, r)
}

// live sends events over a WebSocket (RFC 6455): one, and then it closes. Flaw
// socket-origin: any page may open it.
func (a *app) live(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Header.Get("Sec-WebSocket-Key") == "" {
		w.Header().Set("Upgrade", "websocket")
		fail(w, http.StatusUpgradeRequired, "a WebSocket is needed")
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" && origin != ownOrigin && !a.has["socket-origin"] {
		fail(w, http.StatusForbidden, "not from there")
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.broken(w, err)
		return
	}
	defer c.Close()
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	const event = `{"event":"stock moved"}`
	_, _ = c.Write(append([]byte{0x81, byte(len(event))}, event...))
	_, _ = c.Write([]byte{0x88, 0x02, 0x03, 0xe8})
}
