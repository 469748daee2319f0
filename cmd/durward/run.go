// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"durward"
	"durward/config"
	"durward/console"
	"durward/contract"
	"durward/gateway"
	"durward/internal/heapfloor"
)

// configFlag is the configuration file of the commands that need one.
type configFlag struct {
	Config string `short:"c" default:"durward.yaml" help:"Configuration file; default durward.yaml." placeholder:"FILE"`
}

type runCmd struct {
	configFlag
	Watch     bool          `default:"true" negatable:"" help:"Reload when the file or a contract changes."`
	Store     string        `help:"Follow the newest approved revision in this store, in place of a file." placeholder:"URL"`
	Directory string        `default:"." help:"With --store: where the paths of keys, certificates and other files that stay on the node start." placeholder:"DIR"`
	Grace     time.Duration `default:"0s" help:"After SIGTERM, serve this long before the listeners close, so that load balancers turn away first."`
}

func (c *runCmd) Run(ctx context.Context, s streams) error {
	if c.Store != "" {
		if c.Config != "durward.yaml" {
			return errors.New("give --config or --store: the one follows a file, the other the revisions in a store")
		}
		return c.follow(ctx, s)
	}
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	heapfloor.Set(16 << 20)
	log := newLog(s.err, cfg.Log.Level, cfg.Log.Format)
	g, err := gateway.Start(context.WithoutCancel(ctx), gateway.Options{Path: c.Config, Log: log, Build: build()})
	if err != nil {
		return err
	}
	for configured, bound := range g.Addresses() {
		log.Info("listening", "address", bound.String(), "configured", configured)
	}
	if admin := g.Admin(); admin != nil {
		log.Info("admin", "address", admin.String())
	}
	notifyReady()
	ctx = durward.WithActor(ctx, durward.Actor{}) // what comes now is not of who started it
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if c.Watch {
			if err := g.Watch(ctx); err != nil {
				log.Warn("configuration is not watched", "error", err)
			}
		}
	}()
	for {
		select {
		case <-hangups:
			_ = g.Reload(ctx) // logged and recorded by the gateway
		case <-ctx.Done():
			<-watched
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Grace+cfg.Limits.Drain.Std())
			defer cancel()
			return g.Shutdown(end, c.Grace)
		}
	}
}

type validateCmd struct {
	configFlag
	Output string `short:"o" enum:"text,json" default:"text" help:"text or json."`
	weakerFlag
	Against string `help:"Refuse what is weaker than this configuration file." placeholder:"OLD"`
}

// weakerFlag allows a weaker configuration.
type weakerFlag struct {
	AllowWeaker bool `help:"Take a configuration that protects less than the one before."`
}

func (c *validateCmd) Run(s streams) error {
	cfg, err := config.Load(c.Config, os.LookupEnv)
	if c.Output == "json" {
		faults := config.Faults(err)
		if faults == nil {
			faults = []config.Fault{}
		}
		warnings := []string{}
		if err == nil {
			warnings = append(append(warnings, cfg.Warnings()...), cfg.Expired(time.Now())...)
		}
		if e := json.NewEncoder(s.out).Encode(map[string]any{"loads": err == nil, "faults": faults, "warnings": warnings}); e != nil {
			return e
		}
		if err != nil {
			return fmt.Errorf("%s does not load", c.Config)
		}
		return c.judge(s, cfg)
	}
	if err != nil {
		return err
	}
	if err := c.judge(s, cfg); err != nil {
		return err
	}
	for _, w := range append(cfg.Warnings(), cfg.Expired(time.Now())...) {
		fmt.Fprintf(s.out, "warning: %s\n", w)
	}
	fmt.Fprintf(s.out, "%s loads\n", c.Config)
	for _, api := range cfg.Unguarded() {
		fmt.Fprintf(s.out, "note: apis.%s: answers of %s are not looked into in whole; durward explain says which\n", api.Name, strings.Join(api.Operations, ", "))
	}
	return nil
}

// judge refuses what is weaker than the file to hold it against.
func (c *validateCmd) judge(s streams, cfg *config.Config) error {
	if c.Against == "" || c.AllowWeaker {
		return nil
	}
	old, err := config.Load(c.Against, os.LookupEnv)
	if err != nil {
		return fmt.Errorf("nothing to hold it against: %w", err)
	}
	return errWeaker(s.err, cfg.Diff(old), c.Against, c.Config)
}

type schemaCmd struct{}

func (schemaCmd) Run(s streams) error {
	_, err := s.out.Write(config.Schema())
	return err
}

type initCmd struct {
	OpenAPI  string `name:"openapi" required:"" help:"OpenAPI document (3.0 or 3.1)." placeholder:"FILE"`
	Upstream string `required:"" help:"Where the API really runs." placeholder:"URL"`
	Output   string `short:"o" default:"durward.yaml" help:"File to write; - for standard output." placeholder:"FILE"`
}

func (c *initCmd) Run(s streams) error {
	text, err := config.Init(c.OpenAPI, c.Upstream)
	if err != nil {
		return err
	}
	if c.Output == "-" {
		_, err := s.out.Write(text)
		return err
	}
	// O_EXCL: an existing configuration is somebody's work.
	f, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "wrote %s; check it with: durward validate -c %s\n", c.Output, c.Output)
	if doc, err := contract.Load(c.OpenAPI, contract.AllGaps); err == nil && len(doc.Gaps()) > 0 {
		fmt.Fprintf(s.out, "%d parts of the document cannot be applied and stand under validation.gaps: read what that means there\n", len(doc.Gaps()))
	}
	return nil
}

type reloadCmd struct {
	configFlag
	weakerFlag
}

func (c *reloadCmd) Run(ctx context.Context, s streams) error {
	socket, err := controlSocket(c.Config)
	if err != nil {
		return err
	}
	reload := console.NewClient(socket).Reload
	if c.AllowWeaker {
		reload = console.NewClient(socket).ReloadWeaker
	}
	status, err := reload(ctx)
	if err != nil {
		return fmt.Errorf("not reloaded, nothing has changed:\n%w", err)
	}
	fmt.Fprintf(s.out, "reloaded: configuration %s\n", status.Fingerprint)
	return nil
}

// controlSocket finds the socket of the gateway that runs on the file. The
// file may be broken right now: the gateway is to say so, with the reasons.
func controlSocket(path string) (string, error) {
	socket, err := config.ControlSocket(path, os.LookupEnv)
	if err != nil {
		return "", err
	}
	if socket == "" {
		return "", errors.New("admin.socket is not set; send the gateway a SIGHUP instead")
	}
	return socket, nil
}

type healthcheckCmd struct {
	URL string `default:"http://127.0.0.1:9090/readyz" help:"The gateway's /readyz." placeholder:"URL"`
}

func (c *healthcheckCmd) Run(ctx context.Context, s streams) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
	if err != nil {
		var cause *url.Error
		if errors.As(err, &cause) {
			err = cause.Err // without the method's name
		}
		return fmt.Errorf("not ready: no answer from %s: %w", c.URL, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	fmt.Fprintln(s.out, "ready")
	return nil
}
