// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"bytes"
	"encoding/json"
	"errors"

	"durward"
)

// Admin stores a record of what somebody did to the gateway itself, and waits
// until it is on the disk, however the log is configured. Its time is that of
// the action. An action whose record is the last of its kind in the log is not
// stored again: who hands actions over one by one, and forgets each only after
// Admin, has every one recorded exactly once, whenever either process dies.
func (l *Log) Admin(a *durward.AdminAction) error {
	if a.ID == "" || a.Action == "" {
		return errors.New("audit: an action has an id and a name")
	}
	if last := l.lastAction.Load(); last != nil && *last == a.ID {
		return nil
	}
	return l.await(&durward.Event{Kind: durward.EventAdmin, Time: a.At, Admin: a}, waitSynced)
}

// SystemBy is System for what somebody asked for.
func (l *Log) SystemBy(actor *durward.Actor, message, detail string) error {
	ev := l.systemEvent(message, detail)
	if actor != nil {
		ev.Admin = &durward.AdminAction{At: ev.Time, Actor: *actor}
	}
	return l.await(&ev, l.patience(""))
}

var adminKind, lastActionKey = []byte(`,"kind":"admin",`), []byte(`,"last_action":"`)

// actionOf gives the id of the action that a line records, or that the first
// line of a file goes on from; "" for any other. No value can look like the
// keys: its quotes are escaped.
func actionOf(line []byte) string {
	if !bytes.Contains(line, adminKind) && !bytes.Contains(line, lastActionKey) {
		return ""
	}
	var r struct {
		ActionID   string `json:"action_id"`
		LastAction string `json:"last_action"`
	}
	if json.Unmarshal(line, &r) != nil {
		return ""
	}
	if r.ActionID != "" {
		return r.ActionID
	}
	return r.LastAction
}
