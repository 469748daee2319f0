// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"durward/internal/units"
	"durward/internal/version"
	"durward/probe"
	"durward/probe/finding"
	"durward/probe/identity"
	"durward/probe/listener"
	"durward/probe/report"
	"durward/probe/spec"
)

type probeCmd struct {
	URL     string `arg:"" help:"The API's address; a path in it is what the operations are below." placeholder:"URL"`
	OpenAPI string `name:"openapi" help:"The API's OpenAPI document: a file." placeholder:"FILE" required:""`
	probeUsers
	probeBounds
	probeReports
}

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
	CA          string         `name:"ca" help:"Certificates of authorities to trust, in PEM." placeholder:"FILE"`
	MinCoverage float64        `help:"The least share of operations, 0 to 1, that must be reached." placeholder:"SHARE" default:"0.5"`
	FailOn      string         `help:"The least severity that makes the exit code 1." enum:"critical,high,medium,low,info" default:"low"`
}

type probeReports struct {
	Output []string `short:"o" help:"text, json, junit, sarif or html; more than one with as many --report." placeholder:"FORMAT"`
	Report []string `help:"Where the reports go, in the order of --output; - is the standard output." placeholder:"FILE"`
	Trace  string   `help:"Write every exchange to a file, without secrets." placeholder:"FILE"`
	All    bool     `help:"Show tentative and accepted findings in the text, too."`
}

// Run tests, reports, and ends with 0, 1 or 2.
func (c *probeCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.config()
	if err != nil {
		return exitError{2, err}
	}
	cfg.Progress = progressTo(s.err)
	if c.Listener {
		l, err := listener.New()
		if err != nil {
			return exitError{2, err}
		}
		defer l.Close()
		cfg.Listener = l
	}
	if c.Trace != "" {
		f, err := os.Create(c.Trace)
		if err != nil {
			return exitError{2, err}
		}
		defer f.Close()
		cfg.Trace = linesTo(f)
	}
	out, err := probe.Run(ctx, *cfg)
	if err != nil {
		return exitError{2, err}
	}
	if err := c.write(s, out); err != nil {
		return exitError{2, err}
	}
	switch code := out.ExitCode(finding.Severity(c.FailOn), c.MinCoverage); {
	case code == report.Found:
		return exitError{1, errors.New("there are findings")}
	case code != report.Clean:
		return exitError{2, fmt.Errorf("could not test%s", because(out))}
	}
	return nil
}

// linesTo writes lines, one at a time.
func linesTo(w io.Writer) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, line)
	}
}

func because(r *report.Run) string {
	switch reached, all := r.Reached(); {
	case r.Failed != "":
		return ": " + r.Failed
	case r.Stopped != "":
		return " all: " + r.Stopped
	default:
		return fmt.Sprintf(" enough: %d of %d operations were reached", reached, all)
	}
}

func (c *probeCmd) config() (*probe.Config, error) {
	api, err := spec.Load(c.OpenAPI)
	if err != nil {
		return nil, err
	}
	cfg := &probe.Config{URL: c.URL, API: api, Document: filepath.Base(c.OpenAPI), Register: c.Register, Seed: c.Seed,
		Only: c.Checks, Skip: c.Skip, Operations: c.Operations, ReadOnly: c.ReadOnly, Destructive: c.Destructive,
		MaxRequests: c.MaxRequests, Rate: c.Rate, Timeout: time.Duration(c.Timeout), Time: time.Duration(c.Time),
		Concurrency: c.Concurrency, State: c.State, Version: version.Number}
	if c.Users != "" {
		if cfg.Users, err = identity.Read(c.Users); err != nil {
			return nil, err
		}
	}
	if cfg.Extra, err = c.extra(); err != nil {
		return nil, err
	}
	if cfg.Pairs, err = c.pairs(); err != nil {
		return nil, err
	}
	cfg.TLS, err = c.tls()
	return cfg, err
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

// write gives the reports that were asked for; text without any.
func (c *probeCmd) write(s streams, r *report.Run) error {
	formats, files := c.Output, c.Report
	if len(formats) == 0 {
		formats = []string{"text"}
	}
	for i, f := range formats {
		to := "-"
		if i < len(files) {
			to = files[i]
		}
		if err := c.one(s, f, to, r); err != nil {
			return err
		}
	}
	return nil
}

func (c *probeCmd) one(s streams, format, to string, r *report.Run) (err error) {
	var w io.Writer = s.out
	if to != "-" {
		f, err := os.Create(to)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	switch format {
	case "text":
		return report.Text(w, r, report.TextOptions{All: c.All})
	case "json":
		return report.JSON(w, r)
	case "junit":
		return report.JUnit(w, r, finding.Severity(c.FailOn))
	case "sarif":
		return report.SARIF(w, r, filepath.Base(c.OpenAPI))
	case "html":
		return report.HTML(w, r)
	}
	return fmt.Errorf("--output takes text, json, junit, sarif and html, not %q", format)
}
