// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"durward"
	"durward/config"
	"durward/pipeline"
)

// Reload takes the configuration file again. It implements console.Gateway. An
// error, wherever it comes from, changes nothing: the file is loaded, compiled
// and bound to its listeners before the first thing is swapped.
//
// A configuration that is weaker than the one in force is an error too, a
// *WeakerError, unless it says why in allow_weaker.
func (g *Gateway) Reload(ctx context.Context) error { return g.reload(ctx, false) }

// ReloadWeaker is Reload, also to a configuration that protects less. What is
// weaker stands in the record of it.
func (g *Gateway) ReloadWeaker(ctx context.Context) error { return g.reload(ctx, true) }

func (g *Gateway) reload(ctx context.Context, allowWeaker bool) error {
	if f := g.follower.Load(); f != nil {
		return f.Look(ctx) // store mode: no file is read, and who approves a revision has seen its labels
	}
	g.reloading.Lock()
	defer g.reloading.Unlock()
	if g.cfg.Load() == nil || g.draining.Load() {
		return errNotServing
	}
	cfg, err := config.Load(g.opts.Path, g.opts.Environment)
	if err == nil {
		err = g.sameRoots(cfg)
	}
	var weaker string
	if err == nil {
		weaker, err = g.judge(cfg, allowWeaker)
	}
	if err == nil {
		err = g.applyAs(ctx, cfg, "reloaded", weaker)
	}
	if err != nil {
		g.env.Metrics.Reloaded(false, time.Now())
		g.log.Error("configuration not taken; the one in force stays", "error", err)
		// The record is a courtesy here: the old configuration goes on.
		_ = g.env.Audit.System("reload refused", firstLine(err))
		return err
	}
	g.log.Info("configuration taken", "fingerprint", cfg.Fingerprint())
	if weaker != "" {
		g.log.Warn("the configuration is weaker than the one before", "change", strings.TrimPrefix(weaker, "; "))
	}
	return nil
}

var errNotServing = errors.New("the gateway is starting or ending; nothing was reloaded")

// apply is applyAs with nothing more to say.
func (g *Gateway) apply(ctx context.Context, cfg *config.Config, event string) error {
	return g.applyAs(ctx, cfg, event, "")
}

// applyAs puts a loaded configuration into force, all or nothing. The record of
// it, named event, with what is to be said of it, is stored before: a change that
// cannot be recorded is not made, unless the audit log's policy is to proceed.
func (g *Gateway) applyAs(ctx context.Context, cfg *config.Config, event, detail string) error {
	next, err := g.compile(cfg)
	if err != nil {
		return cfg.Locate(err)
	}
	change, err := g.listen.Prepare(ctx, cfg.Listeners(), cfg.TrustedProxies, cfg.Limits.Drain.Std())
	if err != nil {
		next.Close()
		return cfg.Locate(err)
	}
	var by *durward.Actor
	if actor, ok := durward.ActorOf(ctx); ok {
		by = &actor
	}
	if err := g.env.Audit.SystemBy(by, event, "configuration "+cfg.Fingerprint()+detail); err != nil {
		if g.env.Audit.OnError() == durward.DenyOnError {
			change.Abort()
			next.Close()
			return fmt.Errorf("audit: the change cannot be recorded: %w", err)
		}
		g.log.Warn("a change of the configuration was not recorded", "event", event, "error", err)
	}
	// Nothing can fail from here on.
	g.pipeline.Swap(next)
	change.Commit()
	g.listen.RefreshCertificates() // of listeners that did not change
	g.cfg.Store(cfg)
	g.env.Metrics.Reloaded(true, time.Now())
	g.probes.set(cfg)
	g.warn(cfg)
	return nil
}

// maxWarnings bounds the lines on gaps; durward validate has them all.
const maxWarnings = 20

