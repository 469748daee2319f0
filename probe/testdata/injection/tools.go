// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"strings"
	"time"
)

func (a *app) toolRoutes() []operation {
	return []operation{
		{"POST /tools/ping", false, a.ping},
		{"POST /tools/thumbnail", false, a.thumbnail},
		{"POST /cards", false, a.card},
		{"GET /preview", false, a.preview},
	}
}

// shell runs a line in the service's own directory.
func (a *app) shell(ctx context.Context, line string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Env = a.dir, []string{"PATH=/usr/bin:/bin"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	return out.String()
}

// ping says what it would ping; nothing is sent. Flaw shell-output.
func (a *app) ping(w http.ResponseWriter, r *http.Request) {
	var in struct{ Host string }
	if !a.body(w, r, &in) {
		return
	}
	out := "PING " + in.Host + "\n"
	if a.has["shell-output"] {
		out = a.shell(r.Context(), "echo PING "+in.Host)
	}
	reply(w, http.StatusOK, object{"output": out})
}

// thumbnail makes a picture smaller, some day. Flaw shell-blind: a shell line in
// quotes whose output nobody sees.
func (a *app) thumbnail(w http.ResponseWriter, r *http.Request) {
	var in struct {
		File string
		Size int
	}
	if !a.body(w, r, &in) {
		return
	}
	if a.has["shell-blind"] {
		a.shell(r.Context(), `test -f "`+in.File+`"`)
	}
	reply(w, http.StatusAccepted, object{"queued": true})
}

// card writes a greeting. Flaw template-braces: the greeting is a template, and
// not a value in one.
func (a *app) card(w http.ResponseWriter, r *http.Request) {
	var in struct{ To, Greeting string }
	if !a.body(w, r, &in) {
		return
	}
	text := in.Greeting
	if a.has["template-braces"] {
		var err error
		if text, err = expand(text, "{{", "}}"); err != nil {
			fail(w, http.StatusInternalServerError, "internal error")
			return
		}
	}
	reply(w, http.StatusOK, object{"card": "Dear " + in.To + ", " + text})
}

// preview shows a text as it will be printed. Flaw template-dollar.
func (a *app) preview(w http.ResponseWriter, r *http.Request) {
	text := r.URL.Query().Get("text")
	if a.has["template-dollar"] {
		var err error
		if text, err = expand(text, "${", "}"); err != nil {
			fail(w, http.StatusInternalServerError, "internal error")
			return
		}
	}
	reply(w, http.StatusOK, object{"preview": text, "printed_at": time.Now().Format(time.RFC3339Nano)})
}

// expand evaluates what stands between two marks.
func expand(text, from, to string) (string, error) {
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, from)
		out.WriteString(before)
		if !ok {
			return out.String(), nil
		}
		inside, after, ok := strings.Cut(rest, to)
		if !ok {
			return "", errExpression
		}
		v, err := evaluate(inside)
		if err != nil {
			return "", err
		}
		out.WriteString(v)
		text = after
	}
}
