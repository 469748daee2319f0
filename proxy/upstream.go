// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"durward"
)

// Upstream is an API's way to its targets, for one generation of the
// configuration. It is safe for concurrent use.
type Upstream struct {
	config   Config // with defaults
	pools    *Pools
	balancer *balancer
	outgoing *outgoing
	close    sync.Once
}

// New makes the upstream of an API. It opens no connection and starts no
// check: Start does. The fields in credentialHeaders carry callers'
// credentials ("Authorization", "X-Api-Key"). The fields in own are written by
// stages behind Outgoing (an identity token): a client's are removed, in any
// spelling. Its errors are FieldErrors: the Config must have passed Check, so
// they are about certificate files, or about own.
func New(c *Config, pools *Pools, credentialHeaders []string, own ...string) (*Upstream, error) {
	if err := errors.Join(c.Check(), c.CheckOwn(credentialHeaders, own)); err != nil {
		return nil, err
	}
	full := c.withDefaults()
	u := &Upstream{config: full, pools: pools, outgoing: newOutgoing(&full, credentialHeaders, own...)}
	s := newSettings(&full)
	list := make([]candidate, 0, len(full.Targets))
	var faults []error
	for i, t := range full.Targets {
		e, err := parseTarget(t.URL)
		if err != nil {
			faults = append(faults, durward.Invalid(fmt.Sprintf("targets[%d]", i), "%v", err))
			continue
		}
		m, err := pools.take(e, &full, s)
		if err != nil {
			faults = append(faults, err)
			break // the fault is in the files, and so the same for all
		}
		list = append(list, candidate{member: m, weight: max(t.Weight, 1), drain: t.Drain})
	}
	if len(faults) > 0 {
		for _, m := range list {
			pools.drop(m.member)
		}
		return nil, errors.Join(faults...)
	}
	u.balancer = newBalancer(full.Balance, list)
	return u, nil
}

// Outgoing is the stage that makes the request for the upstream, x.Out, of
// x.In and x.Principal.
func (u *Upstream) Outgoing() durward.Stage { return u.outgoing }

// UpgradeIdle is how long an upgraded connection may be silent.
func (u *Upstream) UpgradeIdle() time.Duration { return u.config.UpgradeIdle.Std() }

// Start begins active health checks, for a generation that has been put in
// place. Status and the first request do it as well.
func (u *Upstream) Start() {
	for i := range u.balancer.list {
		u.balancer.list[i].start()
	}
}

// Close gives up this generation's part in its targets. Those that no other
// generation has lose their idle connections at once and busy ones with their
// last request.
func (u *Upstream) Close() {
	u.close.Do(func() {
		for i := range u.balancer.list {
			u.pools.drop(u.balancer.list[i].member)
		}
	})
}

// TargetStatus is the state of one target, for readiness and console.
type TargetStatus struct {
	Target   string    `json:"target"`  // scheme and authority
	Healthy  bool      `json:"healthy"` // takes traffic, but for Draining
	Draining bool      `json:"draining,omitempty"`
	Weight   int       `json:"weight"`
	InFlight int64     `json:"in_flight"` // of all generations
	Since    time.Time `json:"since"`     // of the state
	Reason   string    `json:"reason,omitempty"`
}

// Status gives the state of every target, in the order of the configuration.
// Reason may name addresses and certificates: it is for operators only.
func (u *Upstream) Status() []TargetStatus {
	u.Start()
	now := u.pools.now().UnixNano()
	out := make([]TargetStatus, 0, len(u.balancer.list))
	for i := range u.balancer.list {
		c := &u.balancer.list[i]
		s := TargetStatus{
			Target: c.name, Healthy: c.health.usable(now), Draining: c.drain, Weight: c.weight, InFlight: c.load.Load(),
		}
		s.Since, s.Reason = c.health.report()
		out = append(out, s)
	}
	return out
}
