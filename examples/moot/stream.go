// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package moot

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	replayed     = 100 // messages at most that a stream repeats after Last-Event-ID
	writeTimeout = 10 * time.Second
)

// follow subscribes a caller to a space and gives the messages after the one
// named since, oldest first.
func (a *API) follow(r *http.Request, c caller, need Role, since string) (sub *subscriber, missed []event, err error) {
	err = a.read(r, c, need, func(s *room, role Role) error {
		if sub, err = a.hub.subscribe(s.ID); err != nil {
			return err
		}
		sequence, bad := strconv.ParseUint(strings.TrimPrefix(since, "m-"), 10, 64)
		if since == "" || bad != nil {
			return nil
		}
		from := max(s.position(sequence+1), len(s.order)-replayed)
		for _, m := range s.order[from:] {
			if !m.Hidden || role >= Moderator {
				missed = append(missed, event{s.ID, m.ID, "posted", m.encoded})
			}
		}
		return nil
	})
	return sub, missed, err
}

// mayFollow says whether a caller still may see a space.
func (a *API) mayFollow(c caller, space string, need Role) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.enter(c, space, need, func(*room, Role) error { return nil }) == nil
}

// streamMessages sends what happens in a space as server-sent events (HTML
// Living Standard, 9.2), until the caller leaves, may no longer see the space,
// or falls behind.
func (a *API) streamMessages(w http.ResponseWriter, r *http.Request, c caller) error {
	sub, missed, err := a.follow(r, c, Outsider, r.Header.Get("Last-Event-Id"))
	if err != nil {
		return err
	}
	defer a.hub.leave(sub)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	if send(w, out, []byte(": following\n\n")) != nil {
		return nil
	}
	for _, e := range missed {
		if send(w, out, e.frame()) != nil {
			return nil
		}
	}
	heartbeat := time.NewTicker(a.options.Heartbeat)
	defer heartbeat.Stop()
	for {
		frame := []byte(": still here\n\n")
		select {
		case <-r.Context().Done():
			return nil
		case e, ok := <-sub.events:
			if !ok {
				return nil
			}
			frame = e.frame()
		case <-heartbeat.C:
		}
		if !a.mayFollow(c, sub.space, Outsider) || send(w, out, frame) != nil {
			return nil
		}
	}
}

// frame is the event on the wire; its data is JSON and so has no line break.
func (e event) frame() []byte {
	var b bytes.Buffer
	b.WriteString("event: " + e.kind + "\nid: " + e.message + "\ndata: ")
	b.Write(e.data)
	b.WriteString("\n\n")
	return b.Bytes()
}

// send writes and flushes, and gives up on a caller that takes nothing.
func send(w http.ResponseWriter, out *http.ResponseController, frame []byte) error {
	if err := out.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.Write(frame); err != nil {
		return err
	}
	return out.Flush()
}
