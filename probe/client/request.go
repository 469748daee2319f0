// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package client sends the requests of a test run with manners: to one origin
// only, within a budget, a rate and a time, reading only so much of an answer.
package client

import (
	"crypto/tls"
	"net/http"
	"time"
)

// Field is one header field as it is sent: its name's case and order are kept.
type Field struct{ Name, Value string }

// Request is one request as bytes, nearly: what is malformed on purpose is sent
// as it stands.
type Request struct {
	Method string
	// Target is the path and query as sent, the server's base path included.
	Target string
	Header []Field
	Body   []byte
	// As names the identity whose credentials were applied; empty for none.
	As string
	// Secrets are the texts of Header, Target and Body that must not be shown,
	// by the shell variable that stands for them: "TOKEN_ALICE".
	Secrets map[string]string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Cut tells that the body was longer than what is read of it.
	Cut  bool
	Took time.Duration // from the first byte sent to the head's last byte
	TLS  *tls.ConnectionState
}

// OK tells a status of class 2.
func (a *Answer) OK() bool { return a != nil && a.Status >= 200 && a.Status < 300 }
