// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"durward"
	"durward/config"
	"durward/explain"
	"durward/store"
	"durward/waf"
)

type wafCheckCmd struct {
	configFlag
	API    string     `name:"api" help:"The API that the request must be for." placeholder:"NAME"`
	Header []string   `short:"H" sep:"none" help:"A header field, as 'Name: value'; may be repeated. @FILE reads fields from a file." placeholder:"FIELD"`
	Data   string     `short:"d" help:"The content; @FILE reads a file." placeholder:"DATA"`
	From   netip.Addr `help:"The client's address; default 127.0.0.1." placeholder:"ADDRESS"`
	Host   string     `help:"The host that is asked for; else that of the URL." placeholder:"HOST"`
	Output string     `short:"o" default:"text" enum:"text,json" help:"text or json."`
	Method string     `arg:"" optional:"" help:"The request's method; without it a whole request is read from standard input."`
	Target string     `arg:"" optional:"" help:"A path with its query, or a URL."`
}

// Help says what the exit codes are.
func (*wafCheckCmd) Help() string {
	return "Exit codes: 0 not refused, 1 refused (in report mode: what would be refused if it were enforced), 2 cannot be told."
}

// Run tells what the firewall makes of one request.
func (c *wafCheckCmd) Run(ctx context.Context, s streams) error {
	v, err := c.check(ctx)
	if err != nil {
		return exitError{wrongUsage, err}
	}
	if c.Output == "json" {
		err = json.NewEncoder(s.out).Encode(v)
	} else {
		err = v.write(s.out)
	}
	if err == nil && v.Verdict == waf.OutcomeRefused {
		return errors.New("the firewall refuses the request")
	}
	return err
}

func (c *wafCheckCmd) check(ctx context.Context) (*wafVerdict, error) {
	q, err := c.request()
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if c.API != "" && cfg.APIs[c.API] == nil {
		return nil, fmt.Errorf("the configuration has no API %q", c.API)
	}
	x, op, err := c.route(ctx, cfg, q)
	if err != nil {
		return nil, err
	}
	b, uses, err := cfg.Firewall()
	if err != nil {
		return nil, err
	}
	var mine *waf.Demand
	demands := make([]*waf.Demand, len(uses))
	for i, u := range uses {
		if demands[i] = u.Demand; u.API == op.API && u.Operation == op.ID {
			mine = u.Demand
		}
	}
	if mine == nil {
		return nil, fmt.Errorf("the operation %s of %s has no firewall", op.ID, op.API)
	}
	t, err := b.Try(ctx, x, mine, demands)
	if err != nil {
		return nil, err
	}
	return newWAFVerdict(op, t), nil
}

// route finds the operation of a request, as the gateway does.
func (c *wafCheckCmd) route(ctx context.Context, cfg *config.Config, q *explain.Request) (*durward.Exchange, *durward.Operation, error) {
	st, err := store.Open(ctx, "memory:", store.Options{Log: newLog(io.Discard, "error", "text")})
	if err != nil {
		return nil, nil, err
	}
	defer st.Close()
	e, err := explain.New(cfg, st)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close()
	x, op, d := e.Route(q)
	switch {
	case op == nil && d.Err != nil:
		return nil, nil, fmt.Errorf("the request is refused before the firewall: %s: %w", d.Code, d.Err)
	case op == nil:
		return nil, nil, fmt.Errorf("the request is refused before the firewall: %s", d.Code)
	case op.Refusal != "":
		return nil, nil, fmt.Errorf("the request is refused before the firewall: %s", op.Refusal)
	case op.Preflight:
		return nil, nil, errors.New("a CORS preflight is answered before the firewall")
	case c.API != "" && op.API != c.API:
		return nil, nil, fmt.Errorf("the request is for the API %s, not %s", op.API, c.API)
	}
	return x, op, nil
}

func (c *wafCheckCmd) request() (*explain.Request, error) {
	if c.Method != "" && c.Target == "" {
		return nil, errors.New("METHOD needs a TARGET")
	}
	if c.Method != "" {
		q := question{Header: c.Header, Data: c.Data, From: c.From, Host: c.Host, Method: c.Method, Target: c.Target}
		return q.request()
	}
	if len(c.Header) > 0 || c.Data != "" {
		return nil, errors.New("-H and -d go with METHOD and TARGET, not with a request on standard input")
	}
	text, err := readText("-")
	if err != nil {
		return nil, err
	}
	q, err := rawRequest(text)
	if err == nil {
		q.From = c.From
		if c.Host != "" {
			q.Host = c.Host
		}
	}
	return q, err
}

// rawRequest reads an HTTP/1 request as it stands in a file: lines may end with
// LF alone, and what follows the head is the content, whatever its length is
// said to be.
func rawRequest(text string) (*explain.Request, error) {
	line, rest, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	words := strings.Fields(line)
	if len(words) < 2 || len(words) > 3 {
		return nil, errors.New("standard input: want a request, as GET /path HTTP/1.1")
	}
	q := &explain.Request{Method: words[0], Target: words[1]}
	for {
		line, after, more := strings.Cut(rest, "\n")
		rest = after
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, errors.New("standard input: a header field is written as 'Name: value'")
		}
		switch name, value = durward.CanonicalName(name), strings.Trim(value, " \t"); name {
		case "Host":
			q.Host = value
		case "Content-Length": // is that of the content
		case "Transfer-Encoding":
			return nil, errors.New("standard input: write the content as it is, without Transfer-Encoding")
		default:
			q.Header.Add(name, value)
		}
		if !more {
			break
		}
	}
	if rest != "" {
		q.Body = []byte(rest)
	}
	return q, nil
}
