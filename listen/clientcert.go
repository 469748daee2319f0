// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"durward"
	"durward/internal/clientca"
)

// ClientCertificates is the `client_certificates:` part of a listener's TLS.
// The files are read again within ten seconds of a change.
type ClientCertificates struct {
	// Mode says whether clients show a certificate: `off` does not ask for one,
	// `request` asks, takes any whose key the client has, and leaves it to each
	// API to judge it, `require` refuses in the handshake whoever has none that
	// is good by `ca` and `crl`, and later requests once it is good no more.
	// Default `off`.
	Mode string `yaml:"mode" enum:"off,request,require"`
	// CA is a PEM file with authorities, each trusted by itself. Their names are
	// sent, so that a client knows which certificate to show. With `request` it
	// is only that, and may be left out.
	CA string `yaml:"ca" path:"true"`
	// CRL are files with revocation lists, PEM or DER, at most 16; only with
	// `require`. With any, each certificate below an authority of `ca` needs a
	// current list of its issuer. Default none: nothing is ever revoked.
	CRL []string `yaml:"crl" path:"true"`
}

// Check reports every fault that can be found without reading files.
func (c *ClientCertificates) Check() error {
	var errs []error
	if len(c.CRL) > clientca.MaxCRLs {
		errs = append(errs, durward.Invalid("crl", "has more than %d files", clientca.MaxCRLs))
	}
	for i, name := range c.CRL {
		if name == "" {
			errs = append(errs, durward.Invalid("crl["+strconv.Itoa(i)+"]", "is empty"))
		}
	}
	switch c.Mode {
	case "", "off":
		if c.CA != "" || len(c.CRL) > 0 {
			errs = append(errs, durward.Invalid("mode", "must be request or require where ca or crl is given"))
		}
	case "request":
		if len(c.CRL) > 0 {
			errs = append(errs, durward.Invalid("crl", "needs mode require; with request each API has lists of its own"))
		}
	case "require":
		if c.CA == "" {
			errs = append(errs, durward.Invalid("ca", "is required with mode require"))
		}
	default:
		errs = append(errs, durward.Invalid("mode", "must be off, request or require"))
	}
	return errors.Join(errs...)
}

// clientAuth asks the clients of one listener for certificates.
type clientAuth struct {
	require  bool
	verifier *clientca.Verifier // nil: any certificate, and no names are sent
	made     atomic.Pointer[madeConfig]
}

// madeConfig names the authorities as they were in one generation of the files.
type madeConfig struct {
	generation uint64
	cfg        *tls.Config
}

// newClientAuth is nil when no certificate is asked for.
func newClientAuth(c *ClientCertificates, log *slog.Logger) (*clientAuth, error) {
	if c.Mode == "" || c.Mode == "off" {
		return nil, nil
	}
	a := &clientAuth{require: c.Mode == "require"}
	if c.CA == "" {
		return a, nil
	}
	var err error
	a.verifier, err = clientca.New(clientca.Files{CA: c.CA, CRL: c.CRL}, nil, time.Now, log)
	if err != nil {
		return nil, durward.Invalid("", "the files cannot be used: %v", err)
	}
	return a, nil
}

// apply makes cfg ask for certificates. VerifyConnection also runs for a
// session that is resumed, so that no ticket outlives a revocation. There is no
// renegotiation, and nothing is asked for after the handshake: the standard
// library's server does neither.
func (a *clientAuth) apply(cfg *tls.Config) {
	if !a.require {
		cfg.ClientAuth = tls.RequestClientCert
		// What nobody will take is not kept as long as the connection lives.
		cfg.VerifyConnection = func(state tls.ConnectionState) error { return clientca.Fits(state.PeerCertificates) }
		return
	}
	cfg.ClientAuth = tls.RequireAnyClientCert
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		_, err := a.verifier.Check(state.PeerCertificates)
		return err
	}
}

// config gives the settings with the authorities' present names, nil when no
// names are sent. fresh makes settings that nobody has used.
func (a *clientAuth) config(fresh func() *tls.Config) *tls.Config {
	if a.verifier == nil {
		return nil
	}
	pool, generation := a.verifier.Pool()
	if m := a.made.Load(); m != nil && m.generation == generation {
		return m.cfg
	}
	cfg := fresh()
	cfg.ClientCAs = pool
	a.made.Store(&madeConfig{generation, cfg})
	return cfg
}

// certGate stands before the handler of a listener that requires certificates: a
// connection is worth no more than its certificate is now. A request on one
// whose certificate has expired or was revoked is refused and recorded as any
// that cannot be served, and is the last one of its connection.
type certGate struct {
	Handler
	clients *clientca.Verifier
}

// Serve implements Handler.
func (g *certGate) Serve(ctx context.Context, x *durward.Exchange, out durward.Responder) {
	if x.In.TLS == nil {
		x.In.Fault, x.In.FaultErr = durward.CodeUnauthenticated, clientca.ErrNone
	} else if _, err := g.clients.Check(x.In.TLS.PeerCertificates); err != nil {
		x.In.Fault, x.In.FaultErr = durward.CodeUnauthenticated, err
	}
	if x.In.Fault != durward.CodeUnauthenticated {
		g.Handler.Serve(ctx, x, out)
		return
	}
	if o, ok := out.(*responder); ok {
		o.last = true
	} else {
		defer hangUp(ctx)
	}
	g.Handler.Serve(ctx, x, out)
}

// hangUp lets an HTTP/1.1 connection end now that its answer is sent, as if the
// client had closed its half.
func hangUp(ctx context.Context) {
	c, ok := ctx.Value(connKey{}).(net.Conn)
	if !ok {
		return
	}
	own := ours(c)
	own.hungUp.Store(true)
	if raw, ok := own.Conn.(interface{ CloseRead() error }); ok {
		raw.CloseRead() // wakes who waits for the next request
	}
}
