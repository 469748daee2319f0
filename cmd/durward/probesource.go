// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"durward/config"
	"durward/expect"
	"durward/probe"
	"durward/probe/spec"
	"durward/store"
)

// probeSource says what is known of the API.
type probeSource struct {
	OpenAPI string `name:"openapi" help:"The API's OpenAPI document: a file." placeholder:"FILE"`
	From    string `help:"A Durward configuration: it has the document, and what becomes of each call is held against it." placeholder:"FILE"`
	API     string `name:"api" help:"With --from: the API's name, where there are several." placeholder:"NAME"`
	Store   string `help:"With --from: the store's URL, else that of the configuration." placeholder:"URL"`
}

// read fills in what the source knows: the document, and with --from the address
// and what is expected. end lets go of it.
func (c *probeSource) read(ctx context.Context, into *probe.Config) (end func(), err error) {
	end = func() {}
	document := c.OpenAPI
	switch {
	case c.From == "" && c.OpenAPI == "":
		return end, errors.New("name the API's document with --openapi FILE, or a configuration with --from FILE")
	case c.From != "":
		var policy *expect.Policy
		if policy, end, err = c.policy(ctx, into); err != nil {
			return end, err
		}
		if document == "" {
			document = policy.Document()
		}
		into.Expect = policy
	}
	into.Document = filepath.Base(document)
	into.API, err = spec.Load(document)
	return end, err
}

func (c *probeSource) policy(ctx context.Context, into *probe.Config) (*expect.Policy, func(), error) {
	none := func() {}
	cfg, err := config.Load(c.From, os.LookupEnv)
	if err != nil {
		return nil, none, err
	}
	url := c.Store
	if url == "" {
		url = cfg.Store
		// A store that is not there, or is in a gateway's memory, has nobody in it.
		if path, err := store.ParseURL(url); err != nil {
			return nil, none, err
		} else if _, err := os.Stat(path); err != nil {
			url = "memory:"
		}
	}
	st, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return nil, none, err
	}
	policy, err := expect.New(cfg, st, c.API)
	if err != nil {
		st.Close()
		return nil, none, err
	}
	end := func() { policy.Close(); st.Close() }
	if into.URL == "" {
		if into.URL, err = listenerURL(cfg, policy.Prefix()); err != nil {
			end()
			return nil, none, err
		}
	}
	return policy, end, nil
}

// listenerURL is where a configuration's first listener serves a prefix.
func listenerURL(cfg *config.Config, prefix string) (string, error) {
	l := &cfg.Listen[0]
	host, port, err := net.SplitHostPort(l.Address)
	if err != nil || port == "0" || l.TLS != nil {
		return "", fmt.Errorf("the address of the API is not known from listener %s: give a URL", plain(l.Address))
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + prefix, nil
}
