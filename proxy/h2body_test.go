// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"durward"
	"durward/proxy/http1"
)

func TestTheWatchdogCountsOnlyTheTargetsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := newWatchdog(10*time.Second, cancel)
		time.Sleep(9 * time.Second)
		w.sleep() // the client is waited for
		time.Sleep(time.Hour)
		w.wake()
		time.Sleep(9 * time.Second)
		if ctx.Err() != nil {
			t.Fatal("the client's time was counted")
		}
		time.Sleep(2 * time.Second)
		if context.Cause(ctx) != errHeadTimeout || w.disarm() {
			t.Errorf("cause %v, want the head's timeout", context.Cause(ctx))
		}
		w.wake()
		w.sleep()
	})
}

func TestADisarmedWatchdogStaysQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		w := newWatchdog(time.Second, cancel)
		if !w.disarm() {
			t.Fatal("fired at once")
		}
		w.wake() // the content goes on behind the answer's head
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Error("canceled an exchange whose head had come")
		}
	})
}

// upto makes an upload of a body.
func upto(t *testing.T, x *durward.Exchange) *upload {
	t.Helper()
	_, cancel := context.WithCancelCause(t.Context())
	w := newWatchdog(time.Hour, cancel)
	t.Cleanup(func() { w.disarm(); cancel(nil) })
	return newUpload(&x.In.Body, w)
}

func TestAnUploadWithoutContentIsNone(t *testing.T) {
	up := upto(t, newExchange("GET", "/"))
	if up != nil || !up.untouched() || up.fault() != nil {
		t.Error("want nil, untouched and without fault")
	}
	up.detach()
}

func TestABufferedUploadCanBeSentAgainUntilItIsDetached(t *testing.T) {
	x := withBody(newExchange("POST", "/"), strings.NewReader("abc"), 3)
	if _, err := x.In.Body.Bytes(); err != nil {
		t.Fatal(err)
	}
	up := upto(t, x)
	for _, one := range []*upload{up, up.again(), up.again()} {
		if b, err := io.ReadAll(one); string(b) != "abc" || err != nil {
			t.Errorf("read %q, %v", b, err)
		}
	}
	if !up.untouched() {
		t.Error("buffered content counts as spent")
	}
	up.detach()
	up.detach()
	if n, err := up.again().Read(make([]byte, 9)); n != 0 || !errors.Is(err, durward.ErrBodyAborted) {
		t.Errorf("a detached upload gave %d bytes, %v", n, err)
	}
	if up.Close() != nil {
		t.Error("closing failed")
	}
}

func TestAStreamedUploadTellsTheExchangeHowFarItGot(t *testing.T) {
	x := withBody(newExchange("POST", "/"), strings.NewReader("abcdef"), 6)
	up := upto(t, x)
	if !up.untouched() || up.length != 6 {
		t.Errorf("untouched %v, length %d", up.untouched(), up.length)
	}
	if _, err := io.ReadFull(up, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	if x.In.Body.Touched() {
		t.Error("the exchange's own body was touched before the end")
	}
	up.detach()
	if up.untouched() || !x.In.Body.Touched() || x.In.Body.Rewind() {
		t.Error("spent content looks fresh")
	}
	if rest, err := io.ReadAll(&x.In.Body); string(rest) != "ef" || err != nil {
		t.Errorf("the rest is %q, %v", rest, err)
	}
}

func TestAnUploadKeepsTheClientsFault(t *testing.T) {
	x := withBody(newExchange("POST", "/"), badBody{durward.ErrBodyTimeout}, -1)
	up := upto(t, x)
	_, _ = up.Read(make([]byte, 1))
	err := http2Error("head", errors.New("stream error"), t.Context(), t.Context(), up)
	var e *http1.Error
	if !errors.As(err, &e) || e.Kind != http1.RequestBody || !errors.Is(err, durward.ErrBodyTimeout) {
		t.Errorf("error %v, want the client's", err)
	}
}

func TestHTTP2ErrorsTellWhoseFaultItWas(t *testing.T) {
	live := t.Context()
	gone, cancel := context.WithCancel(live)
	cancel()
	late, stop := context.WithDeadline(live, time.Now().Add(-time.Second))
	defer stop()
	slow, fire := context.WithCancelCause(live)
	fire(errIdleBody)
	dial := &http1.Error{Op: "dial", Kind: http1.Dial, Err: io.EOF}
	for _, tc := range []struct {
		name        string
		err         error
		parent, own context.Context
		want        http1.Kind
		sent        bool
	}{
		{"the client left", io.EOF, gone, gone, http1.Canceled, true},
		{"the exchange's deadline", io.EOF, late, late, http1.Timeout, true},
		{"silence", io.EOF, live, slow, http1.Timeout, true},
		{"no connection", dial, live, live, http1.Dial, false},
		{"a broken promise", errLength, live, live, http1.Invalid, true},
		{"anything else", io.ErrUnexpectedEOF, live, live, http1.Closed, true},
	} {
		var e *http1.Error
		if err := http2Error("head", tc.err, tc.parent, tc.own, nil); !errors.As(err, &e) || e.Kind != tc.want || e.Sent != tc.sent {
			t.Errorf("%s: %v, sent %v", tc.name, err, e.Sent)
		}
	}
}

func TestALaneEndsWithItsLastRequest(t *testing.T) {
	version, opened := 0, 0
	c := &lanes{version: func() int { return version }, open: func() *lane {
		opened++
		return &lane{pool: http1.New(http1.Options{})}
	}}
	closed := func(l *lane) bool {
		_, err := l.pool.RoundTrip(t.Context(), &http1.Request{Out: &durward.Outgoing{Method: "GET", Path: "/", Host: "a"}})
		return errors.Is(err, http1.ErrPoolClosed)
	}
	first, _ := c.enter()
	same, _ := c.enter()
	if first != same || opened != 1 {
		t.Fatal("one version has two lanes")
	}
	version++
	second, _ := c.enter()
	if second == first || second.version != 1 {
		t.Fatal("a new version has no lane of its own")
	}
	first.leave()
	if first.live.Load() != 1 || !first.retired.Load() {
		t.Fatal("the old lane is not retired, or lost its last request")
	}
	same.leave()
	if !closed(first) {
		t.Error("the old lane outlived its last request")
	}
	second.leave()
	c.close()
	if !closed(second) {
		t.Error("the lane outlived its target")
	}
	if _, err := c.enter(); !errors.Is(err, http1.ErrPoolClosed) {
		t.Errorf("entered a closed target: %v", err)
	}
}
