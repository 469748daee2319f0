// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"bytes"
	"strconv"
	"strings"
	"sync"

	"durward"
)

// problemBuffer is what a refusal is made in; refusals are what an attacker
// causes most of, so they allocate next to nothing.
type problemBuffer struct {
	response durward.Response
	header   [4]durward.Field
	json     []byte
	reader   bytes.Reader
}

var problemBuffers = sync.Pool{New: func() any { return &problemBuffer{json: make([]byte, 0, 512)} }}

// Close makes the buffer its response's body.
func (b *problemBuffer) Close() error { return nil }

func (b *problemBuffer) Read(p []byte) (int, error) { return b.reader.Read(p) }

// answer makes the response to a refusal: a problem document (RFC 9457), or
// for a gRPC caller a status in its protocol's form.
func (b *problemBuffer) answer(base string, d *durward.Decision, x *durward.Exchange) *durward.Response {
	if x.In.Method == "POST" && isGRPC(x.In.Header.Get("Content-Type")) {
		return b.grpc(d)
	}
	p := durward.NewProblem(base, d, x)
	b.json = p.AppendJSON(b.json[:0])
	b.reader.Reset(b.json)
	b.header = [4]durward.Field{
		{Name: "Content-Type", Value: "application/problem+json"},
		{Name: "Cache-Control", Value: "no-store"},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
	}
	header := b.header[:3]
	if p.Status == 405 && x.Operation != nil {
		b.header[3] = durward.Field{Name: "Allow", Value: x.Operation.Allowed}
		header = b.header[:4]
	}
	b.response = durward.Response{Status: p.Status, Header: header, Body: b, Length: int64(len(b.json))}
	return &b.response
}

// isGRPC tells whether a media type is gRPC's: "application/grpc", with "+proto"
// and the like behind it.
func isGRPC(mediaType string) bool {
	rest, ok := strings.CutPrefix(mediaType, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// grpc answers in the form of a gRPC "trailers-only" response: HTTP 200, with
// the status in the header. The mapping is that of the gRPC project for
// clients that get an HTTP error ("http-grpc-status-mapping").
func (b *problemBuffer) grpc(d *durward.Decision) *durward.Response {
	k := durward.Lookup(d.Code)
	status := 2 // UNKNOWN
	switch k.Status {
	case 400, 422, 413, 415:
		status = 3 // INVALID_ARGUMENT
	case 401:
		status = 16 // UNAUTHENTICATED
	case 403:
		status = 7 // PERMISSION_DENIED
	case 404, 405:
		status = 12 // UNIMPLEMENTED
	case 429:
		status = 8 // RESOURCE_EXHAUSTED
	case 502, 503:
		status = 14 // UNAVAILABLE
	case 504, 408:
		status = 4 // DEADLINE_EXCEEDED
	case 500:
		status = 13 // INTERNAL
	}
	b.header = [4]durward.Field{
		{Name: "Content-Type", Value: "application/grpc"},
		{Name: "Grpc-Status", Value: strconv.Itoa(status)},
		{Name: "Grpc-Message", Value: k.Title},
		{Name: "Cache-Control", Value: "no-store"}, // a cache would take the 200 for an answer
	}
	b.response = durward.Response{Status: 200, Header: b.header[:4], Length: -1}
	return &b.response
}
