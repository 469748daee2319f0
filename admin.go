// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"context"
	"time"
)

// Actor is who works on the gateway itself: a person at a command line, as
// the operating system knows them.
type Actor struct {
	User    string `json:"user,omitempty"`  // name of the account; its number when it has no name
	UID     int    `json:"uid"`             // -1 when the system has none
	Login   string `json:"login,omitempty"` // account that the session began with, before su or sudo
	Host    string `json:"host,omitempty"`
	PID     int    `json:"pid,omitempty"`
	Command string `json:"command,omitempty"` // "key revoke": never its arguments
}

// AdminAction is a change that somebody made to what the gateway decides by.
// None of its texts holds a secret.
type AdminAction struct {
	ID      string    `json:"id"`     // made for this action, to tell that it is the same
	At      time.Time `json:"at"`     // when it was done
	Action  string    `json:"action"` // "key.revoke"
	Actor   Actor     `json:"actor"`
	Targets []string  `json:"targets,omitempty"` // what was changed, as "key:ID"; at most MaxTargets
	Count   int       `json:"count,omitempty"`   // how many things were changed
	Changes []Changed `json:"changes,omitempty"` // at most MaxTargets
}

// MaxTargets is how many targets and changes of one action are told.
const MaxTargets = 32

// Changed is a field that has another value now. Values are cut by who makes
// the record.
type Changed struct {
	Field  string `json:"field"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Target notes one thing that was changed, such as "key:ID".
func (a *AdminAction) Target(kind, id string) {
	a.Count++
	if len(a.Targets) < MaxTargets {
		a.Targets = append(a.Targets, kind+":"+id)
	}
}

// Change notes a field whose value is another now; the same value is no change.
func (a *AdminAction) Change(field, before, after string) {
	if before != after && len(a.Changes) < MaxTargets {
		a.Changes = append(a.Changes, Changed{field, before, after})
	}
}

type actorKey struct{}

// WithActor gives a context whose changes are those of the actor.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf gives the actor of a context; the zero Actor is nobody.
func ActorOf(ctx context.Context) (Actor, bool) {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a, a != Actor{}
}
