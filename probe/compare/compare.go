// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package compare tells whether two answers say the same, apart from what says
// something else each time anyway: times, ids, an order by chance, the request
// itself given back. What changes by itself is learned from answers to one and
// the same request.
//
// The threat is a tester that cries wolf: a difference counts only in parts that
// stood still before. Where nothing stands still, the status remains.
//
// Nothing is kept; a Baseline is immutable but for Learn.
package compare

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"durward/probe/client"
)

// Bounds of what is looked at.
const (
	maxFeatures = 20000
	maxDepth    = 40
)

// Baseline knows which parts of an operation's answers change by themselves. The
// zero value knows of none. It is not safe for concurrent use while it learns.
type Baseline struct {
	moving    map[string]bool // paths
	unordered bool
	first     *shape
}

// shape is an answer taken apart.
type shape struct {
	status int
	kind   string                    // json, text or none
	parts  map[string]map[string]int // values by path, with how often they occur
	seq    [][2]string               // the same as they stand: path, value
}

// Learn looks at one more answer to the same request. sent are the texts of the
// request that an answer may give back.
func (b *Baseline) Learn(a *client.Answer, sent ...string) {
	s := take(a, sent)
	if b.first == nil {
		b.first, b.moving = s, map[string]bool{}
		return
	}
	for path := range s.parts {
		if !equal(s.parts[path], b.first.parts[path]) {
			b.moving[path] = true
		}
	}
	for path := range b.first.parts {
		if _, ok := s.parts[path]; !ok {
			b.moving[path] = true
		}
	}
	b.unordered = b.unordered || !b.inOrder(s, b.first)
}

// inOrder tells whether what stands still is in the same order in both.
func (b *Baseline) inOrder(s, t *shape) bool {
	i, j := 0, 0
	for {
		for i < len(s.seq) && b.moving[s.seq[i][0]] {
			i++
		}
		for j < len(t.seq) && b.moving[t.seq[j][0]] {
			j++
		}
		if i == len(s.seq) || j == len(t.seq) {
			return i == len(s.seq) && j == len(t.seq)
		}
		if s.seq[i] != t.seq[j] {
			return false
		}
		i, j = i+1, j+1
	}
}

func equal(x, y map[string]int) bool {
	if len(x) != len(y) {
		return false
	}
	for v, n := range x {
		if y[v] != n {
			return false
		}
	}
	return true
}

// Text is an answer with what was sent for it.
type Text struct {
	Answer *client.Answer
	Sent   []string
}

// Same tells whether two answers say the same. JSON has to be equal in all that
// stands still; of other text nearly all (97 %) of the words have to be.
func (b *Baseline) Same(x, y Text) bool {
	if x.Answer == nil || y.Answer == nil {
		return x.Answer == y.Answer
	}
	s, t := take(x.Answer, x.Sent), take(y.Answer, y.Sent)
	if s.status != t.status || s.kind != t.kind {
		return false
	}
	like := b.like(s, t)
	if s.kind == "json" {
		return like == 1 && (b.unordered || b.inOrder(s, t))
	}
	return like >= 0.97
}

// like is how much of two answers is the same: 0 nothing, 1 all.
func (b *Baseline) like(s, t *shape) float64 {
	both, all := 0, 0
	for path, values := range s.parts {
		if b.moving[path] {
			continue
		}
		for v, n := range values {
			m := t.parts[path][v]
			both += min(n, m)
			all += max(n, m)
		}
	}
	for path, values := range t.parts {
		if b.moving[path] {
			continue
		}
		for v, n := range values {
			if s.parts[path][v] == 0 {
				all += n
			}
		}
	}
	if all == 0 {
		return 1
	}
	return float64(both) / float64(all)
}

// take takes an answer apart.
func take(a *client.Answer, sent []string) *shape {
	s := &shape{status: a.Status, parts: map[string]map[string]int{}}
	add := func(path, value string) {
		if len(s.seq) >= maxFeatures {
			return
		}
		s.seq = append(s.seq, [2]string{path, value})
		at := s.parts[path]
		if at == nil {
			at = map[string]int{}
			s.parts[path] = at
		}
		at[value]++
	}
	forms := spellings(sent)
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	var v any
	if len(a.Body) == 0 {
		s.kind = "none"
	} else if d.Decode(&v) == nil {
		s.kind = "json"
		flatten(v, "", forms, 0, add)
	} else {
		s.kind = "text"
		for _, word := range strings.FieldsFunc(without(string(a.Body), forms), breaks) {
			add("", word)
		}
	}
	return s
}

func breaks(r rune) bool { return r <= ' ' || r == '<' || r == '>' || r == '"' || r == ',' }

// flatten gives every value of a JSON document with its path, in which an index
// counts for nothing, and the length of every list.
func flatten(v any, path string, forms []string, depth int, add func(path, value string)) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			flatten(v[name], path+"/"+without(name, forms), forms, depth+1, add)
		}
	case []any:
		add(path+"#", strconv.Itoa(len(v)))
		for _, item := range v {
			flatten(item, path+"/*", forms, depth+1, add)
		}
	case string:
		add(path, `"`+without(v, forms))
	case json.Number:
		add(path, without(v.String(), forms))
	case bool:
		add(path, strconv.FormatBool(v))
	default:
		add(path, "null")
	}
}

// spellings are the ways in which a text may be given back, longest first.
func spellings(sent []string) []string {
	var out []string
	for _, text := range sent {
		if len(text) < 3 { // too short to be told from chance
			continue
		}
		quoted, _ := json.Marshal(text)
		all := []string{text, html.EscapeString(text), url.QueryEscape(text), url.PathEscape(text), strings.Trim(string(quoted), `"`), strings.TrimSpace(text)}
		for _, one := range all {
			if one != "" && !slices.Contains(out, one) {
				out = append(out, one)
			}
		}
	}
	slices.SortFunc(out, func(x, y string) int { return len(y) - len(x) })
	return out
}

// without takes out of text what was sent.
func without(text string, forms []string) string {
	for _, form := range forms {
		text = strings.ReplaceAll(text, form, "\x00")
	}
	return text
}

// Without gives an answer's body without the texts that were sent, in any of the
// spellings in which they may be given back.
func Without(a *client.Answer, sent ...string) string {
	if a == nil {
		return ""
	}
	return without(string(a.Body), spellings(sent))
}

// Alike tells whether two answers are built alike: the same status, and JSON with
// the same members, whatever their values; or no content in both; or other
// content in both.
func Alike(a, b *client.Answer) bool {
	if a == nil || b == nil || a.Status != b.Status {
		return false
	}
	s, t := take(a, nil), take(b, nil)
	if s.kind != t.kind {
		return false
	}
	if s.kind != "json" {
		return true
	}
	for path := range s.parts {
		if _, ok := t.parts[path]; !ok {
			return false
		}
	}
	for path := range t.parts {
		if _, ok := s.parts[path]; !ok {
			return false
		}
	}
	return true
}
