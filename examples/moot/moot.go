// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package moot is a small messaging API: spaces with members, messages,
// attachments and moderation, live over server-sent events and WebSocket. It
// stands for somebody else's API behind a gateway, so it knows nothing of the
// gateway: it takes the caller's name from the Moot-User field that whoever
// stands before it must set, and must take away from outside requests.
//
// Moot decides what a caller may do with one object: outsiders, members,
// moderators and owners of a space differ (see Role). A private space does not
// exist for outsiders (404); what a role is too low for is refused with 403.
// Errors are RFC 9457 problems. All state is in memory and bounded, and starts
// as Seed says at every New. Flaws plants known vulnerabilities, one switch
// each, for testing what stands before or looks at the API; none is on unless
// it is named.
package moot

import (
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// OpenAPI is the API's contract, an OpenAPI 3.1 document in YAML. Its paths
// carry no prefix.
//
//go:embed moot.openapi.yaml
var OpenAPI []byte

// Options say how an API behaves. The zero value is usable.
type Options struct {
	// Flaws are the vulnerabilities to plant, by name; "all" is every one of
	// the list Flaws. A name that is not in the list is an error.
	Flaws []string
	// Anonymous is the caller's name when a request does not give one. Empty
	// refuses such requests with 401. For benchmarks only.
	Anonymous string
	// Origins are the hosts whose pages may open the WebSocket besides the
	// API's own, as path.Match patterns.
	Origins []string
	// Heartbeat is how often an idle event stream gets a comment; default 15 s.
	Heartbeat time.Duration
	// Now is the clock of all records. Default time.Now.
	Now func() time.Time
	// Log gets one record for each request (debug) and for internal faults
	// (error). Default: none.
	Log *slog.Logger
}

// API is one instance with its own data. It is safe for concurrent use.
type API struct {
	options Options
	flaws   map[string]bool
	hub     *hub
	handler http.Handler

	mu       sync.RWMutex // guards all below, and the rooms' content
	rooms    map[string]*room
	files    map[string][]byte // attachments' content by space and name
	size     int               // bytes in files
	sequence uint64            // of messages
	numbers  map[string]int    // of attachments and reports
	users    map[string]User
}

// New makes an API that holds what Seed says.
func New(o Options) (*API, error) {
	flaws, err := flawSet(o.Flaws)
	if err != nil {
		return nil, err
	}
	if o.Anonymous != "" && !validUser(o.Anonymous) {
		return nil, fmt.Errorf("moot: %q is not a user name", o.Anonymous)
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{options: o, flaws: flaws, hub: newHub()}
	a.load(Seed())
	a.handler = a.routes()
	return a, nil
}

// Handler serves the API.
func (a *API) Handler() http.Handler { return a.handler }

// Close ends all streams and live connections and waits for them; requests
// for new ones are refused with 503 from then on.
func (a *API) Close() { a.hub.close() }

// now is the time of a new record, to the millisecond, as the API shows it.
func (a *API) now() time.Time { return a.options.Now().UTC().Truncate(time.Millisecond) }
