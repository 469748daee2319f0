// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"durward/internal/units"
	"durward/internal/version"
	"durward/probe"
	"durward/probe/identity"
)

type probeUsers struct {
	Users    string   `help:"The users to act as: a file in the format of WFC Authentication." placeholder:"FILE"`
	User     []string `help:"A user, by a login of the document, else HTTP Basic." placeholder:"NAME:PASSWORD" sep:"none"`
	Bearer   []string `help:"A user with a bearer token." placeholder:"NAME=TOKEN" sep:"none"`
	Header   []string `help:"A header field of the last --bearer or --user, or of a user of its own." placeholder:"NAME: VALUE" sep:"none"`
	Register bool     `help:"Without users: register two, when the document says how." default:"true" negatable:""`
}

type probeBounds struct {
	Checks      []string       `help:"Only these checks." placeholder:"NAME"`
	Skip        []string       `help:"Not these checks." placeholder:"NAME"`
	Operations  []string       `help:"Only these operations: ids, paths or \"METHOD /path\"; * is any text." placeholder:"GLOB"`
	ReadOnly    bool           `help:"Send nothing that writes, besides logins."`
	Destructive bool           `help:"Run the checks that may harm the service, too."`
	Listener    bool           `help:"Listen on loopback for requests that the service can be made to send." default:"true" negatable:""`
	MaxRequests int            `help:"The budget of requests." default:"200000" placeholder:"N"`
	Rate        float64        `help:"Requests in a second; 0 is no bound." placeholder:"N"`
	Timeout     units.Duration `help:"For one exchange." default:"15s"`
	Time        units.Duration `help:"For the run; 0 is no bound." placeholder:"DURATION"`
	Concurrency int            `help:"Requests at the same time." default:"8"`
	Seed        uint64         `help:"The same seed makes the same run." default:"1"`
	State       string         `help:"Go on where an interrupted run with this file ended." placeholder:"FILE"`
	Insecure    bool           `help:"Take any certificate of the server."`
	Trace       string         `help:"Write every exchange to a file, without secrets." placeholder:"FILE"`
	CA          string         `name:"ca" help:"Certificates of authorities to trust, in PEM." placeholder:"FILE"`
	MinCoverage float64        `help:"The least share of operations, 0 to 1, that must be reached." placeholder:"SHARE" default:"0.5"`
}

// config makes the run that is asked for; end lets go of what it holds.
func (c *probeRunCmd) config(ctx context.Context) (cfg *probe.Config, end func(), err error) {
	cfg = &probe.Config{URL: c.URL, Register: c.Register, Seed: c.Seed,
		Only: c.Checks, Skip: c.Skip, Operations: c.Operations, ReadOnly: c.ReadOnly, Destructive: c.Destructive,
		MaxRequests: c.MaxRequests, Rate: c.Rate, Timeout: time.Duration(c.Timeout), Time: time.Duration(c.Time),
		Concurrency: c.Concurrency, State: c.State, Version: version.Number}
	if c.Behind != "" {
		cfg.URL = c.Front
	}
	if c.Users != "" {
		if cfg.Users, err = identity.Read(c.Users); err != nil {
			return nil, nil, err
		}
	}
	if cfg.Extra, err = c.extra(); err != nil {
		return nil, nil, err
	}
	if cfg.Pairs, err = c.pairs(); err != nil {
		return nil, nil, err
	}
	if cfg.TLS, err = c.tls(); err != nil {
		return nil, nil, err
	}
	if end, err = c.read(ctx, cfg); err != nil {
		end()
		return nil, nil, err
	}
	if cfg.URL == "" {
		end()
		return nil, nil, errors.New("name the API's address")
	}
	return cfg, end, nil
}

// pairs are the users whose way in is to be found out.
func (c *probeUsers) pairs() ([]probe.Pair, error) {
	var out []probe.Pair
	for _, u := range c.User {
		name, password, ok := strings.Cut(u, ":")
		if !ok || name == "" {
			return nil, errors.New("--user takes NAME:PASSWORD")
		}
		out = append(out, probe.Pair{Name: name, Password: password})
	}
	return out, nil
}

// extra are the users of the command line.
func (c *probeUsers) extra() ([]*identity.Identity, error) {
	var out []*identity.Identity
	for _, b := range c.Bearer {
		name, token, ok := strings.Cut(b, "=")
		if !ok || name == "" || token == "" {
			return nil, errors.New("--bearer takes NAME=TOKEN")
		}
		out = append(out, identity.Static(name, identity.Bearer(token)))
	}
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, errors.New("--header takes \"NAME: VALUE\"")
		}
		out = append(out, identity.Static(fmt.Sprintf("header%d", len(out)+1),
			identity.Credential{In: "header", Name: strings.TrimSpace(name), Secret: strings.TrimSpace(value)}))
	}
	return out, nil
}

func (c *probeBounds) tls() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS10, InsecureSkipVerify: c.Insecure} //nolint:gosec // what is tested may be weak
	if c.CA == "" {
		return t, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", c.CA)
	}
	return t, nil
}
