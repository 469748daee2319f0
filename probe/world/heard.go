// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"fmt"
	"slices"
	"strings"

	"durward/probe/identity"
	"durward/probe/spec"
)

// peers are members that name another user.
var peers = []string{"to", "recipient", "receiver", "recipientid", "receiverid", "payee", "beneficiary", "touser", "touserid", "toaccount",
	"friend", "invitee", "target", "targetuser"}

// heard gives a value that the service itself gave under that name, or another
// user's name: for what refers to something without being named like an
// identifier. It is used where made-up values were refused.
func (m *maker) heard(s *spec.Schema, t, name string) (any, bool) {
	if m.try == 0 || name == "" || len(s.Enum) > 0 || s.HasConst || t != "string" && t != "integer" && t != "number" {
		return nil, false
	}
	p := plain(name)
	if slices.Contains(peers, p) && m.as != nil {
		return m.peer(t)
	}
	if m.try%2 == 0 || m.creates() || !slices.Contains(idNames, p) && !strings.HasSuffix(p, "code") && !strings.HasSuffix(p, "number") && !strings.HasSuffix(p, "id") {
		return nil, false
	}
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	var values []any
	near := kindOfCollection(m.op.Path)
	for _, o := range m.w.objects {
		if o.gone {
			continue
		}
		if v, ok := o.named(p); ok && (overlap(o.kinds, near) || !slices.Contains(generic, p)) {
			values = append(values, typed(s, v))
		}
	}
	if len(values) == 0 {
		return nil, false
	}
	slices.Reverse(values)
	return values[m.try/2%len(values)], true
}

// creates tells that the operation makes what its path names, so that its names
// are new ones.
func (m *maker) creates() bool {
	if m.op.Method != "POST" {
		return false
	}
	t := templateOf(m.op.Path)
	return slices.ContainsFunc(m.w.API.Operations, func(o *spec.Operation) bool { return strings.HasPrefix(templateOf(o.Path), t+"/{}") }) || Registers(m.op)
}

// kindOfCollection names what the fixed segments of a path are about.
func kindOfCollection(path string) []string {
	var out []string
	for _, s := range strings.Split(path, "/") {
		if s != "" && !strings.Contains(s, "{") && !version.MatchString(s) {
			out = append(out, singular(plain(s)))
		}
	}
	return out
}

// peer names another user of the run.
func (m *maker) peer(t string) (any, bool) {
	var others []*identity.Identity
	for _, u := range m.w.Users {
		if u != m.as {
			others = append(others, u)
		}
	}
	names := []string{"username", "email", "id", "userid", "account", "phone"}
	if t != "string" {
		names = []string{"id", "userid", "accountid"}
	}
	var values []any
	for _, n := range names {
		for _, u := range others {
			if v, ok := u.Knows(n); ok {
				values = append(values, v)
				break
			}
		}
	}
	for _, u := range others {
		values = append(values, u.Name)
	}
	if len(values) == 0 {
		return nil, false
	}
	v := values[(m.try-1)%len(values)]
	if t == "string" {
		v = fmt.Sprint(v)
	}
	return v, true
}
