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
)

// question is what the commands that ask about a request have in common.
type question struct {
	configFlag
	Store  string     `help:"Store URL; else that of the configuration file." placeholder:"URL"`
	Header []string   `short:"H" sep:"none" help:"A header field, as 'Name: value'; may be repeated. @FILE reads fields from a file, - from standard input." placeholder:"FIELD"`
	Data   string     `short:"d" help:"The content; @FILE reads a file." placeholder:"DATA"`
	From   netip.Addr `help:"The client's address; default 127.0.0.1." placeholder:"ADDRESS"`
	Host   string     `help:"The host that is asked for; else that of the URL." placeholder:"HOST"`
	HTTPS  bool       `name:"https" help:"Over TLS."`
	Listen string     `help:"The listener's configured address; default the first." placeholder:"ADDRESS"`
	Output string     `short:"o" default:"text" enum:"text,json" help:"text or json."`
	Method string     `arg:"" help:"The request's method."`
	Target string     `arg:"" help:"A path with its query, or a URL."`
}

// open compiles the configuration and opens its store; a store that is not
// there, or is in the memory of a gateway, has nobody in it.
func (c *question) open(ctx context.Context) (*explain.Explainer, func(), error) {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return nil, nil, err
	}
	url := c.Store
	if url == "" {
		url = cfg.Store
	}
	if path, err := store.ParseURL(url); err != nil {
		return nil, nil, err
	} else if _, err := os.Stat(path); err != nil && c.Store == "" {
		url = "memory:"
	}
	st, err := store.Open(ctx, url, store.Options{Log: newLog(io.Discard, "error", "text")})
	if err != nil {
		return nil, nil, err
	}
	e, err := explain.New(cfg, st)
	if err != nil {
		st.Close()
		return nil, nil, err
	}
	return e, func() { e.Close(); st.Close() }, nil
}

func (c *question) request() (*explain.Request, error) {
	q := &explain.Request{
		Method: c.Method, Target: c.Target, Host: c.Host, From: c.From, HTTPS: c.HTTPS, Listener: c.Listen,
	}
	var lines []string
	for _, h := range c.Header {
		if name, ok := strings.CutPrefix(h, "@"); ok {
			text, err := readText(name)
			if err != nil {
				return nil, err
			}
			lines = append(lines, strings.Split(strings.TrimSpace(text), "\n")...)
			continue
		}
		lines = append(lines, h)
	}
	for _, line := range lines {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r"), ":")
		if !ok || name == "" {
			return nil, errors.New("a header field is written as 'Name: value'")
		}
		q.Header.Add(durward.CanonicalName(name), strings.TrimSpace(value))
	}
	switch name, file := strings.CutPrefix(c.Data, "@"); {
	case file:
		text, err := readText(name)
		if err != nil {
			return nil, err
		}
		q.Body = []byte(text)
	case c.Data != "":
		q.Body = []byte(c.Data)
	}
	return q, nil
}

// maxQuestion bounds what is read for a question.
const maxQuestion = 16 << 20

// readText reads a file, or standard input for "-".
func readText(name string) (string, error) {
	in := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxQuestion+1))
	if err == nil && len(b) > maxQuestion {
		err = fmt.Errorf("%s is longer than 16 MiB", name)
	}
	return string(b), err
}

type explainCmd struct{ question }

func (c *explainCmd) Run(ctx context.Context, s streams) error {
	q, err := c.request()
	if err != nil {
		return err
	}
	e, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	r := e.Explain(ctx, q)
	if c.Output == "json" {
		return json.NewEncoder(s.out).Encode(r)
	}
	return r.Write(s.out)
}

type whoCanCmd struct{ question }

func (c *whoCanCmd) Run(ctx context.Context, s streams) error {
	q, err := c.request()
	if err != nil {
		return err
	}
	e, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	found, r, err := e.WhoCan(ctx, q)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		return json.NewEncoder(s.out).Encode(struct {
			*explain.Report
			Holders []explain.Holder `json:"holders"`
		}{r, found})
	}
	return explain.WriteHolders(s.out, r, found)
}
