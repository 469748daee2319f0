// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"durward"
	"durward/authn"
	"durward/examples/issuer"
	"durward/examples/moot"
	"durward/gateway"
	"durward/store"
)

type demoCmd struct {
	Listen  string        `default:"127.0.0.1:8080" help:"Address of the gateway; port 0 picks a free one." placeholder:"HOST:PORT"`
	JSON    bool          `name:"json" help:"Print what is running as one JSON line, then each decision as one."`
	Traffic bool          `help:"Add a bounded mix of good and hostile clients."`
	Rate    int           `default:"20" help:"Requests a second of --traffic, at most 1000."`
	For     time.Duration `default:"10m" help:"How long --traffic lasts."`
	Flaws   []string      `help:"Vulnerabilities to plant in the sample API (examples/moot/FLAWS.md), or all."`
}

//go:embed demo/durward.yaml
var demoConfig []byte

// demo is everything that runs, all of it on loopback.
type demo struct {
	gateway *gateway.Gateway
	issuer  *issuer.Issuer
	api     *http.Server
	issues  *http.Server
	dir     string
	store   *store.Store

	gatewayURL, issuerURL string
	key                   string // an API key of the consumer "partner"
	tokens                map[string]string
}

func (c *demoCmd) Run(ctx context.Context, s streams) error {
	if host, _, err := net.SplitHostPort(c.Listen); err != nil || !isLoopback(host) {
		return errors.New("the demo's tokens and keys are for everybody to see, so it listens on loopback only, such as 127.0.0.1:8080")
	}
	d, err := c.start(ctx, s)
	if err != nil {
		return errors.Join(err, d.stop())
	}
	follower := d.gateway.Audit().Follow(1024)
	if c.JSON {
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false) // people read it too
		err = enc.Encode(d.summary())
	} else {
		d.introduce(s.out)
	}
	if err != nil {
		return errors.Join(err, d.stop())
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		show(s.out, follower.C, c.JSON)
	}()
	if c.Traffic {
		go d.traffic(ctx, min(max(c.Rate, 1), 1000), c.For)
	}
	<-ctx.Done()
	err = d.stop()
	<-shown
	return err
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// start starts the sample API, the issuer and the gateway, in this order. What
// it gives can be stopped, even with an error.
func (c *demoCmd) start(ctx context.Context, s streams) (*demo, error) {
	d := &demo{tokens: map[string]string{}}
	var err error
	if d.dir, err = os.MkdirTemp("", "durward-demo-"); err != nil {
		return d, err
	}
	api, err := moot.New(moot.Options{Flaws: c.Flaws})
	if err != nil {
		return d, err
	}
	var apiURL string
	if d.api, apiURL, err = serveLoopback(api.Handler()); err != nil {
		return d, err
	}
	if d.issuer, err = issuer.New(issuer.Options{Audience: "moot", TTL: 12 * time.Hour}); err != nil {
		return d, err
	}
	if d.issues, d.issuerURL, err = serveLoopback(d.issuer.Handler()); err != nil {
		return d, err
	}
	d.issuer.SetURL(d.issuerURL)
	for name, content := range map[string][]byte{"durward.yaml": demoConfig, "moot.openapi.yaml": moot.OpenAPI} {
		if err := os.WriteFile(filepath.Join(d.dir, name), content, 0o600); err != nil {
			return d, err
		}
	}
	quiet := newLog(io.Discard, "info", "text")
	if d.store, err = store.Open(ctx, "sqlite:"+filepath.Join(d.dir, "durward.db"), store.Options{Log: quiet}); err != nil {
		return d, err
	}
	if err := d.seed(ctx); err != nil {
		return d, err
	}
	variables := map[string]string{"DEMO_LISTEN": c.Listen, "DEMO_ISSUER": d.issuerURL, "DEMO_UPSTREAM": apiURL}
	d.gateway, err = gateway.Start(context.WithoutCancel(ctx), gateway.Options{
		Path:        filepath.Join(d.dir, "durward.yaml"),
		Environment: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
		Log:         newLog(s.err, "warn", "text"), Build: build(), Store: d.store,
	})
	if err != nil {
		return d, err
	}
	for _, bound := range d.gateway.Addresses() {
		d.gatewayURL = "http://" + bound.String()
	}
	return d, nil
}

