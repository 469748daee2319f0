// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"durward"
	"durward/config"
	"durward/gateway"
	"durward/internal/heapfloor"
	"durward/store"
)

// follow is `durward run` in store mode: it serves the newest approved revision
// of the store, and no file.
func (c *runCmd) follow(ctx context.Context, s streams) error {
	// An empty store is no answer to a misspelt path.
	if path, err := store.ParseURL(c.Store); err != nil {
		return err
	} else if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("no store: %w", err)
	}
	st, err := store.Open(ctx, c.Store, store.Options{Log: newLog(s.err, "info", "text")})
	if err != nil {
		return err
	}
	defer st.Close()
	heapfloor.Set(16 << 20)
	drain := config.Limits{}.Drain
	log := newLog(s.err, "info", "text")
	f, err := gateway.Follow(context.WithoutCancel(ctx), gateway.FollowOptions{
		Options: gateway.Options{Log: log, Build: build(), Store: st, Environment: os.LookupEnv}, URL: c.Store, Dir: c.Directory,
		NewLog: func(cfg *config.Config) *slog.Logger {
			drain = cfg.Limits.Drain
			log = newLog(s.err, cfg.Log.Level, cfg.Log.Format)
			return log
		},
	})
	if err != nil {
		return err
	}
	g := f.Gateway()
	log.Info("following revisions", "in_force", f.Status().InForce, "followed", f.Status().Followed)
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
	var follower sync.WaitGroup
	follower.Go(func() { f.Run(ctx) })
	for {
		select {
		case <-hangups:
			_ = f.Look(ctx) // logged and recorded by the gateway
		case <-ctx.Done():
			follower.Wait()
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Grace+drain.Std())
			defer cancel()
			return g.Shutdown(end, c.Grace)
		}
	}
}
