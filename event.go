// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"net/netip"
	"time"
)

// EventKind tells the two records of an exchange apart, and the records that
// are not about a single one.
type EventKind string

const (
	// EventAttempt is stored before the request may do anything.
	EventAttempt EventKind = "attempt"
	// EventOutcome is stored when the exchange has ended, however it did.
	EventOutcome EventKind = "outcome"
	// EventFlood stands for many refusals of one client in one window.
	EventFlood EventKind = "flood"
	// EventSystem is about the gateway itself: started, reloaded, stopped.
	EventSystem EventKind = "system"
)

// Event is one record of the audit log, and what followers of the log
// (detection, live view, search) get. It holds no pointer into an Exchange but
// strings, which are immutable; Steps must be copied by who keeps it.
type Event struct {
	Kind      EventKind
	Time      time.Time
	RequestID string

	// Who, with what, from where.
	Client     netip.Addr
	Peer       netip.AddrPort
	Subject    string
	Consumer   string
	Issuer     string
	Method     string // how it was authenticated
	Credential string
	Bound      string // how the caller proved to hold the credential's key: "dpop", "mtls"; "" for a bearer
	Plan       string // rate plan of the credential or its consumer; "" for none

	// What.
	API       string
	Operation string
	Verb      string // request method
	Host      string
	Path      string // canonical
	Proto     string
	UserAgent string

	// How it ended; only in outcomes.
	Status   int
	Code     Code     // "" when it was not refused
	Stage    string   // that refused
	Reason   string   // internal, never sent to the client
	Steps    []Step   // steps that did not simply allow, or allowed with an Err
	Policies []string // that decided whether the caller may, with file and line
	Findings []Finding
	Upstream UpstreamFacts
	Guard    GuardFacts // what was found in the answer's content
	Took     time.Duration
	BytesIn  int64
	BytesOut int64

	// Count is how many refusals an EventFlood stands for.
	Count int
	// Message and Detail are what an EventSystem says.
	Message string
	Detail  string
}
