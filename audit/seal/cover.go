// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seal

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"durward"
)

// Most bytes that are sealed of a value, as many as a record has of one.
const (
	maxValue  = 256
	maxPath   = 2048
	maxReason = 512
)

// work is the memory in which a record is sealed.
type work struct{ plain, bound, sealed []byte }

var works = sync.Pool{New: func() any { return new(work) }}

// Cover takes what is personal out of an event, and puts it back sealed. op may
// be nil. After an error the personal fields are gone, and Sealed says so; the
// event may be stored all the same.
func (s *Sealer) Cover(ev *durward.Event, op *durward.Operation) error {
	if ev.Kind == durward.EventAdmin {
		return s.coverAction(ev)
	}
	e, from, err := s.keysOf(ev)
	credential := ""
	if err == nil && ev.Subject != "" && ev.Credential != "" && s.cfg.sealed(FieldSubject) {
		var c *entry
		if c, err = s.ofCredential(ev.Credential, e); err == nil {
			credential = c.text
		}
	}
	w := works.Get().(*work)
	defer works.Put(w)
	w.plain = s.takeOut(w.plain[:0], ev, op)
	if credential != "" {
		ev.Credential = credential
	}
	if err != nil {
		ev.Sealed = Withheld
		s.withheld.Add(1)
		return err
	}
	if from != nil {
		ev.From = from.text
	}
	if e == nil || len(w.plain) == 0 {
		return nil
	}
	if e != from {
		ev.Who = e.text
	}
	w.bound = bound(w.bound[:0], ev)
	w.sealed = e.seal(w.sealed[:0], w.plain, w.bound)
	w.plain = encoding.AppendEncode(w.plain[:0], w.sealed)
	ev.Sealed = string(w.plain)
	return nil
}

// keysOf gives the key that seals an event, and that of its address.
func (s *Sealer) keysOf(ev *durward.Event) (e, from *entry, err error) {
	if ev.Client.IsValid() && (s.cfg.sealed(FieldAddress) || ev.Subject == "") {
		if from, err = s.ofAddress(ev.Client); err != nil {
			return nil, nil, err
		}
	}
	if ev.Subject == "" {
		return from, from, nil
	}
	e, err = s.ofSubject(ev.Subject)
	return e, from, err
}

// takeOut appends what is personal as JSON, and empties it in the event.
func (s *Sealer) takeOut(b []byte, ev *durward.Event, op *durward.Operation) []byte {
	subject, client := ev.Subject, ev.Client
	if s.cfg.sealed(FieldSubject) && subject != "" {
		b = text(b, `"subject":`, subject, maxValue)
		if ev.Consumer == subject {
			ev.Consumer = ""
			b = append(b, `,"same":true`...)
		}
		b = text(b, `"credential":`, ev.Credential, maxValue)
		ev.Credential = ""
		ev.Subject = ""
	} else {
		subject = ""
	}
	if s.cfg.sealed(FieldAddress) {
		if client.IsValid() {
			b = append(key(b, `"client":`), '"')
			b = append(client.WithZone("").AppendTo(b), '"')
		}
		if ev.Peer.IsValid() {
			b = append(key(b, `"peer":`), '"')
			b = append(netip.AddrPortFrom(ev.Peer.Addr().WithZone(""), ev.Peer.Port()).AppendTo(b), '"')
		}
		ev.Client, ev.Peer = netip.Addr{}, netip.AddrPort{}
	} else {
		client = netip.Addr{}
	}
	if s.cfg.sealed(FieldUserAgent) {
		b = text(b, `"user_agent":`, ev.UserAgent, maxValue)
		ev.UserAgent = ""
	}
	if s.cfg.sealed(FieldPath) {
		b = text(b, `"path":`, ev.Path, maxPath)
		ev.Path = ""
		if len(ev.Object) > 0 {
			b = objects(b, ev.Object, nil)
			ev.Object = nil
		}
	} else if shape := maskPath(ev.Path, op, s.cfg.ObjectIDs); shape != ev.Path {
		b = text(b, `"path":`, ev.Path, maxPath)
		ev.Path = shape
	}
	if len(s.cfg.ObjectIDs) > 0 && len(ev.Object) > 0 {
		b = objects(b, ev.Object, s.cfg.ObjectIDs)
		ev.Object = maskObjects(ev.Object, s.cfg.ObjectIDs)
	}
	b = reasons(b, ev, subject, client)
	if len(b) > 0 {
		b = append(b, '}')
	}
	return b
}

