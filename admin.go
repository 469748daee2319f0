// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package durward

import (
	"context"
	"slices"
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
	// Whose are the persons that the targets are of, "" where that is not known.
	// It is for the sealing of the record, which has it not.
	Whose []string `json:"whose,omitempty"`
	// Persons are those that lists in Changes have as members, likewise: a list
	// joins them with spaces, which a name may have too.
	Persons []string `json:"persons,omitempty"`
	// Sealed are texts that stand as keyed hashes in Targets and Changes.
	Sealed []SealedText `json:"-"`
}

// SealedText is a text that only the key of whom it names opens.
type SealedText struct {
	Tag    string `json:"tag"`    // keyed hash that stands in its place
	At     string `json:"at"`     // the place: "targets.0", "changes.1.after", "changes.1.after.0" in a list
	Sealed string `json:"sealed"` // base64url
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

// TargetOf is Target for what is of a person: a consumer, or another subject.
func (a *AdminAction) TargetOf(kind, id, whose string) {
	a.Target(kind, id)
	a.Own(kind, id, whose)
}

// Own says whose a target is, when that is only known later.
func (a *AdminAction) Own(kind, id, whose string) {
	i := slices.Index(a.Targets, kind+":"+id)
	if i < 0 {
		return // one of too many
	}
	for len(a.Whose) <= i {
		a.Whose = append(a.Whose, "")
	}
	a.Whose[i] = whose
}

// WhoseTarget gives the person that a target is of; "" when that is not known.
func (a *AdminAction) WhoseTarget(i int) string {
	if i >= len(a.Whose) {
		return ""
	}
	return a.Whose[i]
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
