// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package line reads a record of the audit log from its line, without decoding
// the whole of it: what an index, an export and a search look at. It decides
// nothing but what the outcome of a record is called, and what was detected.
//
// A line is one JSON object (RFC 8259) without white space, as package audit
// writes it. What is read points into the line. A line that is something else
// is refused, never guessed at: logs are read from copies too, which anybody
// may have changed.
//
// It keeps no state.
package line

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// Record is what a line tells. The texts are without quotes and escapes; most
// of them lie in the line itself and are valid as long as it is.
type Record struct {
	Seq       uint64
	Time      time.Time
	Kind      []byte
	RequestID []byte
	TraceID   []byte

	Client, Peer, Subject, Who, From, Consumer, Issuer, Method, Credential []byte
	API, Operation, Verb, Host, Path, UserAgent                            []byte
	Code, Stage, Reason, Message, Detail                                   []byte

	Status, Count              int64
	TookUS, BytesIn, BytesOut  int64
	Steps, Answer, Findings    []byte // JSON, as it stands
	Upstream, Policies, Sealed []byte // likewise
	Object, Actor              []byte // likewise
}

// Outcomes of a request; attempts and system records have none.
const (
	Allowed = "allowed"
	Refused = "refused"
	Failed  = "failed" // refused because something could not be decided or reached
)

// Outcome says how the request ended, "" where the record does not tell.
func (r *Record) Outcome() string {
	switch string(r.Kind) {
	case "outcome", "flood":
	default:
		return ""
	}
	switch {
	case len(r.Code) == 0:
		return Allowed
	case r.Status >= 500:
		return Failed
	}
	return Refused
}

// Parse reads a line.
func Parse(line []byte) (Record, bool) {
	var r Record
	good := true
	whole := Each(line, func(key, value []byte) {
		switch at := r.text(string(key)); {
		case at != nil:
			text, ok := Text(value)
			*at, good = text, good && ok
		default:
			good = r.other(string(key), value) && good
		}
	})
	if len(r.Client) == 0 { // sealed: it is named by its keyed hash
		r.Client = r.From
	}
	return r, whole && good && r.Seq > 0
}

// text gives the place of a field that is a string; nil for others.
func (r *Record) text(key string) *[]byte {
	switch key {
	case "kind":
		return &r.Kind
	case "request_id":
		return &r.RequestID
	case "trace_id":
		return &r.TraceID
	case "client":
		return &r.Client
	case "peer":
		return &r.Peer
	case "subject":
		return &r.Subject
	case "who":
		return &r.Who
	case "from":
		return &r.From
	case "consumer":
		return &r.Consumer
	case "issuer":
		return &r.Issuer
	case "method":
		return &r.Method
	case "credential":
		return &r.Credential
	}
	return r.what(key)
}

func (r *Record) what(key string) *[]byte {
	switch key {
	case "api":
		return &r.API
	case "operation":
		return &r.Operation
	case "verb":
		return &r.Verb
	case "host":
		return &r.Host
	case "path":
		return &r.Path
	case "user_agent":
		return &r.UserAgent
	case "code":
		return &r.Code
	case "stage":
		return &r.Stage
	case "reason":
		return &r.Reason
	case "message":
		return &r.Message
	case "detail":
		return &r.Detail
	}
	return nil
}

// other takes the fields that are no strings. One that is not known is passed
// over.
func (r *Record) other(key string, value []byte) bool {
	switch key {
	case "seq":
		n, err := strconv.ParseUint(string(value), 10, 63)
		r.Seq = n
		return err == nil
	case "time":
		text, ok := Text(value)
		if ok {
			var err error
			r.Time, err = time.Parse(time.RFC3339Nano, string(text))
			ok = err == nil
		}
		return ok
	case "status":
		return number(&r.Status, value)
	case "count":
		return number(&r.Count, value)
	case "took_us":
		return number(&r.TookUS, value)
	case "bytes_in":
		return number(&r.BytesIn, value)
	case "bytes_out":
		return number(&r.BytesOut, value)
	case "steps":
		r.Steps = value
	case "answer":
		r.Answer = value
	case "findings":
		r.Findings = value
	case "upstream":
		r.Upstream = value
	case "policies":
		r.Policies = value
	case "sealed":
		r.Sealed = value
	case "object":
		r.Object = value
	case "actor":
		r.Actor = value
	}
	return true
}

func number(to *int64, value []byte) bool {
	n, err := strconv.ParseInt(string(value), 10, 64)
	*to = n
	return err == nil
}

// Text gives a JSON string without its quotes and escapes. It points into value
// where there is no escape.
func Text(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return nil, false
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// Each gives the fields of a line in their order: the key, and the value as
// JSON. It tells whether the line is an object to its end; what was visited
// before a fault was visited.
func Each(line []byte, visit func(key, value []byte)) bool {
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' {
		return false
	}
	rest := line[1:]
	for {
		n := stringEnd(rest)
		if n < 0 || n >= len(rest) || rest[n] != ':' {
			return false
		}
		key := rest[1 : n-1]
		rest = rest[n+1:]
		end := valueEnd(rest)
		if end <= 0 || end >= len(rest) {
			return false
		}
		visit(key, rest[:end])
		switch rest[end] {
		case ',':
			rest = rest[end+1:]
		case '}':
			return end == len(rest)-1
		default:
			return false
		}
	}
}

// stringEnd is how long the JSON string is that b begins with; -1 when it does
// not, or the string has no end.
func stringEnd(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return -1
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
	}
	return -1
}

// valueEnd is how long the JSON value is that b begins with; -1 when it has no
// end.
func valueEnd(b []byte) int {
	if len(b) == 0 {
		return -1
	}
	switch b[0] {
	case '"':
		return stringEnd(b)
	case '{', '[':
		return nestedEnd(b)
	}
	return bytes.IndexAny(b, ",}")
}

func nestedEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := stringEnd(b[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}
