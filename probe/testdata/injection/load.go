// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxPage is how many entries an honest answer has, maxInflated what an honest
// service unpacks.
const (
	maxPage     = 100
	maxInflated = 256 << 10
	journalSize = 20000
)

func (a *app) loadRoutes() []operation {
	return []operation{
		{"GET /journal", false, a.journal},
		{"GET /validate/email", true, a.validate},
		{"POST /bulk", false, a.bulk},
	}
}

// journal lists entries, page by page. Flaw page-size: as many as asked for.
func (a *app) journal(w http.ResponseWriter, r *http.Request) {
	limit := 20
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			fail(w, http.StatusBadRequest, "limit is no number")
			return
		}
		limit = n
	}
	if !a.has["page-size"] {
		limit = min(limit, maxPage)
	}
	entries := make([]object, 0, min(limit, journalSize))
	for i := range min(limit, journalSize) {
		entries = append(entries, object{"n": i, "event": "stock moved"})
	}
	reply(w, http.StatusOK, object{"entries": entries})
}

// validate tells whether a text looks like a mail address. Flaw slow-pattern: by
// (\w+)+@ with backtracking, which takes twice as long for each letter more.
func (a *app) validate(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("value")
	valid := false
	if a.has["slow-pattern"] {
		valid = backtrack(text, time.Now().Add(5*time.Second))
	} else {
		before, after, ok := strings.Cut(text, "@")
		valid = ok && before != "" && after != ""
	}
	reply(w, http.StatusOK, object{"valid": valid})
}

func backtrack(text string, until time.Time) bool {
	end := 0
	for end < len(text) && word(text[end]) {
		end++
	}
	for n := end; n > 0; n-- {
		if n < len(text) && text[n] == '@' {
			return true
		}
		if time.Now().After(until) || backtrack(text[n:], until) {
			return !time.Now().After(until)
		}
	}
	return false
}

func word(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' }

// bulk takes many readings, packed or not. Flaw inflate: whatever they unpack to.
func (a *app) bulk(w http.ResponseWriter, r *http.Request) {
	in := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(in)
		if err != nil {
			fail(w, http.StatusBadRequest, "not gzip")
			return
		}
		in = z
	}
	if !a.has["inflate"] {
		in = http.MaxBytesReader(w, io.NopCloser(in), maxInflated)
	}
	data, err := io.ReadAll(in)
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "too much")
		return
	}
	var batch struct{ Readings []string }
	if json.Unmarshal(data, &batch) != nil {
		fail(w, http.StatusBadRequest, "syntax error in JSON body")
		return
	}
	reply(w, http.StatusAccepted, object{"accepted": len(batch.Readings)})
}
