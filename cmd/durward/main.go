// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Command durward is an API security gateway: it stands in front of HTTP APIs
// and decides which requests reach them.
//
// Exit codes: 0 done, 1 refused or failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"durward"
	"durward/internal/version"
	"durward/observe"
	"durward/store"
)

// program is the command line.
type program struct {
	Run         runCmd         `cmd:"" help:"Serve, as a configuration file says."`
	Demo        demoCmd        `cmd:"" help:"Show everything on this machine: a sample API, the gateway before it, keys, tokens."`
	Validate    validateCmd    `cmd:"" help:"Check a configuration file; every fault with file, line and column."`
	Diff        diffCmd        `cmd:"" help:"Label what changes between two configuration files: weaker, stronger or neutral."`
	Init        initCmd        `cmd:"" help:"Write a configuration that denies by default, from an OpenAPI document."`
	Schema      schemaCmd      `cmd:"" help:"Print the JSON Schema of the configuration."`
	Reload      reloadCmd      `cmd:"" help:"Make a running gateway take its configuration file again."`
	Healthcheck healthcheckCmd `cmd:"" help:"Ask a running gateway whether it is ready; for containers."`
	Apply       applyCmd       `cmd:"" help:"Make a configuration file the next revision in a store, which gateways follow."`
	Revisions   revisionsCmd   `cmd:"" help:"List, show and compare revisions; say which need an approval."`
	Approve     approveCmd     `cmd:"" help:"Let gateways take a revision of somebody else that waits."`
	Rollback    rollbackCmd    `cmd:"" help:"Make the configuration of an earlier revision the next one."`
	Key         keyCmd         `cmd:"" help:"Make, list, rotate, revoke, import and deny API keys."`
	Consumer    consumerCmd    `cmd:"" help:"Make, list, change, disable and delete consumers: who calls."`
	Object      objectCmd      `cmd:"" help:"Set, list, change and delete objects of APIs: whose they are, who is a member."`
	Capability  capabilityCmd  `cmd:"" help:"Mint, narrow and inspect capability tokens."`
	Token       tokenCmd       `cmd:"" help:"Revoke tokens before they expire, and list what is revoked."`
	Sign        signCmd        `cmd:"" help:"Sign a request (RFC 9421) for curl, or send it."`
	Explain     explainCmd     `cmd:"" help:"Tell what acts on a request, where it comes from, and what would become of it."`
	WhoCan      whoCanCmd      `cmd:"" help:"List the roles, consumers and keys that may make a request."`
	Policies    policiesCmd    `cmd:"" help:"Print the rules of an API as Cedar policies, or the schema that they are held against."`
	WAF         wafCmd         `cmd:"" name:"waf" help:"Tell what the firewall makes of a request, and what its gate covers."`
	Inventory   inventoryCmd   `cmd:"" help:"List what is called and not declared, and what is declared and not called; write a learned OpenAPI draft."`
	Replay      replayCmd      `cmd:"" help:"Tell which recorded requests a configuration would decide differently."`
	Probe       probeCmd       `cmd:"" help:"Test any HTTP API for weaknesses, from its OpenAPI document. Exit code 1: findings, 2: could not test."`
	Audit       auditCmd       `cmd:"" help:"Check, search and export an audit log."`
	Version     versionCmd     `cmd:"" help:"Print version, commit and toolchain."`
}

// streams are where a command writes, so that tests can look.
type streams struct {
	out, err io.Writer
}

func main() { os.Exit(Main()) }

// Main runs the program and gives its exit code.
func Main() int {
	parser, err := newParser()
	if err != nil {
		fmt.Fprintln(os.Stderr, "durward:", err)
		return 2
	}
	args := os.Args[1:]
	if len(args) == 0 {
		// Whoever knows nothing yet should see what there is; still, nothing
		// was done.
		parser.Stdout = os.Stderr
		parser.Exit = func(int) {}
		args = []string{"--help"}
		_, _ = parser.Parse(args)
		return 2
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "durward:", err)
		fmt.Fprintf(os.Stderr, "Try: %s --help\n", helpFor(err))
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first Ctrl-C drains, a second one ends at once.
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	parsed.BindTo(durward.WithActor(ctx, actorOf(parsed)), (*context.Context)(nil))
	if err := parsed.Run(streams{os.Stdout, os.Stderr}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitCode(err)
	}
	return 0
}

func newParser() (*kong.Kong, error) {
	return kong.New(new(program), kong.Name("durward"),
		kong.Description("An API security gateway. Start with: durward demo"),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(code int) { os.Exit(min(code, 2)) }))
}

// actorOf says, for the records of what a command changes, who runs it, and
// which command; never its arguments, among which there may be secrets.
func actorOf(parsed *kong.Context) durward.Actor {
	a := store.ProcessActor()
	for _, part := range parsed.Path {
		if part.Command != nil {
			a.Command = strings.TrimPrefix(a.Command+" "+part.Command.Name, " ")
		}
	}
	return a
}

// helpFor names the command whose help tells more about a wrong command line.
func helpFor(err error) string {
	words := "durward"
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		for _, part := range parse.Context.Path {
			if part.Command != nil {
				words += " " + part.Command.Name
			}
		}
	}
	return words
}

func build() observe.Build {
	return observe.Build{Version: version.Number, Commit: version.Commit(), Go: version.Go()}
}

// newLog makes the operational log. slog quotes values, so that no line of a
// caller's making can stand in it.
func newLog(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // config has checked it; the zero level is info
	opts := &slog.HandlerOptions{Level: l}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

type versionCmd struct{}

func (versionCmd) Run(s streams) error {
	b := build()
	fmt.Fprintf(s.out, "durward %s (commit %s, %s)\n", b.Version, b.Commit, b.Go)
	return nil
}