var errSealed = errors.New("sealed")

// reasons takes out those that name the subject or the client.
func reasons(b []byte, ev *durward.Event, subject string, client netip.Addr) []byte {
	if ev.Reason == "" && len(ev.Steps) == 0 {
		return b
	}
	address := ""
	if client.IsValid() {
		address = client.String()
	}
	names := func(s string) bool {
		return subject != "" && strings.Contains(s, subject) || address != "" && strings.Contains(s, address)
	}
	if names(ev.Reason) {
		b = text(b, `"reason":`, ev.Reason, maxReason)
		ev.Reason = errSealed.Error()
	}
	copied := false
	for i := range ev.Steps {
		if ev.Steps[i].Err == nil || !names(ev.Steps[i].Err.Error()) {
			continue
		}
		if !copied { // others read the list
			ev.Steps, copied = append([]durward.Step(nil), ev.Steps...), true
			b = append(key(b, `"steps":`), '{')
		} else {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(append(b, '"'), int64(i), 10), `":`...)
		b = durward.AppendString(b, cut(ev.Steps[i].Err.Error(), maxReason))
		ev.Steps[i].Err = errSealed
	}
	if copied {
		b = append(b, '}')
	}
	return b
}

// objects appends the path parameters with one of the names, all where names is
// nil, each as its name and its value.
func objects(b []byte, params []durward.Param, names []string) []byte {
	first := true
	for _, p := range params {
		if names != nil && !named(p.Name, names) {
			continue
		}
		if first {
			b, first = append(key(b, `"object":`), '['), false
		} else {
			b = append(b, ',')
		}
		b = append(durward.AppendString(b, cut(p.Name, maxValue)), ',')
		b = durward.AppendString(b, cut(p.Value, maxValue))
	}
	if first {
		return b
	}
	return append(b, ']')
}

// maskObjects gives the parameters without the values of those with one of the
// names. Others read the list that it gets.
func maskObjects(params []durward.Param, names []string) []durward.Param {
	out := make([]durward.Param, len(params))
	for i, p := range params {
		if named(p.Name, names) {
			p.Value = "{" + p.Name + "}"
		}
		out[i] = p
	}
	return out
}

func named(name string, names []string) bool {
	return slices.Contains(names, name) || slices.Contains(names, "*")
}

// key appends a member's name, behind what is there.
func key(b []byte, name string) []byte {
	if len(b) == 0 {
		b = append(b, '{')
	} else {
		b = append(b, ',')
	}
	return append(b, name...)
}

func text(b []byte, name, value string, limit int) []byte {
	if value == "" {
		return b
	}
	return durward.AppendString(key(b, name), cut(value, limit))
}

// cut shortens a text at a character's border.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// bound appends what a ciphertext is bound to, so that it cannot be moved to
// another record: its kind, time and tags. It does not depend on the record's
// number, which is given later.
func bound(b []byte, ev *durward.Event) []byte {
	b = append(b, "durward audit record 1\x00"...)
	b = append(append(b, ev.Kind...), 0)
	b = append(strconv.AppendInt(b, ev.Time.UnixMicro(), 10), 0)
	b = append(append(b, ev.Who...), 0)
	return append(b, ev.From...)
}

// maskPath puts the names of parameters in place of their values. A segment of
// the template that has such a parameter is masked as a whole.
func maskPath(path string, op *durward.Operation, names []string) string {
	if len(names) == 0 || op == nil || op.Template == "" {
		return path
	}
	rest, ok := strings.CutPrefix(path, op.Prefix)
	if !ok {
		return path
	}
	var out strings.Builder
	out.WriteString(op.Prefix)
	template := op.Template
	for first := true; ; first = false {
		have, more, another := strings.Cut(rest, "/")
		want, moreWanted, anotherWanted := strings.Cut(template, "/")
		if another != anotherWanted {
			return path // not of this template
		}
		if !first {
			out.WriteByte('/')
		}
		if masked(want, names) {
			out.WriteString(want)
		} else {
			out.WriteString(have)
		}
		if !another {
			return out.String()
		}
		rest, template = more, moreWanted
	}
}

func masked(segment string, names []string) bool {
	if !strings.Contains(segment, "{") {
		return false
	}
	for _, name := range names {
		if name == "*" || strings.Contains(segment, "{"+name+"}") {
			return true
		}
	}
	return false
}
