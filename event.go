// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"encoding/hex"
	"fmt"
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
	// EventAdmin is a change that somebody made to what the gateway decides by.
	EventAdmin EventKind = "admin"
)

// Event is one record of the audit log, and what followers of the log
// (detection, live view, search) get. It holds no pointer into an Exchange but
// strings, which are immutable; Steps must be copied by who keeps it.
type Event struct {
	Kind      EventKind
	Time      time.Time
	RequestID string
	TraceID   TraceID // of the trace that the request belongs to; zero for none

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
	Path      string  // canonical
	Object    []Param // the path parameters, which name the object; read only, in the path's order
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
	Stages   []StageTime // what took how long, in that order; read only

	// Who and From are the keyed hashes by which a sealed record names its
	// subject and its address, and Sealed is what is personal of it, encrypted.
	// Empty in an event that is not sealed.
	Who    string
	From   string
	Sealed string

	// Count is how many refusals an EventFlood stands for.
	Count int
	// Message and Detail are what an EventSystem says, and Clock is what its
	// time is worth.
	Message string
	Detail  string
	Clock   Clock
	// Admin is what an EventAdmin is about; nil in any other, but in an
	// EventSystem that somebody asked for, where it names only the actor.
	Admin *AdminAction
}

// StageTime is how long one part of an exchange took: a stage, or all stages
// of one name, "route" (from the first byte to the operation), "upstream" or
// "send".
type StageTime struct {
	Stage string
	Took  time.Duration
}

// Clock is what the system's clock is worth, as the kernel says.
type Clock struct {
	State string        // ClockSynchronised, ClockUnsynchronised, ClockUnknown; "" when it was not asked
	Error time.Duration // the most that it may be off, when it is synchronised
}

// States of a Clock.
const (
	ClockSynchronised   = "synchronised"
	ClockUnsynchronised = "unsynchronised"
	ClockUnknown        = "unknown"
)

// TraceID is the id of a trace (W3C Trace Context, section 3.2.2.3).
type TraceID [16]byte

// IsZero tells that there is none: the id of zeros only is not valid.
func (t TraceID) IsZero() bool { return t == TraceID{} }

// String gives the id as 32 lower-case hex digits, and "" for none.
func (t TraceID) String() string {
	if t.IsZero() {
		return ""
	}
	return hex.EncodeToString(t[:])
}

// MarshalText implements encoding.TextMarshaler.
func (t TraceID) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText takes what String gives.
func (t *TraceID) UnmarshalText(text []byte) error {
	*t = TraceID{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != 2*len(t) {
		return fmt.Errorf("%w: a trace id has 32 hex digits", ErrInvalid)
	}
	if _, err := hex.Decode(t[:], text); err != nil {
		*t = TraceID{}
		return fmt.Errorf("%w: a trace id has 32 hex digits", ErrInvalid)
	}
	return nil
}
