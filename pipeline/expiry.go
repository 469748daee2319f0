// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"io"
	"time"

	"durward"
)

var errCredentialExpired = errors.New("the credential expired while its stream went on")

// whileValid makes a stream or an upgraded connection end with the credential
// that opened it: a token is checked once at the start, and a stream can last
// for days. Answers that end by themselves are left alone, since the decision
// was made while the credential was valid. The context is for an upgrade.
func whileValid(ctx context.Context, x *durward.Exchange, now func() time.Time) (context.Context, context.CancelFunc) {
	until := x.Principal.Expires
	if until.IsZero() {
		return ctx, func() {}
	}
	r := x.Response
	if r.Upgraded != nil {
		return context.WithDeadline(ctx, until)
	}
	if r.Body != nil && (r.Stream || r.Length < 0) {
		r.Body = &expiring{r.Body, until, now}
	}
	return ctx, func() {}
}

// expiring is a stream that gives nothing any more after a time. The error
// cuts the client's connection, so that nobody takes the stream for complete.
type expiring struct {
	io.ReadCloser
	until time.Time
	now   func() time.Time
}

func (e *expiring) Read(p []byte) (int, error) {
	n, err := e.ReadCloser.Read(p)
	if e.now().After(e.until) {
		return 0, errCredentialExpired
	}
	return n, err
}
