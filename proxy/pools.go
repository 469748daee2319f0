// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// Pools keeps connections, health and in-flight counts of targets beyond the
// generation of a configuration: an Upstream of the next generation with the
// same target and settings goes on with what the last one had. It is safe for
// concurrent use.
type Pools struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	members map[memberKey]*member
	ids     map[TLS]*sharedIdentity
	closed  bool
}

// Options are what Pools are made with.
type Options struct {
	Log *slog.Logger     // default: nothing is logged
	Now func() time.Time // the clock; default time.Now
}

// NewPools makes an empty registry. Close it when no Upstream is left.
func NewPools(o Options) *Pools {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Pools{log: o.Log, now: o.Now, members: map[memberKey]*member{}, ids: map[TLS]*sharedIdentity{}}
}

// Close ends all checks and idle connections. Requests under way end as they
// would; later ones fail.
func (p *Pools) Close() {
	p.mu.Lock()
	p.closed = true
	members := p.members
	p.members = map[memberKey]*member{}
	p.mu.Unlock()
	for _, m := range members {
		m.stop()
	}
}

// memberKey is the stable name of a target together with all that its
// connections and checks are made with.
type memberKey struct {
	target   targetKey
	settings settings
	health   string
	host     string // of active checks
}

// targetKey is the stable name alone: what survives a change of settings.
type targetKey struct {
	url, protocol string
	tls           TLS
}

type sharedIdentity struct {
	*identity
	refs int
}

// member is one target in use.
type member struct {
	pools    *Pools
	key      memberKey
	name     string
	endpoint endpoint
	health   *health
	load     *atomic.Int64 // requests in flight, shared by all members of the target
	http1    *lanes        // also of HTTP/2 targets: upgrades need it
	http2    *http2        // nil for HTTP/1.1 targets
	refs     int

	probe   *prober // nil without active checks
	rt      *http.Transport
	started atomic.Bool
	begin   sync.Once
	checks  context.Context // of the active checks
	cancel  context.CancelFunc
	ended   chan struct{} // closed when they have ended
}

// take gives the member for a target, a known one or a new one, and counts the
// reference.
func (p *Pools) take(e endpoint, c *Config, s settings) (*member, error) {
	files := TLS{}
	if c.TLS != nil && e.scheme == "https" {
		files = *c.TLS
	}
	key := memberKey{
		target: targetKey{e.String(), c.Protocol, files}, settings: s,
		health: healthKey(&c.Health), host: fixedHost(c),
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.New("proxy: pools are closed")
	}
	if m := p.members[key]; m != nil {
		m.refs++
		return m, nil
	}
	id := p.ids[files]
	if id == nil {
		loaded, err := newIdentity(files, p.now, p.log)
		if err != nil {
			return nil, durward.InvalidIn("tls", err)
		}
		id = &sharedIdentity{identity: loaded}
		p.ids[files] = id
	}
	m, err := p.newMember(key, e, c, id.identity)
	if err != nil {
		if id.refs == 0 {
			delete(p.ids, files)
		}
		return nil, err
	}
	id.refs++
	p.members[key] = m
	return m, nil
}

func (p *Pools) newMember(key memberKey, e endpoint, c *Config, id *identity) (*member, error) {
	d := newDialer(e, id, key.settings.connect)
	m := &member{
		pools: p, key: key, name: e.String(), endpoint: e, refs: 1, load: new(atomic.Int64),
		health: newHealth(c.Health, p.now), ended: make(chan struct{}),
	}
	if a := c.Health.Active; a != nil {
		m.rt = newTransport(d, &key.settings)
		m.rt.DisableKeepAlives = true
		check, err := newCheck(e, *a, m.rt, key.host)
		if err != nil {
			return nil, durward.Invalid("health.active.path", "cannot be asked for")
		}
		m.probe = &prober{active: *a, health: m.health, check: check, changed: m.log}
	}
	m.checks, m.cancel = context.WithCancel(context.Background())
	m.http1 = &lanes{version: d.version, open: func() *lane { return &lane{pool: newPool(d, &m.key.settings, p.now)} }}
	if key.settings.http2() {
		m.http2 = newHTTP2(d, &m.key.settings)
	}
	for _, other := range p.members {
		if other.key.target == key.target {
			m.load = other.load
			m.health.seed(other.health, m.probe != nil)
			break
		}
	}
	return m, nil
}

// drop gives a reference back; with the last one the member ends.
func (p *Pools) drop(m *member) {
	p.mu.Lock()
	m.refs--
	last := m.refs == 0
	if last {
		delete(p.members, m.key)
		if id := p.ids[m.key.target.tls]; id != nil {
			if id.refs--; id.refs == 0 {
				delete(p.ids, m.key.target.tls)
			}
		}
	}
	p.mu.Unlock()
	if last {
		m.stop()
	}
}

// start begins the active checks, once.
func (m *member) start() {
	if !m.started.Load() {
		m.startOnce()
	}
}

func (m *member) startOnce() {
	m.begin.Do(func() {
		m.started.Store(true)
		if m.probe == nil {
			close(m.ended)
			return
		}
		go func() {
			defer close(m.ended)
			m.probe.run(m.checks)
		}()
	})
}

// stop ends the checks and the connections that nobody uses.
func (m *member) stop() {
	m.cancel()
	m.begin.Do(func() { close(m.ended) })
	<-m.ended
	if m.rt != nil {
		m.rt.CloseIdleConnections()
	}
	m.http1.close()
	if m.http2 != nil {
		m.http2.close()
	}
}

func (m *member) log(healthy bool, reason string) {
	if healthy {
		m.pools.log.Info("upstream target is back", "target", m.name)
		return
	}
	m.pools.log.Warn("upstream target taken out", "target", m.name, "reason", reason)
}

// healthKey writes the settings of the checks down, to compare them.
func healthKey(h *Health) string {
	active := "off"
	if h.Active != nil {
		active = fmt.Sprintf("%+v", *h.Active)
	}
	return fmt.Sprintf("%s %+v", active, h.Passive)
}

// fixedHost is the Host that the configuration names, "" for another rule.
func fixedHost(c *Config) string {
	if c.Host == "target" || c.Host == "preserve" {
		return ""
	}
	return c.Host
}
