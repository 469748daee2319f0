// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package inventory

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"durward"
)

// Bounds of what is kept of one operation.
const (
	maxCallers    = 32
	maxParameters = 100
	maxStatuses   = 40
	maxShapes     = 20
	maxName       = 64  // bytes of a parameter's name
	maxCaller     = 200 // bytes of a caller's name
)

// room is how much of one operation's callers is kept. Undeclared operations
// get less: whoever can send a request can invent a thousand of them.
type room struct{ callers, parameters int }

var (
	ample  = room{maxCallers, maxParameters}
	narrow = room{8, 16}
)

// API is what was seen of one API. It is what the store keeps, as JSON.
type API struct {
	Since      time.Time        `json:"since"`
	Operations map[string]*Seen `json:"operations,omitempty"` // declared, by id
	Undeclared map[string]*Seen `json:"undeclared,omitempty"` // by method and path
	// More counts requests for undeclared operations that found no room.
	More int64 `json:"more,omitempty"`
}

// Seen is what was seen of one operation.
type Seen struct {
	Method   string    `json:"method,omitempty"`
	Template string    `json:"template,omitempty"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Count    int64     `json:"count"`
	// Passed is how many reached the upstream.
	Passed int64 `json:"passed,omitempty"`
	// Credentials is how many carried a credential, of undeclared operations.
	Credentials int64             `json:"credentials,omitempty"`
	Callers     map[string]*Times `json:"callers,omitempty"`
	MoreCallers int64             `json:"more_callers,omitempty"` // calls of others
	// Parameters are undeclared query parameters, by name.
	Parameters     map[string]*Parameter `json:"parameters,omitempty"`
	MoreParameters int64                 `json:"more_parameters,omitempty"`
	Statuses       map[string]int64      `json:"statuses,omitempty"`
	Requests       map[string]*Shape     `json:"requests,omitempty"`  // by media type
	Responses      map[string]*Shape     `json:"responses,omitempty"` // by status and media type
}

// Times is when and how often.
type Times struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count int64     `json:"count"`
}

// Parameter is a query parameter. Its values are kept by their kind only.
type Parameter struct {
	Times
	Shape Shape `json:"shape"`
}

func (t *Times) at(now time.Time) {
	if t.Count == 0 {
		t.First = now
	}
	t.Last = now
	t.Count++
}

func (t *Times) merge(o *Times) {
	if t.Count == 0 || o.Count > 0 && o.First.Before(t.First) {
		t.First = o.First
	}
	if o.Last.After(t.Last) {
		t.Last = o.Last
	}
	t.Count += o.Count
}

// count notes one exchange.
func (s *Seen) count(x *durward.Exchange, status int, passed bool, most room) {
	now := x.Started.UTC().Truncate(time.Second)
	if s.Count == 0 {
		s.First = now
	}
	s.Last = now
	s.Count++
	if passed {
		s.Passed++
	}
	if s.Statuses == nil {
		s.Statuses = map[string]int64{}
	}
	if code := statusText(status); s.Statuses[code] > 0 || len(s.Statuses) < maxStatuses {
		s.Statuses[code]++
	}
	var room [256]byte
	s.caller(appendCaller(room[:0], x), now, most.callers)
}

func (s *Seen) caller(name []byte, now time.Time, most int) {
	t := s.Callers[string(name)]
	if t == nil {
		if len(s.Callers) >= most {
			s.MoreCallers++
			return
		}
		if s.Callers == nil {
			s.Callers = map[string]*Times{}
		}
		t = new(Times)
		s.Callers[string(name)] = t
	}
	t.at(now)
}

// appendCaller names who called: the consumer, else the subject with its issuer,
// else the network of the address, since an address alone is a person's.
func appendCaller(b []byte, x *durward.Exchange) []byte {
	switch p := &x.Principal; {
	case p.Consumer != "":
		return append(b, bounded(p.Consumer)...)
	case p.Subject != "" && p.Issuer != "":
		if len(p.Issuer)+len(p.Subject) < maxCaller {
			b = append(b, p.Issuer...)
			b = append(b, '/')
			return append(b, p.Subject...)
		}
		return append(b, bounded(p.Issuer+"/"+p.Subject)...)
	case p.Subject != "":
		return append(b, bounded(p.Subject)...)
	}
	return appendNetwork(b, x.Client.Address)
}

func appendNetwork(b []byte, a netip.Addr) []byte {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil || !a.IsValid() {
		return append(b, "unknown"...)
	}
	return p.AppendTo(b)
}

// bounded cuts a name that a caller chose, at a character's border.
func bounded(s string) string {
	if len(s) > maxCaller {
		s = strings.ToValidUTF8(s[:maxCaller], "") + "..."
	}
	return s
}

// query notes the parameters that known does not have. A name that cannot be
// read, is long, or looks like an id or a key, counts as more: it may be a value.
func (s *Seen) query(raw string, known map[string]struct{}, most room) {
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if strings.ContainsAny(name, "%+") {
			decoded, err := url.QueryUnescape(name)
			if err != nil {
				s.MoreParameters++
				continue
			}
			name = decoded
		}
		base, _, _ := strings.Cut(name, "[") // deepObject: filter[name]
		if _, ok := known[name]; ok {
			continue
		}
		if _, ok := known[base]; ok {
			continue
		}
		s.parameter(name, value, most.parameters)
	}
}

func (s *Seen) parameter(name, value string, most int) {
	p := s.Parameters[name]
	if p == nil {
		if len(name) > maxName || len(s.Parameters) >= most || placeholder(name) != "" || name != strings.ToValidUTF8(name, "") {
			s.MoreParameters++
			return
		}
		if s.Parameters == nil {
			s.Parameters = map[string]*Parameter{}
		}
		p = new(Parameter)
		s.Parameters[strings.Clone(name)] = p
	}
	p.at(s.Last)
	if decoded, err := url.QueryUnescape(value); err == nil {
		p.Shape.text(decoded)
	}
}

// statuses are made once: a call costs no allocation.
var statuses = func() (texts [1000]string) {
	for i := range texts {
		texts[i] = "cut" // nothing was answered
		if i >= 100 {
			texts[i] = strconv.Itoa(i)
		}
	}
	return texts
}()

func statusText(status int) string {
	if status < 0 || status >= len(statuses) {
		status = 0
	}
	return statuses[status]
}

// merge adds o, within the bounds.
func (s *Seen) merge(o *Seen, most room) {
	if o.Method != "" {
		s.Method, s.Template = o.Method, o.Template
	}
	t := Times{s.First, s.Last, s.Count}
	t.merge(&Times{o.First, o.Last, o.Count})
	s.First, s.Last, s.Count = t.First, t.Last, t.Count
	s.Passed += o.Passed
	s.Credentials += o.Credentials
	s.MoreCallers += o.MoreCallers
	s.MoreParameters += o.MoreParameters
	for name, times := range o.Callers {
		if have := s.Callers[name]; have != nil {
			have.merge(times)
		} else if len(s.Callers) < most.callers {
			put(&s.Callers, name, times)
		} else {
			s.MoreCallers += times.Count
		}
	}
	for name, p := range o.Parameters {
		if have := s.Parameters[name]; have != nil {
			have.merge(&p.Times)
			have.Shape.merge(&p.Shape, 0)
		} else if len(s.Parameters) < most.parameters {
			put(&s.Parameters, name, p)
		} else {
			s.MoreParameters += p.Count
		}
	}
	for code, n := range o.Statuses {
		if s.Statuses[code] > 0 || len(s.Statuses) < maxStatuses {
			put(&s.Statuses, code, s.Statuses[code]+n)
		}
	}
	s.Requests, s.Responses = mergeShapes(s.Requests, o.Requests), mergeShapes(s.Responses, o.Responses)
}

// clone shares nothing with s.
func (s *Seen) clone() *Seen {
	out := new(Seen)
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, out)
	}
	if err != nil { // it is made of maps, numbers and texts
		panic(err)
	}
	return out
}

func put[V any](into *map[string]V, key string, v V) {
	if *into == nil {
		*into = map[string]V{}
	}
	(*into)[key] = v
}

func mergeShapes(all, more map[string]*Shape) map[string]*Shape {
	for key, shape := range more {
		if have := all[key]; have != nil {
			have.merge(shape, 0)
		} else if len(all) < maxShapes {
			put(&all, key, shape)
		}
	}
	return all
}

// merge adds o, with at most so many undeclared operations.
func (a *API) merge(o *API, most int) {
	if a.Since.IsZero() || !o.Since.IsZero() && o.Since.Before(a.Since) {
		a.Since = o.Since
	}
	a.More += o.More
	for id, seen := range o.Operations {
		if have := a.Operations[id]; have != nil {
			have.merge(seen, ample)
		} else {
			put(&a.Operations, id, seen)
		}
	}
	for key, seen := range o.Undeclared {
		if have := a.Undeclared[key]; have != nil {
			have.merge(seen, narrow)
		} else if len(a.Undeclared) < most || dropOne(a.Undeclared, seen.Credentials > 0) {
			put(&a.Undeclared, key, seen)
		} else {
			a.More += seen.Count
		}
	}
}

// Parse reads what the store keeps of an API.
func Parse(text []byte) (*API, error) {
	a := new(API)
	if len(text) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("the inventory in the store cannot be read: %w", err)
	}
	return a, nil
}

// merged is what the store shall have: what it had and what was seen since.
func merged(old []byte, delta *API, most int) ([]byte, error) {
	a, err := Parse(old)
	if err != nil {
		return nil, err
	}
	// Through JSON, so that what is merged shares nothing with delta, which is
	// given back when the transaction fails.
	text, err := json.Marshal(delta)
	if err != nil {
		return nil, err
	}
	copied, err := Parse(text)
	if err != nil {
		return nil, err
	}
	a.merge(copied, most)
	return json.Marshal(a)
}
