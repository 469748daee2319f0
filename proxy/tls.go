// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"durward"
)

// recheck is how often files are looked at for renewal, at most.
const recheck = time.Second

// maxPEM bounds a certificate file.
const maxPEM = 4 << 20

// identity is the trust and the client certificate of TLS connections, read
// again when its files change. While new files cannot be used the old ones
// stay. It is safe for concurrent use.
type identity struct {
	files TLS
	now   func() time.Time
	log   *slog.Logger

	last   atomic.Pointer[snapshot]
	lookAt atomic.Int64 // when the files are looked at again, in Unix nanoseconds

	mu     sync.Mutex
	stamps [3]stamp
}

// snapshot is what one version of the files gave.
type snapshot struct {
	base    *tls.Config
	version int // grows with every change
}

// stamp tells whether a file is another one than before.
type stamp struct {
	modified time.Time
	size     int64
}

func newIdentity(files TLS, now func() time.Time, log *slog.Logger) (*identity, error) {
	t := &identity{files: files, now: now, log: log}
	t.stamps = t.stat()
	base, err := loadTLS(files)
	if err != nil {
		return nil, err
	}
	t.last.Store(&snapshot{base: base})
	t.lookAt.Store(now().Add(recheck).UnixNano())
	return t, nil
}

// current gives the settings as the files have them. It looks at the files
// once a second at most, and otherwise takes no lock.
func (t *identity) current() *snapshot {
	if t.files == (TLS{ServerName: t.files.ServerName}) {
		return t.last.Load() // there are no files
	}
	now, due := t.now(), t.lookAt.Load()
	if past(due, now.UnixNano(), recheck) && t.lookAt.CompareAndSwap(due, now.Add(recheck).UnixNano()) {
		t.look()
	}
	return t.last.Load()
}

// look reads the files again if they are others than before.
func (t *identity) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	stamps := t.stat()
	if stamps == t.stamps {
		return
	}
	base, err := loadTLS(t.files)
	if err != nil {
		// Half a renewal is usual: the stamps are not taken over, so that the
		// files are read again until they fit together.
		t.log.Warn("renewed upstream certificate files cannot be used; the old ones stay", "error", err)
		return
	}
	t.stamps = stamps
	t.last.Store(&snapshot{base: base, version: t.last.Load().version + 1})
	t.log.Info("upstream certificate files renewed")
}

func (t *identity) stat() (s [3]stamp) {
	for i, name := range []string{t.files.CA, t.files.Certificate, t.files.Key} {
		if name == "" {
			continue
		}
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// loadTLS reads the files. Its errors name the field and quote no content.
func loadTLS(files TLS) (*tls.Config, error) {
	// Sessions are kept with the settings that they were verified under.
	c := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(64)}
	var faults []error
	if files.CA != "" {
		pool, err := loadCA(files.CA)
		if err != nil {
			faults = append(faults, durward.Invalid("ca", "%v", err))
		}
		c.RootCAs = pool
	}
	if files.Certificate != "" {
		chain, err1 := readPEM(files.Certificate)
		key, err2 := readPEM(files.Key)
		switch {
		case err1 != nil:
			faults = append(faults, durward.Invalid("certificate", "%v", err1))
		case err2 != nil:
			faults = append(faults, durward.Invalid("key", "%v", err2))
		default:
			pair, err := tls.X509KeyPair(chain, key)
			if err != nil {
				faults = append(faults, durward.Invalid("certificate", "does not go with its key: %v", err))
			}
			c.Certificates = []tls.Certificate{pair}
		}
	}
	return c, errors.Join(faults...)
}

// loadCA reads at least one certificate, and nothing else.
func loadCA(name string) (*x509.CertPool, error) {
	data, err := readPEM(name)
	if err != nil {
		return nil, err
	}
	pool, found := x509.NewCertPool(), false
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, errors.New("holds something that is not a certificate")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, errors.New("holds a certificate that cannot be read")
		}
		pool.AddCert(cert)
		found = true
	}
	if !found {
		return nil, errors.New("holds no PEM certificate")
	}
	return pool, nil
}

func readPEM(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxPEM {
		return nil, errors.New("is larger than 4 MiB")
	}
	if err == nil {
		var data []byte
		if data, err = os.ReadFile(name); err == nil {
			return bytes.TrimSpace(data), nil
		}
	}
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the field says which file
	}
	return nil, errors.Join(errors.New("cannot be read"), err)
}

// dialer opens connections to one target.
type dialer struct {
	target   endpoint
	identity *identity
	timeout  time.Duration
	net      net.Dialer
}

func newDialer(e endpoint, id *identity, timeout time.Duration) *dialer {
	return &dialer{target: e, identity: id, timeout: timeout, net: net.Dialer{KeepAlive: 30 * time.Second}}
}

// version is that of the certificate files, 0 for a target without TLS.
func (d *dialer) version() int {
	if d.target.scheme != "https" {
		return 0
	}
	return d.identity.current().version
}

// plain opens a TCP connection.
func (d *dialer) plain(ctx context.Context) (net.Conn, error) {
	return d.net.DialContext(ctx, "tcp", d.target.address)
}

// secure opens a TLS connection for the protocol, verified.
func (d *dialer) secure(ctx context.Context, protocol string) (net.Conn, error) {
	conf := d.identity.current().base.Clone()
	conf.NextProtos = []string{protocol}
	conf.ServerName = d.identity.files.ServerName
	if conf.ServerName == "" {
		conf.ServerName = d.target.host
	}
	nc, err := d.plain(ctx)
	if err != nil {
		return nil, err
	}
	tc := tls.Client(nc, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	if protocol == "h2" && tc.ConnectionState().NegotiatedProtocol != "h2" {
		_ = tc.Close()
		return nil, errNotHTTP2
	}
	return tc, nil
}

// http1 opens a connection for HTTP/1.1.
func (d *dialer) http1(ctx context.Context) (net.Conn, error) {
	if d.target.scheme == "https" {
		return d.secure(ctx, "http/1.1")
	}
	return d.plain(ctx)
}
