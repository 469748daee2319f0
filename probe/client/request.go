// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package client sends the requests of a test run with manners: to one origin
// only, within a budget, a rate and a time, reading only so much of an answer.
package client

import (
	"crypto/tls"
	"maps"
	"net/http"
	"slices"
	"strings"
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

// Has tells whether r brings a field of that name.
func (r *Request) Has(name string) bool {
	return slices.ContainsFunc(r.Header, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// Get gives the first field of that name.
func (r *Request) Get(name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Set replaces the fields of that name by one.
func (r *Request) Set(name, value string) {
	r.Del(name)
	r.Header = append(r.Header, Field{name, value})
}

// Add appends a field.
func (r *Request) Add(name, value string) { r.Header = append(r.Header, Field{name, value}) }

// Del removes the fields of that name.
func (r *Request) Del(name string) {
	r.Header = slices.DeleteFunc(r.Header, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// Clone copies r, so that the copy can be changed.
func (r *Request) Clone() *Request {
	c := *r
	c.Header = slices.Clone(r.Header)
	c.Body = slices.Clone(r.Body)
	c.Secrets = maps.Clone(r.Secrets)
	return &c
}

// Hide says that text must not be shown, and which shell variable stands for it.
func (r *Request) Hide(variable, text string) {
	if text == "" {
		return
	}
	if r.Secrets == nil {
		r.Secrets = map[string]string{}
	}
	r.Secrets[variable] = text
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
