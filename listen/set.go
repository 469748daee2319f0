// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"sync"
	"time"

	"durward"
)

// Set is all listeners of the gateway. It outlives reloads: an address that
// stays keeps its socket, so no connection is lost. Safe for concurrent use.
type Set struct {
	handler Handler
	log     *slog.Logger

	mu      sync.Mutex
	sockets map[string]*socket
	retired sync.WaitGroup // fronts that a reload replaced
	stop    chan struct{}
	closed  bool
	drained bool // Drain was called

	ending context.Context // done when nothing may go on any more
	cut    context.CancelFunc
}

// NewSet makes an empty set that serves through handler.
func NewSet(handler Handler, log *slog.Logger) *Set {
	s := &Set{handler: handler, log: log, sockets: map[string]*socket{}, stop: make(chan struct{})}
	s.ending, s.cut = context.WithCancel(context.Background())
	go s.watch()
	return s
}

// watch reads renewed certificate files.
func (s *Set) watch() {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.RefreshCertificates()
		}
	}
}

// RefreshCertificates reads certificate files again that have changed, those of
// the authorities of clients and their revocation lists among them.
func (s *Set) RefreshCertificates() {
	for _, sock := range s.list() {
		f := sock.current.Load()
		if f.certs != nil {
			f.certs.refresh()
		}
		if f.clients != nil && f.clients.verifier != nil {
			f.clients.verifier.Refresh()
		}
	}
}

func (s *Set) list() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*socket, 0, len(s.sockets))
	for _, sock := range s.sockets {
		out = append(out, sock)
	}
	return out
}

// Change is a prepared change of listeners: new addresses are bound and
// certificates read, but nothing is served differently yet. Exactly one of
// Commit and Abort must be called.
type Change struct {
	set     *Set
	next    map[string]*socket
	fronts  map[string]*front // addresses that get a new front
	opened  []*socket
	retired time.Duration
}

// Prepare makes a Change to the given listeners. An error names the entry
// ("listen[1].address"), and leaves everything as it is. retireWithin bounds
// how long connections of removed or changed listeners may go on.
func (s *Set) Prepare(ctx context.Context, listeners []Config, trusted []netip.Prefix, retireWithin time.Duration) (*Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	ch := &Change{set: s, next: map[string]*socket{}, fronts: map[string]*front{}, retired: retireWithin}
	var errs []error
	for i, cfg := range listeners {
		if err := s.prepareOne(ctx, ch, cfg, trusted); err != nil {
			errs = append(errs, durward.InvalidIn("listen["+strconv.Itoa(i)+"]", err))
		}
	}
	if len(errs) > 0 {
		ch.Abort()
		return nil, errors.Join(errs...)
	}
	return ch, nil
}

func (s *Set) prepareOne(ctx context.Context, ch *Change, cfg Config, trusted []netip.Prefix) error {
	if ch.next[cfg.Address] != nil {
		return durward.Invalid("address", "is given twice")
	}
	sock := s.sockets[cfg.Address]
	if sock != nil {
		if now := sock.current.Load(); reflect.DeepEqual(now.cfg, cfg) && reflect.DeepEqual(now.trusted, trusted) {
			ch.next[cfg.Address] = sock
			return nil
		}
	}
	f, err := newFront(cfg, trusted, s.handler, s.log)
	if err != nil {
		return err
	}
	if sock == nil {
		if sock, err = bind(ctx, cfg.Address, s.log); err != nil {
			return durward.Invalid("address", "cannot listen: %v", err)
		}
		ch.opened = append(ch.opened, sock)
	}
	ch.next[cfg.Address], ch.fronts[cfg.Address] = sock, f
	return nil
}

// Abort gives up the change and closes what it opened.
func (ch *Change) Abort() {
	for _, sock := range ch.opened {
		sock.ln.Close()
	}
}

// Commit puts the change into force. New fronts take connections at once; old
// ones end in the background.
func (ch *Change) Commit() {
	s := ch.set
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // shut down since Prepare
		ch.Abort()
		return
	}
	var old []*front
	for address, f := range ch.fronts {
		sock := ch.next[address]
		f.draining.Store(s.drained)
		go f.serve()
		if before := sock.current.Swap(f); before != nil {
			old = append(old, before)
		} else {
			go sock.accept()
		}
	}
	for address, sock := range s.sockets {
		if ch.next[address] == nil {
			sock.close()
			old = append(old, sock.current.Load())
		}
	}
	s.sockets = ch.next
	for _, f := range old {
		f.draining.Store(true)
		f.Close()
		s.retired.Add(1)
		go func() {
			defer s.retired.Done()
			ctx, cancel := context.WithTimeout(s.ending, ch.retired)
			defer cancel()
			if err := f.shutdown(ctx); err != nil {
				s.log.Warn("connections of a changed listener were cut", "error", err)
			}
		}()
	}
}

// Addresses gives where the set listens, by configured address: "127.0.0.1:0"
// has become a real port.
func (s *Set) Addresses() map[string]net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]net.Addr{}
	for address, sock := range s.sockets {
		out[address] = sock.ln.Addr()
	}
	return out
}

// Stats counts connections, over all listeners.
type Stats struct {
	Open    int    // connections open now
	Refused uint64 // closed because a limit was reached, since the start
	HTTP2   HTTP2Stats
}

// Stats gives the present counts.
func (s *Set) Stats() Stats {
	st := Stats{HTTP2: newHTTP2Stats()}
	for _, sock := range s.list() {
		st.Open += sock.guard.open()
		st.Refused += sock.guard.refused.Load()
		sock.guard.http2.addTo(&st.HTTP2)
	}
	return st
}

// Certificates gives the served certificates' ends, for metrics and alerts.
func (s *Set) Certificates() []Expiry {
	var out []Expiry
	for _, sock := range s.list() {
		if f := sock.current.Load(); f.certs != nil {
			out = append(out, f.certs.expiries()...)
		}
	}
	return out
}

// Drain makes every answer ask its client to close the connection, while new
// connections and requests are still served: the time in which a load balancer
// finds out that this node is going.
func (s *Set) Drain() {
	s.mu.Lock()
	s.drained = true
	s.mu.Unlock()
	for _, sock := range s.list() {
		sock.current.Load().draining.Store(true)
	}
}

// Shutdown stops listening and waits for requests in flight until ctx ends,
// then cuts what is left. It is the end of the set.
func (s *Set) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.stop)
	sockets := s.sockets
	s.mu.Unlock()
	defer s.cut()
	defer context.AfterFunc(ctx, s.cut)() // fronts that a reload replaced end with the others

	errs := make(chan error, len(sockets))
	for address, sock := range sockets {
		go func() {
			sock.close()
			err := sock.current.Load().shutdown(ctx)
			if err != nil {
				err = fmt.Errorf("%s: %w", address, err)
			}
			errs <- err
		}()
	}
	var all []error
	for range sockets {
		all = append(all, <-errs)
	}
	s.retired.Wait()
	return errors.Join(all...)
}