// warn says what of the contracts is not applied, and which patches are over.
func (g *Gateway) warn(cfg *config.Config) {
	for _, p := range cfg.Expired(time.Now()) {
		g.log.Warn("a virtual patch is over", "patch", p)
	}
	all := cfg.Warnings()
	for _, w := range all[:min(len(all), maxWarnings)] {
		g.log.Warn("a part of a contract is not applied", "gap", w)
	}
	if more := len(all) - maxWarnings; more > 0 {
		g.log.Warn("more parts of contracts are not applied; durward validate lists them", "number", more)
	}
}

// compile is pipeline.Compile; a programmer's error in it costs the reload and
// not the gateway.
func (g *Gateway) compile(cfg *config.Config) (next *pipeline.Generation, err error) {
	defer func() {
		if v := recover(); v != nil {
			g.log.Error("panic", "while", "compiling the configuration", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			next, err = nil, errors.New("internal error while compiling; the log has the details")
		}
	}()
	return pipeline.Compile(cfg, g.env)
}

// sameRoots refuses changes of what was opened once: doing them halfway would
// be worse than asking for a restart.
func (g *Gateway) sameRoots(next *config.Config) error {
	now := g.cfg.Load()
	var errs []error
	for _, part := range []struct {
		field string
		same  bool
	}{
		{"store", now.Store == next.Store},
		{"audit", reflect.DeepEqual(now.Audit, next.Audit)},
		{"admin", now.Admin == next.Admin},
		{"tracing", now.Tracing == next.Tracing},
		{"log", now.Log == next.Log},
		{"recorder", reflect.DeepEqual(now.Recorder, next.Recorder)},
		{"inventory", now.Inventory == next.Inventory},
		{"token", reflect.DeepEqual(now.Token, next.Token)},
		{"limits.counters", now.Limits.Counters == next.Limits.Counters},
	} {
		if !part.same {
			errs = append(errs, durward.Invalid(part.field, "cannot change in a reload; restart the gateway"))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return next.Locate(errors.Join(errs...))
}

func firstLine(err error) string {
	s := err.Error()
	for i := range s {
		if s[i] == '\n' {
			return s[:i]
		}
	}
	return s
}

// settleTime is how long a file must be at rest before it is read.
const settleTime = 250 * time.Millisecond

// Watch reloads when the configuration file or a contract changes, until ctx
// ends. Folders are watched, not files: editors and orchestrators replace files.
func (g *Gateway) Watch(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	watched := map[string]bool{}
	var files []string
	watch := func() {
		files = files[:0]
		for _, file := range g.cfg.Load().Files() {
			// The same folder may be named in two ways, and an event names it
			// in one of them.
			if abs, err := filepath.Abs(file); err == nil {
				file = abs
			}
			files = append(files, file)
			if dir := filepath.Dir(file); !watched[dir] {
				if err := w.Add(dir); err != nil {
					g.log.Warn("cannot watch for changes; SIGHUP still reloads", "folder", dir, "error", err)
				}
				watched[dir] = true
			}
		}
	}
	watch()
	// Several events make one reload: a file is often written in parts.
	// The first is for what changed between the start and now.
	settle := time.NewTimer(settleTime)
	defer settle.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Events:
			if !ok {
				return nil
			}
			// The store and the audit log often lie in the same folder. A name
			// with two dots is how orchestrators swap a folder of files.
			if slices.Contains(files, e.Name) || strings.HasPrefix(filepath.Base(e.Name), "..") {
				settle.Reset(settleTime)
			}
		case err := <-w.Errors:
			g.log.Warn("watching for changes", "error", err)
			settle.Reset(settleTime) // events were lost, perhaps ours
		case <-settle.C:
			g.reloadIfChanged(ctx)
			watch()
		}
	}
}

// reloadIfChanged spares a reload when an event was about something else in
// the same folder, such as the store. A document that does not load is reported
// by Reload.
func (g *Gateway) reloadIfChanged(ctx context.Context) {
	if cfg, err := config.Load(g.opts.Path, g.opts.Environment); err == nil && cfg.Same(g.cfg.Load()) {
		return
	}
	_ = g.Reload(ctx) // logged and recorded there
}
