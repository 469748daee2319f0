// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Command moot serves the sample messaging API until it is told to stop. It
// believes the Moot-User field of any request, so only the gateway before it may
// reach its address.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"durward/examples/moot"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "moot:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It prints the URL, and nothing else, to stdout.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("moot", flag.ContinueOnError)
	flags.SetOutput(stderr)
	address := flags.String("listen", "127.0.0.1:9400", "`address` to listen on; port 0 picks a free one")
	flaws := flags.String("flaws", "", "vulnerabilities to plant: `names` separated by commas, or all")
	list := flags.Bool("list-flaws", false, "list the vulnerabilities that can be planted, and stop")
	anonymous := flags.String("anonymous", "", "`user` of requests that name none; for benchmarks only")
	origins := flags.String("origins", "", "`hosts` whose pages may open the WebSocket, separated by commas")
	verbose := flags.Bool("verbose", false, "log each request")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *list {
		for _, f := range moot.Flaws {
			fmt.Fprintf(stdout, "%-32s %s  %s\n", f.Name, f.Class, f.Does)
		}
		return nil
	}
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	api, err := moot.New(moot.Options{
		Flaws: split(*flaws), Anonymous: *anonymous, Origins: split(*origins),
		Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	return serve(ctx, api, *address, stdout)
}

func serve(ctx context.Context, api *moot.API, address string, stdout io.Writer) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: api.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
	}
	fmt.Fprintf(stdout, "http://%s\n", listener.Addr())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	closed := make(chan struct{})
	go func() { // streams end first: Shutdown waits for them
		api.Close()
		close(closed)
	}()
	err = server.Shutdown(grace)
	select {
	case <-closed:
	case <-grace.Done(): // a WebSocket peer that does not answer the close
	}
	return err
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' || c == ' ' })
}