func serveLoopback(h http.Handler) (*http.Server, string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go srv.Serve(ln)
	return srv, "http://" + ln.Addr().String(), nil
}

// seed puts consumers, roles and a key into the store, and mints the tokens
// that the curl lines use.
func (d *demo) seed(ctx context.Context) error {
	now := time.Now().UTC()
	for id, roles := range map[string][]string{"partner": {"member"}, "auditor": {}} {
		if err := d.store.CreateConsumer(ctx, durward.Consumer{ID: id, Name: id, Roles: roles, Created: now}); err != nil {
			return err
		}
	}
	text, id, hash, err := authn.MintKey(d.store.Pepper(), "test")
	if err != nil {
		return err
	}
	d.key = text
	err = d.store.CreateKey(ctx, durward.Key{ID: id, Environment: "test", Consumer: "partner", Name: "demo", Hash: hash, Created: now, Expires: now.Add(24 * time.Hour)})
	if err != nil {
		return err
	}
	for user, roles := range issuer.DemoUsers() {
		if d.tokens[user], err = d.issuer.Mint(issuer.Claims{"sub": user, "roles": roles}, issuer.Alg("EdDSA")); err != nil {
			return err
		}
	}
	return nil
}

// stop ends everything, the gateway first.
func (d *demo) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var errs []error
	if d.gateway != nil {
		errs = append(errs, d.gateway.Shutdown(ctx, 0))
	}
	for _, srv := range []*http.Server{d.api, d.issues} {
		if srv != nil {
			errs = append(errs, srv.Close())
		}
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	if d.dir != "" {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

// example is one curl line that can be pasted into a shell. Each prints the
// answer and, in the last line, its status.
type example struct {
	Name    string `json:"name"`
	Command string `json:"command"`
	Status  int    `json:"status"`
	says    string
}

func (d *demo) examples() []example {
	curl := func(path string, args ...string) string {
		words := []string{`curl -s -w '\n%{http_code}\n'`, "'" + d.gatewayURL + path + "'"}
		return strings.Join(append(words, args...), " ")
	}
	bearer := func(user string) string { return "-H 'Authorization: Bearer " + d.tokens[user] + "'" }
	return []example{
		{"allowed", curl("/moot/spaces/lobby/messages?limit=2", bearer("cy")), 200, "cy is a member: allowed"},
		{"allowed with a key", curl("/moot/spaces", "-H 'X-API-Key: "+d.key+"'"), 200, "the same API with a key from the store: allowed"},
		{"no credential", curl("/moot/spaces/lobby/messages"), 401, "no credential"},
		{"wrong role", curl("/moot/spaces/lobby/reports", bearer("cy")), 403, "cy is no moderator: wrong role"},
		{"unknown operation", curl("/moot/admin/backup", bearer("ada")), 404, "the contract has no such operation"},
		{"wrong verb", curl("/moot/spaces/lobby", "-X PUT", bearer("ada")), 405, "the contract does not declare PUT here"},
		{"tampered parameter", curl("/moot/spaces/lobby/messages?limit=999999&limit=1", bearer("cy")), 400, "a parameter given twice and out of range"},
		{"too fast", curl("/moot/me#[1-30]", bearer("cy")), 429, "thirty requests at once where ten are allowed: the last ones are refused"},
	}
}

type summary struct {
	Gateway string    `json:"gateway"`
	Issuer  string    `json:"issuer"`
	Admin   string    `json:"admin"`
	Curl    []example `json:"curl"`
}

func (d *demo) summary() summary {
	return summary{d.gatewayURL, d.issuerURL, "http://" + d.gateway.Admin().String(), d.examples()}
}

func (d *demo) introduce(w io.Writer) {
	s := d.summary()
	fmt.Fprintf(w, `Durward is at the door.

  gateway   %s      the sample API lies behind %s/moot
  issuer    %s      test tokens, for this demo only
  admin     %s      /healthz /readyz /metrics
  files     %s      configuration, store, audit log; removed at the end

Paste these into another terminal. Each prints the answer and its status.
`, s.Gateway, s.Gateway, s.Issuer, s.Admin, d.dir)
	for _, e := range s.Curl {
		fmt.Fprintf(w, "\n# %d  %s\n%s\n", e.Status, e.says, e.Command)
	}
	fmt.Fprintf(w, "\nDecisions, as they are made (Ctrl-C ends):\n\n")
}
