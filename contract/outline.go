// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "durward"

// outline is what the schemas say of one value of an answer: which members it
// may have, which of them not everybody may see, and of what types it is. It is
// the union of all that a value may be where schemas offer alternatives, so that
// nothing declared is ever removed. Outlines are immutable once made, shared by
// all requests, and may lead back to themselves.
type outline struct {
	types    kind // 0: any
	members  map[string]*entry
	patterns []patternOutline
	rest     *outline // of members with other names; nil: there are none
	items    *outline // nil: there are none
	required uint64   // the bits of members that must be there
	hidden   []*hiding
	pick     *picker // nil: the alternatives cannot be told apart
	free     bool    // anything may stand here
	// unknown: what may stand here is not known, since the schemas are too
	// complex or refer to what cannot be followed.
	unknown bool
}

// entry is a declared member.
type entry struct {
	name string
	to   *outline // nil: the schema says that there is no such member
	bit  uint64   // in required; 0 for others
}

type patternOutline struct {
	re *pattern
	to *outline
}

// picker tells alternatives apart by the value of one member (OpenAPI's
// discriminator).
type picker struct {
	property string
	by       map[string]*outline
}

// hiding says who may see a value.
type hiding struct {
	writeOnly     bool // nobody
	sensitive     bool // only who has one of the roles or scopes
	roles, scopes []string
}

// shows tells that the principal may see the value.
func (h *hiding) shows(p *durward.Principal, writeOnly bool) bool {
	if h.writeOnly && !writeOnly {
		return false
	}
	return !h.sensitive || sharesOne(h.roles, p.Roles) || sharesOne(h.scopes, p.Scopes)
}

func sharesOne(a, b []string) bool {
	for _, one := range a {
		for _, other := range b {
			if one == other {
				return true
			}
		}
	}
	return false
}

// anything is the outline of a value of which nothing is said.
var anything = func() *outline {
	o := &outline{free: true}
	o.rest, o.items = o, o
	return o
}()

// nothingKnown is the outline where anything has to be let pass.
var nothingKnown = func() *outline {
	o := &outline{free: true, unknown: true}
	o.rest, o.items = o, o
	return o
}()

// member gives the entry of a declared member, or the outline of any other;
// both are nil for one that there is not.
func (o *outline) member(name []byte) (*entry, *outline) {
	if e := o.members[string(name)]; e != nil {
		return e, e.to
	}
	to := o.rest
	for i, matched := 0, false; i < len(o.patterns); i++ {
		p := &o.patterns[i]
		if matched && (p.to == nil || len(p.to.hidden) == 0) || !p.re.MatchString(string(name)) {
			continue
		}
		// Of several that match, one that hides the value decides.
		if to, matched = p.to, true; to != nil && len(to.hidden) > 0 {
			break
		}
	}
	return nil, to
}
