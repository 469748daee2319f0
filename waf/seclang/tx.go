// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package seclang

import (
	"maps"
	"strconv"
	"strings"
)

// TXState says what is known of a TX variable before a request has come.
type TXState int

const (
	TXAbsent TXState = iota // not set, whatever the request
	TXKnown                 // has this value, whatever the request
	TXUnsure                // depends on the request
)

// TX is what is known of the TX collection at one point of the rules. It may be
// read concurrently.
type TX struct {
	vars     map[string]txValue
	prefixes []string // keys that begin so are unsure unless vars has them
}

type txValue struct {
	text  string
	state TXState
}

// txOfEngine are set by Coraza itself.
var txOfEngine = map[string]bool{"json_request_body": true, "json_response_body": true, "httpbl_msg": true}

// Get tells of a key, in any case.
func (t *TX) Get(key string) (value string, state TXState) {
	key = strings.ToLower(key)
	if v, ok := t.vars[key]; ok {
		return v.text, v.state
	}
	// Captures are numbers.
	if _, err := strconv.Atoi(key); err == nil || key == "" || txOfEngine[key] {
		return "", TXUnsure
	}
	for _, p := range t.prefixes {
		if strings.HasPrefix(key, p) {
			return "", TXUnsure
		}
	}
	return "", TXAbsent
}

// Constants returns the variables that are known, by key in lower case.
func (t *TX) Constants() map[string]string {
	known := map[string]string{}
	for key, v := range t.vars {
		if v.state == TXKnown {
			known[key] = v.text
		}
	}
	return known
}

// Expand puts a macro together if all its variables are known or known to be
// absent, which Coraza leaves as they are written.
func (t *TX) Expand(m Macro) (text string, ok bool) {
	ok = true
	text = m.Expand(func(collection, key string) (string, bool) {
		if collection != "TX" {
			ok = false
			return "", true
		}
		v, state := t.Get(key)
		ok = ok && state != TXUnsure
		return v, state == TXKnown
	})
	return text, ok
}

func (t *TX) clone() *TX {
	return &TX{vars: maps.Clone(t.vars), prefixes: append([]string(nil), t.prefixes...)}
}

func (t *TX) put(key, value string) { t.vars[key] = txValue{value, TXKnown} }

// doubt makes what a setvar writes unsure.
func (t *TX) doubt(v SetVar) {
	if key, ok := t.Expand(v.Key); ok {
		t.vars[strings.ToLower(key)] = txValue{state: TXUnsure}
		return
	}
	prefix := ""
	if v.Key[0].Collection == "" {
		prefix = strings.ToLower(v.Key[0].Text)
	}
	t.prefixes = append(t.prefixes, prefix)
	for key := range t.vars {
		if strings.HasPrefix(key, prefix) {
			t.vars[key] = txValue{state: TXUnsure}
		}
	}
}

// set carries a setvar out, as Coraza does: a value that begins with + or -
// counts if an integer follows, and is text otherwise.
func (t *TX) set(v SetVar) {
	key, ok := t.Expand(v.Key)
	value, ok2 := t.Expand(v.Value)
	if !ok || !ok2 && !v.Remove || v.Value == nil {
		t.doubt(v)
		return
	}
	key = strings.ToLower(key)
	if v.Remove {
		t.vars[key] = txValue{state: TXAbsent}
		return
	}
	if value == "" || value[0] != '+' && value[0] != '-' {
		t.put(key, value)
		return
	}
	n := 0
	if len(value) > 1 {
		var err error
		if n, err = strconv.Atoi(value[1:]); err != nil {
			if !strings.HasPrefix(value[1:], "tx.") {
				t.put(key, value)
			}
			return
		}
	}
	current, state := t.Get(key)
	if state == TXUnsure {
		t.doubt(v)
		return
	}
	sum := 0
	if current != "" {
		var err error
		if sum, err = strconv.Atoi(current); err != nil {
			return
		}
	}
	if value[0] == '-' {
		n = -n
	}
	t.put(key, strconv.Itoa(sum+n))
}
