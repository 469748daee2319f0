// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdRaw: "raw FILE" sends the file's bytes, with LF made CRLF, to $GATEWAY
// and gives what comes back until the gateway closes or is silent for three seconds.
// "raw 'GET /x HTTP/1.1' 'Host: h' ..." sends these lines, then one that asks
// to close the connection, then the empty line.
func (w *world) cmdRaw(ts *testscript.TestScript, args []string) error {
	var text string
	switch {
	case len(args) == 1 && !strings.Contains(args[0], " "):
		text = strings.TrimSuffix(ts.ReadFile(args[0]), "\n\n\n")
	case len(args) >= 1:
		text = strings.Join(args, "\n") + "\nConnection: close\n\n"
	default:
		return errors.New("usage: raw FILE | raw LINE...")
	}
	c, err := net.Dial("tcp", ts.Getenv("GATEWAY"))
	if err != nil {
		return err
	}
	defer w.over()
	defer c.Close()
	if _, err := io.WriteString(c, expand(ts, strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		return err
	}
	r := bufio.NewReader(c)
	for {
		c.SetReadDeadline(time.Now().Add(time.Minute))
		line, err := r.ReadString('\n')
		io.WriteString(w.stdout(ts), strings.ReplaceAll(line, "\r\n", "\n"))
		if err == nil {
			continue
		}
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			fmt.Fprintln(w.stdout(ts), "[closed]")
		}
		return nil
	}
}

// cmdConnections: "connections COUNT" opens so many connections to $GATEWAY, and says
// how many the gateway keeps open. Then it closes them.
func (w *world) cmdConnections(ts *testscript.TestScript, args []string) error {
	var count, open int
	if len(args) != 1 {
		return errors.New("usage: connections COUNT")
	}
	if _, err := fmt.Sscan(args[0], &count); err != nil {
		return err
	}
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	for range count {
		c, err := net.Dial("tcp", ts.Getenv("GATEWAY"))
		if err != nil {
			return err
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		var timeout net.Error
		if _, err := c.Read(make([]byte, 1)); errors.As(err, &timeout) && timeout.Timeout() {
			open++
		}
	}
	fmt.Fprintf(w.stdout(ts), "%d open\n", open)
	return nil
}

var tlsVersions = map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// cmdHandshake: "handshake -tls CA [-min V] [-max V] [-sni NAME] [-alpn A,B]
// [-suite NAME]" makes a TLS connection to $GATEWAY, and gives version, ALPN,
// suite and the certificate's names.
func (w *world) cmdHandshake(ts *testscript.TestScript, args []string) error {
	o, _, err := options(args)
	if err != nil {
		return err
	}
	cfg := &tls.Config{ServerName: o["sni"], MinVersion: tls.VersionTLS10, MaxVersion: tlsVersions[o["max"]]}
	if v, ok := tlsVersions[o["min"]]; ok {
		cfg.MinVersion = v
	}
	if o["alpn"] != "" {
		cfg.NextProtos = strings.Split(o["alpn"], ",")
	}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if s.Name == o["suite"] {
			cfg.CipherSuites = []uint16{s.ID}
		}
	}
	if cfg.RootCAs, err = readRoots(ts, o["tls"]); err != nil {
		return err
	}
	dialer := &tls.Dialer{Config: cfg, NetDialer: &net.Dialer{Timeout: time.Minute}}
	c, err := dialer.Dial("tcp", ts.Getenv("GATEWAY"))
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
		return err
	}
	defer c.Close()
	state := c.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	fmt.Fprintf(w.stdout(ts), "%s\nALPN %q\n%s\n%s for %s\nserial %s\n", tls.VersionName(state.Version), state.NegotiatedProtocol,
		tls.CipherSuiteName(state.CipherSuite), leaf.Subject.CommonName, strings.Join(leaf.DNSNames, " "), leaf.SerialNumber)
	return nil
}
