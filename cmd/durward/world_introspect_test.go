// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func init() { commands["introspection"] = (*world).cmdIntrospection }

// introspector is an authorization server that can be asked about tokens (RFC
// 7662), and nothing else. Tokens that it was not told of are not active.
type introspector struct {
	mu        sync.Mutex
	answers   map[string]string // by token
	questions []string
	broken    string // what it does in place of answering
}

func (s *introspector) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	token := r.PostForm.Get("token")
	s.questions = append(s.questions, fmt.Sprintf("%s %s hint=%s %s", r.URL.Path, token, r.PostForm.Get("token_type_hint"), r.Header.Get("Authorization")))
	switch s.broken {
	case "500":
		rw.WriteHeader(http.StatusInternalServerError)
		return
	case "html":
		rw.Header().Set("Content-Type", "text/html")
		io.WriteString(rw, `{"active":true,"sub":"nobody","aud":"moot"}`)
		return
	}
	answer := s.answers[token]
	if answer == "" {
		answer = `{"active":false}`
	}
	rw.Header().Set("Content-Type", "application/json")
	io.WriteString(rw, answer)
}

const introspectionUsage = `usage: introspection start [CERT]
       introspection token TOKEN NAME=JSON... | revoke TOKEN | answer TOKEN TEXT
       introspection break 500|html | mend | questions [COUNT]`

// cmdIntrospection: "introspection start [CERT]" starts the server and sets
// $INTROSPECT to its endpoint. "token" makes an active token of sub cy for moot,
// with other members where NAME=JSON says so (exp=+60 is in a minute); "revoke"
// ends it; "answer" gives that text about it. "break" makes the server useless,
// "mend" ends that. "questions" gives what was asked since the last time, and
// checks how many there were.
func (w *world) cmdIntrospection(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New(introspectionUsage)
	}
	if args[0] == "start" {
		return w.startIntrospection(ts, args[1:])
	}
	s := w.introspector
	if s == nil {
		return errors.New("introspection: not started")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case args[0] == "token" && len(args) >= 2:
		answer, err := activeAnswer(args[2:])
		s.answers[args[1]] = answer
		return err
	case args[0] == "revoke" && len(args) == 2:
		delete(s.answers, args[1])
	case args[0] == "answer" && len(args) == 3:
		s.answers[args[1]] = args[2]
	case args[0] == "break" && len(args) == 2:
		s.broken = args[1]
	case args[0] == "mend":
		s.broken = ""
	case args[0] == "questions":
		asked := s.questions
		s.questions = nil
		fmt.Fprintln(w.stdout(ts), strings.Join(asked, "\n"))
		if len(args) == 2 && args[1] != strconv.Itoa(len(asked)) {
			return fmt.Errorf("%d questions, not %s", len(asked), args[1])
		}
	default:
		return errors.New(introspectionUsage)
	}
	return nil
}

func (w *world) startIntrospection(ts *testscript.TestScript, args []string) error {
	w.introspector = &introspector{answers: map[string]string{}}
	server := httptest.NewUnstartedServer(w.introspector)
	ts.Defer(server.Close)
	if len(args) == 0 {
		server.Start()
	} else {
		pair, err := w.pair(args[0])
		if err != nil {
			return err
		}
		server.TLS = withCertificate(pair)
		server.StartTLS()
	}
	ts.Setenv("INTROSPECT", server.URL+"/introspect")
	return nil
}

// activeAnswer says that a token is good.
func activeAnswer(members []string) (string, error) {
	all := map[string]string{"active": "true", "sub": `"cy"`, "aud": `"moot"`, "client_id": `"cy"`, "jti": `"t1"`}
	for _, m := range members {
		name, value, ok := strings.Cut(m, "=")
		if !ok {
			return "", errors.New("introspection: a member is NAME=JSON")
		}
		if offset, ok := strings.CutPrefix(value, "+"); ok {
			n, err := strconv.Atoi(offset)
			if err != nil {
				return "", err
			}
			value = strconv.FormatInt(time.Now().Unix()+int64(n), 10)
		}
		if all[name] = value; value == "" {
			delete(all, name)
		}
	}
	var parts []string
	for name, value := range all {
		parts = append(parts, strconv.Quote(name)+":"+value)
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}", nil
}
