// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"durward"
	"durward/durwardtest"
)

func TestAStreamEndsWithItsCredential(t *testing.T) {
	clock := durwardtest.NewClock()
	for _, tt := range []struct {
		name     string
		response durward.Response
		expires  time.Time
		want     error
	}{
		{"a stream of a token that has expired is cut", durward.Response{Stream: true, Length: -1}, clock.Now().Add(time.Minute), errCredentialExpired},
		{"an answer of unknown length as well", durward.Response{Length: -1}, clock.Now().Add(time.Minute), errCredentialExpired},
		{"an answer that ends by itself goes on", durward.Response{Length: 9}, clock.Now().Add(time.Minute), nil},
		{"a stream of a token that is still valid goes on", durward.Response{Stream: true, Length: -1}, clock.Now().Add(time.Hour), nil},
		{"a credential without an end ends nothing", durward.Response{Stream: true, Length: -1}, time.Time{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := durwardtest.NewClock()
			x := &durward.Exchange{Principal: durward.Principal{Method: "jwt", Expires: tt.expires}}
			tt.response.Body = io.NopCloser(strings.NewReader("an event\n"))
			x.Response = &tt.response
			_, stop := whileValid(context.Background(), x, at.Now)
			defer stop()
			at.Move(2 * time.Minute)
			text, err := io.ReadAll(x.Response.Body)
			if !errors.Is(err, tt.want) {
				t.Errorf("ended with %v, want %v", err, tt.want)
			}
			if tt.want != nil && len(text) > 0 {
				t.Errorf("%q was given after the end", text)
			}
		})
	}
}

func TestAnUpgradedConnectionEndsWithItsCredential(t *testing.T) {
	until := time.Now().Add(time.Hour)
	x := &durward.Exchange{Principal: durward.Principal{Method: "jwt", Expires: until}, Response: &durward.Response{Upgraded: struct{ io.ReadWriteCloser }{}}}
	ctx, stop := whileValid(context.Background(), x, time.Now)
	defer stop()
	if end, ok := ctx.Deadline(); !ok || !end.Equal(until) {
		t.Errorf("the deadline is %v, %v", end, ok)
	}
}
