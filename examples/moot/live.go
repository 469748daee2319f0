// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/coder/websocket"
)

const maxFrame = 32 << 10 // bytes of one WebSocket message from a caller

// liveFrame is one message from the API over the WebSocket.
type liveFrame struct {
	Event   string          `json:"event"` // "posted", "edited", "deleted", "error"
	Message json.RawMessage `json:"message,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// upgrade keeps the text answer that websocket.Accept gives to a request it
// refuses, so that the caller gets a problem like from everywhere else.
type upgrade struct {
	http.ResponseWriter
	refused int // status
}

// Unwrap lets Accept find the connection.
func (u *upgrade) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func (u *upgrade) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
		return
	}
	u.refused = status
}

func (u *upgrade) Write(data []byte) (int, error) { return len(data), nil }

// liveMessages is the space over a WebSocket (RFC 6455). Members send posts, in
// the form of postMessage's body; every event of the space, their own included,
// comes back. Pages of other origins are refused (RFC 6455, 10.2).
func (a *API) liveMessages(w http.ResponseWriter, r *http.Request, c caller) error {
	sub, _, err := a.follow(r, c, Member, "")
	if err != nil {
		return err
	}
	defer a.hub.leave(sub)
	up := &upgrade{ResponseWriter: w}
	conn, err := websocket.Accept(up, r, &websocket.AcceptOptions{
		InsecureSkipVerify: a.flaws[websocketNoOrigin], OriginPatterns: a.options.Origins,
	})
	if err != nil {
		return &fault{cmp.Or(up.refused, http.StatusBadRequest), "The WebSocket was not opened."}
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxFrame)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	replies := make(chan liveFrame, 1)
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer cancel() // ends the read below
		a.writeLive(ctx, conn, c, sub, replies)
	}()
	a.readLive(ctx, conn, c, sub.space, replies)
	cancel()
	<-written
	return nil
}

// readLive takes posts until the connection ends.
func (a *API) readLive(ctx context.Context, conn *websocket.Conn, c caller, space string, replies chan<- liveFrame) {
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if err := a.postLive(c, space, data); err != nil {
			detail := "Something went wrong here."
			if f := (*fault)(nil); errors.As(err, &f) {
				detail = f.detail
			}
			select {
			case replies <- liveFrame{Event: "error", Error: detail}:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (a *API) postLive(c caller, space string, data []byte) error {
	var in post
	if err := json.Unmarshal(data, &in); err != nil {
		return invalid("The message is not the JSON that is documented.")
	}
	if err := in.check(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.enter(c, space, Member, func(s *room, _ Role) error {
		_, err := a.say(s, c, in)
		return err
	})
}

// writeLive sends events and replies until the connection or the subscription
// ends.
func (a *API) writeLive(ctx context.Context, conn *websocket.Conn, c caller, sub *subscriber, replies <-chan liveFrame) {
	for {
		var out liveFrame
		select {
		case <-ctx.Done():
			return
		case out = <-replies:
		case e, ok := <-sub.events:
			if !ok {
				_ = conn.Close(websocket.StatusGoingAway, "this end is closing, or you fell behind")
				return
			}
			out = liveFrame{Event: e.kind, Message: e.data}
		}
		if !a.mayFollow(c, sub.space, Member) {
			_ = conn.Close(websocket.StatusPolicyViolation, "you are no longer in this space")
			return
		}
		data, err := json.Marshal(out)
		if err != nil {
			return
		}
		timed, stop := context.WithTimeout(ctx, writeTimeout)
		err = conn.Write(timed, websocket.MessageText, data)
		stop()
		if err != nil {
			return
		}
	}
}
